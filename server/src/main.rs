//! `larder`: the server around the engine in `cache-core`.
//!
//! One thread owns every Redis client's socket and the node (`data`); another serves HTTP (`http`)
//! and asks the first. `bench` is the other end of such sockets, a load generator. What must never
//! be here: anything that decides about caching; that is the core's.

mod bench;
mod cli;
mod clock;
mod config_file;
mod data;
mod directives;
mod disk;
mod heap;
mod http;
mod limits;
mod listen;
mod log;

use cache_core::config::{Config, Id};
use data::{Parts, Reactor};
use directives::Settings;
use log::Log;
use std::error::Error;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener};
use std::process::ExitCode;

fn main() -> ExitCode {
    let asked = match cli::parse(std::env::args_os()) {
        Ok(asked) => asked,
        Err(error) => {
            // Help and version are no mistake. A closed standard output is none of ours either.
            let _ = error.print();
            return if error.use_stderr() { ExitCode::FAILURE } else { ExitCode::SUCCESS };
        }
    };
    let done = match asked {
        cli::Asked::Serve(serve) => start(&serve),
        cli::Asked::Bench(options) => bench::run(*options),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("larder: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Reads the settings, opens what is to be open, and serves until the end.
fn start(serve: &cli::Serve) -> Result<(), Box<dyn Error>> {
    let Settings { mut config, without_effect } = settings(serve)?;
    heap::keep_chunks_apart(config.number(Id::HugePages) != 0);
    let dir = config.text(Id::Dir);
    std::env::set_current_dir(dir).map_err(|error| format!("dir {dir}: {error}"))?;
    let logfile = config.text(Id::Logfile);
    let log = Log::open(logfile, config.word(Id::Loglevel))
        .map_err(|error| format!("logfile {logfile}: {error}"))?;
    let redis = listeners(&config, "port", Id::Port)?;
    let http = listeners(&config, "http-port", Id::HttpPort)?;
    if redis.is_empty() && http.is_empty() {
        return Err("port 0 and http-port 0: there is nothing to serve".into());
    }
    log.notice(format_args!(
        "Larder {} starts, pid {}",
        env!("CARGO_PKG_VERSION"),
        std::process::id()
    ));
    if !without_effect.is_empty() {
        log.notice(format_args!("Directives without effect: {}", without_effect.join(", ")));
    }
    fit_maxclients(&mut config, &log)?;
    let protected = protection(&config);

    let redis_addrs = addresses(&redis);
    let http_addrs = addresses(&http);
    let (reactor, asker) = Reactor::new(Parts { config, listeners: redis, log: log.clone() })?;
    http::spawn(http, asker, log.clone())?;
    announce(&log, &redis_addrs, &http_addrs, protected);
    reactor.run()?;
    log.warning("Larder is now ready to exit, bye bye...");
    Ok(())
}

/// The file's directives, then the options.
fn settings(serve: &cli::Serve) -> Result<Settings, Box<dyn Error>> {
    let mut directives = match &serve.file {
        Some(path) => config_file::read(path).map_err(|error| error.to_string())?,
        None => Vec::new(),
    };
    directives.extend(serve.options.iter().cloned());
    Ok(directives::apply(&directives).map_err(|error| error.to_string())?)
}

/// The listening sockets of one port; none when it is 0.
fn listeners(
    config: &Config,
    option: &'static str,
    id: Id,
) -> Result<Vec<TcpListener>, Box<dyn Error>> {
    let port = config.number(id) as u16;
    if port == 0 {
        return Ok(Vec::new());
    }
    let backlog = config.number(Id::TcpBacklog).min(i64::from(i32::MAX)) as i32;
    let listeners = listen::open(config.text(Id::Bind), option, port, backlog);
    Ok(listeners.map_err(|error| error.to_string())?)
}

/// Lowers `maxclients` to what the limit on open files allows.
fn fit_maxclients(config: &mut Config, log: &Log) -> Result<(), Box<dyn Error>> {
    if let Err(too_few) = limits::allow_clients(config.number(Id::Maxclients) as u64) {
        log.warning(too_few);
        config.set("maxclients", &too_few.possible.to_string())?;
    }
    Ok(())
}

/// What stands between the server and other machines, when they could reach it.
fn protection(config: &Config) -> Option<&'static str> {
    let open = config
        .text(Id::Bind)
        .split_whitespace()
        .map(|word| word.trim_start_matches('-'))
        .any(|host| !matches!(host, "127.0.0.1" | "::1" | "localhost"));
    if !open || !config.text(Id::Requirepass).is_empty() {
        None
    } else if config.number(Id::ProtectedMode) == 1 {
        Some("No password is set: protected mode refuses clients from other machines")
    } else {
        Some("No password is set and protected mode is off: whoever reaches the port may do all")
    }
}

fn addresses(listeners: &[TcpListener]) -> Vec<SocketAddr> {
    listeners.iter().filter_map(|listener| listener.local_addr().ok()).collect()
}

fn announce(log: &Log, redis: &[SocketAddr], http: &[SocketAddr], protected: Option<&str>) {
    for addr in redis {
        log.notice(format_args!("Redis protocol on {addr}"));
    }
    if let Some((addr, others)) = http.split_first() {
        let base = format!("http://{}", reachable(*addr));
        log.notice(format_args!("Playground on {base}/"));
        log.notice(format_args!("Metrics on {base}/metrics, health on {base}/healthz"));
        for addr in others {
            log.verbose(format_args!("HTTP on {addr} too"));
        }
    }
    if let Some(warning) = protected {
        log.warning(warning);
    }
    if !redis.is_empty() {
        log.notice("Ready to accept connections tcp");
    }
}

/// An address that one can put into a browser on this machine.
fn reachable(addr: SocketAddr) -> SocketAddr {
    match addr.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => (Ipv4Addr::LOCALHOST, addr.port()).into(),
        IpAddr::V6(ip) if ip.is_unspecified() => (Ipv6Addr::LOCALHOST, addr.port()).into(),
        _ => addr,
    }
}
