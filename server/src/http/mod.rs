//! HTTP: the playground, `/healthz` and `/metrics`, on a thread of its own.
//!
//! It knows the data path only by asking it (`data::Asker`). The pages are the same for everyone
//! and the figures harmless, so the Host header isn't looked at; whatever is added here that
//! changes something or shows data must look at it first, since a page from elsewhere can reach a
//! loopback port by rebinding its own name. What must never be here: the node; a file read at run
//! time.

mod assets;
mod metrics;

use crate::data::{Asker, Health};
use crate::log::Log;
use axum::Router;
use axum::extract::State;
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use std::io;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;

/// HTTP connections at a time.
pub(crate) const CONNECTIONS: usize = 256;
/// The time that a request's headers, or the wait for the next request, may take.
const HEADER_TIMEOUT: Duration = Duration::from_secs(30);
/// The most bytes that a request's headers may have.
const HEADER_BYTES: usize = 16 * 1024;
/// The most headers that a request may have.
const HEADERS: usize = 64;
/// The longest that one connection lives: a peer that takes its reply a byte a minute goes too.
const CONNECTION_LIFE: Duration = Duration::from_secs(600);
/// How long to wait when accepting fails, as it does when there are no descriptors left.
const REST: Duration = Duration::from_millis(100);

/// Starts the thread. Without listeners there is nothing to start.
pub(crate) fn spawn(
    listeners: Vec<std::net::TcpListener>,
    asker: Asker,
    log: Log,
) -> io::Result<()> {
    if listeners.is_empty() {
        return Ok(());
    }
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let listeners = {
        let _inside = runtime.enter();
        listeners.into_iter().map(TcpListener::from_std).collect::<io::Result<Vec<_>>>()?
    };
    let thread = std::thread::Builder::new().name("http".into());
    thread.spawn(move || runtime.block_on(serve(listeners, router(asker), log)))?;
    Ok(())
}

fn router(asker: Asker) -> Router {
    Router::new()
        .route("/healthz", get(healthz))
        .route("/metrics", get(metrics))
        .fallback(assets::serve)
        .with_state(asker)
}

async fn healthz(State(asker): State<Asker>) -> Response {
    match asker.health().await {
        Ok(Health::Serving) => text(StatusCode::OK, "ok\n".into()),
        Ok(Health::Ending) => text(StatusCode::SERVICE_UNAVAILABLE, "shutting down\n".into()),
        Err(error) => text(StatusCode::SERVICE_UNAVAILABLE, format!("{error}\n")),
    }
}

async fn metrics(State(asker): State<Asker>) -> Response {
    match asker.snapshot().await {
        Ok(snapshot) => match metrics::encode(snapshot) {
            Ok(body) => ([(header::CONTENT_TYPE, metrics::CONTENT_TYPE)], body).into_response(),
            Err(error) => text(StatusCode::INTERNAL_SERVER_ERROR, format!("{error}\n")),
        },
        Err(error) => text(StatusCode::SERVICE_UNAVAILABLE, format!("{error}\n")),
    }
}

/// A short answer for people, never kept by a cache.
fn text(status: StatusCode, body: String) -> Response {
    const HEADERS: [(HeaderName, HeaderValue); 2] = [
        (header::CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8")),
        (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
    ];
    (status, HEADERS, body).into_response()
}

async fn serve(listeners: Vec<TcpListener>, router: Router, log: Log) {
    let room = Arc::new(Semaphore::new(CONNECTIONS));
    let mut tasks = Vec::new();
    for listener in listeners {
        let (router, log, room) = (router.clone(), log.clone(), Arc::clone(&room));
        tasks.push(tokio::spawn(accept(listener, router, log, room)));
    }
    for task in tasks {
        let _ = task.await;
    }
}

async fn accept(listener: TcpListener, router: Router, log: Log, room: Arc<Semaphore>) {
    loop {
        // The semaphore is never closed; were it, there would be nothing to serve.
        let Ok(permit) = Arc::clone(&room).acquire_owned().await else { return };
        match listener.accept().await {
            Ok((stream, _)) => {
                let router = router.clone();
                tokio::spawn(async move {
                    connection(stream, router).await;
                    drop(permit);
                });
            }
            Err(error) => {
                log.verbose(format_args!("Accepting HTTP connections fails: {error}"));
                tokio::time::sleep(REST).await;
            }
        }
    }
}

async fn connection(stream: TcpStream, router: Router) {
    let service = TowerToHyperService::new(router);
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEADER_TIMEOUT)
        .max_buf_size(HEADER_BYTES)
        .max_headers(HEADERS)
        .serve_connection(TokioIo::new(stream), service);
    // A peer that breaks the protocol or leaves is not worth a line; hyper has answered it.
    let _ = tokio::time::timeout(CONNECTION_LIFE, connection).await;
}
