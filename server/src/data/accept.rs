//! Accepting clients: so many a turn, with a rest when the process has no file descriptors left.
//!
//! What must never be here: reading from a client.

use super::clients::Clients;
use crate::log::Log;
use cache_core::config::Id;
use cache_core::node::ConnectError;
use cache_core::{Node, Now, Peer};
use mio::net::{TcpListener, TcpStream};
use mio::{Interest, Registry, Token};
use socket2::{SockRef, TcpKeepalive};
use std::io::{self, Write};
use std::net::SocketAddr;
use std::time::Duration;

/// Clients to accept in one turn of the loop.
const ACCEPTS_A_TURN: usize = 64;
/// How long to leave the listeners alone after accepting failed, in microseconds.
const REST_US: u64 = 100_000;
/// How often failing is worth a line in the log, in microseconds.
const COMPLAINT_US: u64 = 5_000_000;
/// What a client is told that came from elsewhere to a server without a password.
const DENIED: &[u8] = b"-DENIED Larder is running in protected mode because no password is set \
    for the default user. In this mode connections are only accepted from the loopback interface. \
    Set a password by CONFIG SET requirepass from there or by --requirepass, or turn protected \
    mode off by --protected-mode no if only those who may can reach the server.\r\n";

/// The listening sockets.
pub(super) struct Acceptor {
    listeners: Vec<Listener>,
    retry_at_us: Option<u64>,
    complained_at_us: Option<u64>,
    log: Log,
}

struct Listener {
    socket: TcpListener,
    /// Someone may be waiting. Events come only when that changes, so it is kept here.
    ready: bool,
}

impl Acceptor {
    /// Registers the sockets under their positions as tokens.
    pub(super) fn new(
        sockets: Vec<std::net::TcpListener>,
        registry: &Registry,
        log: Log,
    ) -> io::Result<Self> {
        let mut listeners = Vec::new();
        for (index, socket) in sockets.into_iter().enumerate() {
            let mut socket = TcpListener::from_std(socket);
            registry.register(&mut socket, Token(index), Interest::READABLE)?;
            listeners.push(Listener { socket, ready: true });
        }
        Ok(Acceptor { listeners, retry_at_us: None, complained_at_us: None, log })
    }

    /// An event says that someone waits at a listener.
    pub(super) fn note_ready(&mut self, listener: usize) {
        if let Some(listener) = self.listeners.get_mut(listener) {
            listener.ready = true;
        }
    }

    /// Whether someone may be waiting whom we could accept.
    pub(super) fn is_ready(&self, now: Now) -> bool {
        self.retry_at_us.is_none_or(|at| at <= now.mono_us)
            && self.listeners.iter().any(|listener| listener.ready)
    }

    /// When the rest is over.
    pub(super) fn retry_at_us(&self) -> Option<u64> {
        self.retry_at_us
    }

    /// Listens no more.
    pub(super) fn close(&mut self) {
        self.listeners.clear();
        self.retry_at_us = None;
    }

    /// Accepts who waits, up to [`ACCEPTS_A_TURN`].
    pub(super) fn accept(
        &mut self,
        now: Now,
        node: &mut Node,
        clients: &mut Clients,
        registry: &Registry,
    ) {
        if !self.is_ready(now) {
            return;
        }
        self.retry_at_us = None;
        let mut left = ACCEPTS_A_TURN;
        for listener in &mut self.listeners {
            while listener.ready && left > 0 {
                match listener.socket.accept() {
                    Ok((stream, addr)) => {
                        left -= 1;
                        admit(now, node, clients, registry, stream, addr, &self.log);
                    }
                    Err(error) => match error.kind() {
                        io::ErrorKind::WouldBlock => listener.ready = false,
                        io::ErrorKind::Interrupted | io::ErrorKind::ConnectionAborted => left -= 1,
                        _ => {
                            // No descriptors or no memory: those who wait go on waiting.
                            left = 0;
                            self.retry_at_us = Some(now.mono_us + REST_US);
                            if self
                                .complained_at_us
                                .is_none_or(|at| now.mono_us - at >= COMPLAINT_US)
                            {
                                self.complained_at_us = Some(now.mono_us);
                                self.log.warning(format_args!(
                                    "Accepting client connections fails: {error}"
                                ));
                            }
                        }
                    },
                }
            }
        }
    }
}

/// Makes a client of a socket, or tells it why not.
fn admit(
    now: Now,
    node: &mut Node,
    clients: &mut Clients,
    registry: &Registry,
    mut stream: TcpStream,
    addr: SocketAddr,
    log: &Log,
) {
    if is_forbidden(node, addr) {
        refuse(&mut stream, DENIED);
        log.verbose(format_args!("Refused {addr}: protected mode"));
        return;
    }
    if let Err(error) = prepare(&stream, node.config().number(Id::TcpKeepalive)) {
        log.verbose(format_args!("Lost {addr} while accepting it: {error}"));
        return;
    }
    let laddr = stream.local_addr().map(|addr| addr.to_string()).unwrap_or_default();
    let peer = Peer { addr: addr.to_string(), laddr, ..Peer::default() };
    match node.handle_connect(now, peer) {
        Ok(conn) => {
            log.verbose(format_args!("Accepted {addr}"));
            if let Err(error) = clients.insert(registry, stream, conn) {
                node.handle_disconnect(conn);
                log.warning(format_args!("Cannot watch the socket of {addr}: {error}"));
            }
        }
        Err(error) => {
            refuse(&mut stream, ConnectError::REPLY);
            log.verbose(format_args!("Refused {addr}: {error}"));
        }
    }
}

/// Protected mode: without a password only this machine may come.
fn is_forbidden(node: &Node, addr: SocketAddr) -> bool {
    let config = node.config();
    config.number(Id::ProtectedMode) == 1
        && config.text(Id::Requirepass).is_empty()
        && !addr.ip().to_canonical().is_loopback()
}

pub(super) fn prepare(stream: &TcpStream, keepalive_secs: i64) -> io::Result<()> {
    stream.set_nodelay(true)?;
    if keepalive_secs > 0 {
        // As in Redis: three probes within as long again.
        let secs = keepalive_secs as u64;
        let keepalive = TcpKeepalive::new()
            .with_time(Duration::from_secs(secs))
            .with_interval(Duration::from_secs((secs / 3).max(1)))
            .with_retries(3);
        SockRef::from(stream).set_tcp_keepalive(&keepalive)?;
    }
    Ok(())
}

/// Says why and closes. Whether it arrives is the peer's affair.
fn refuse(stream: &mut TcpStream, reason: &[u8]) {
    let _ = stream.write(reason);
    super::clients::farewell(stream);
}
