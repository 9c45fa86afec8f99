//! Dialing: the connections that the node asks for.
//!
//! A name is looked up on a thread of its own, since the system's resolver blocks; its addresses are
//! tried one after the other. What must never be here: waiting; a second connection at a time.

use super::DIAL;
use super::accept::prepare;
use super::clients::Clients;
use cache_core::config::Id;
use cache_core::{Node, Now, Peer};
use mio::net::TcpStream;
use mio::{Interest, Registry, Waker};
use std::collections::VecDeque;
use std::io;
use std::net::{IpAddr, SocketAddr, ToSocketAddrs};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};

/// For which dial a look-up was, and what it has come to.
type Found = (u32, Result<Vec<SocketAddr>, String>);

/// Dials for the node, one address at a time.
pub(super) struct Dialer {
    waker: Arc<Waker>,
    found: (Sender<Found>, Receiver<Found>),
    /// A name is being looked up. There is one look-up at a time, however long it takes.
    looking_up: bool,
    wanted: Option<Wanted>,
    /// A socket that is being connected.
    socket: Option<TcpStream>,
    /// It has become connected, or has failed.
    ready: bool,
    /// Something may be done without waiting for an event.
    goes_on: bool,
}

/// The connection that the node wants.
struct Wanted {
    dial: u32,
    addr: String,
    /// The addresses that are still to be tried, once they are known.
    addrs: Option<VecDeque<SocketAddr>>,
    /// What became of the one before.
    reason: String,
}

impl Dialer {
    pub(super) fn new(waker: Arc<Waker>) -> Self {
        Dialer {
            waker,
            found: channel(),
            looking_up: false,
            wanted: None,
            socket: None,
            ready: false,
            goes_on: false,
        }
    }

    /// Dials an address, `host:port`. What was dialed before is given up.
    pub(super) fn dial(&mut self, dial: u32, addr: &str) {
        // A socket that is dropped is deregistered.
        self.socket = None;
        self.ready = false;
        self.goes_on = true;
        let addrs = plain(addr).map(|addr| VecDeque::from([addr]));
        self.wanted = Some(Wanted { dial, addr: addr.to_owned(), addrs, reason: String::new() });
    }

    /// An event says that the socket is connected or has failed.
    pub(super) fn note_ready(&mut self) {
        self.ready = true;
    }

    /// Whether something can be done without waiting for an event.
    pub(super) fn can_go_on(&self) -> bool {
        self.goes_on
    }

    /// Goes on as far as it can.
    pub(super) fn go_on(
        &mut self,
        now: Now,
        node: &mut Node,
        clients: &mut Clients,
        registry: &Registry,
    ) {
        self.goes_on = false;
        while let Ok((dial, found)) = self.found.1.try_recv() {
            self.looking_up = false;
            if let Some(wanted) = self.wanted.as_mut().filter(|wanted| wanted.dial == dial) {
                match found {
                    Ok(addrs) => wanted.addrs = Some(addrs.into()),
                    Err(reason) => {
                        wanted.addrs = Some(VecDeque::new());
                        wanted.reason = reason;
                    }
                }
            }
        }
        if self.ready {
            self.ready = false;
            self.take_socket(now, node, clients, registry);
        }
        if self.socket.is_none() {
            self.try_next(now, node, registry);
        }
    }

    /// Hands a socket that is connected to the node, or notes why it isn't.
    fn take_socket(
        &mut self,
        now: Now,
        node: &mut Node,
        clients: &mut Clients,
        registry: &Registry,
    ) {
        let Some(mut stream) = self.socket.take() else { return };
        let failed = match stream.take_error() {
            Ok(None) => None,
            Ok(Some(error)) | Err(error) => Some(error),
        };
        let peer = match (failed, stream.peer_addr()) {
            (None, Ok(peer)) => peer,
            (None, Err(error)) if error.kind() == io::ErrorKind::NotConnected => {
                // An event too early.
                self.socket = Some(stream);
                return;
            }
            (Some(error), _) | (None, Err(error)) => return self.note_failure(&error),
        };
        let keepalive = node.config().number(Id::TcpKeepalive);
        let ready = prepare(&stream, keepalive).and_then(|()| registry.deregister(&mut stream));
        if let Err(error) = ready {
            return self.note_failure(&error);
        }
        let Some(wanted) = self.wanted.take() else { return };
        let laddr = stream.local_addr().map(|addr| addr.to_string()).unwrap_or_default();
        let peer = Peer { addr: peer.to_string(), laddr, ..Peer::default() };
        if let Some(conn) = node.handle_dialed(now, wanted.dial, Ok(peer))
            && clients.insert(registry, stream, conn).is_err()
        {
            node.handle_disconnect(conn);
        }
    }

    fn note_failure(&mut self, error: &io::Error) {
        if let Some(wanted) = &mut self.wanted {
            wanted.reason = error.to_string();
        }
    }

    /// Tries the next address; without any, says so.
    fn try_next(&mut self, now: Now, node: &mut Node, registry: &Registry) {
        loop {
            let Some(wanted) = &mut self.wanted else { return };
            let Some(addrs) = &mut wanted.addrs else { return self.look_up() };
            let Some(addr) = addrs.pop_front() else {
                let reason = core::mem::take(&mut wanted.reason);
                let dial = wanted.dial;
                self.wanted = None;
                node.handle_dialed(now, dial, Err(&reason));
                return;
            };
            let connecting = TcpStream::connect(addr).and_then(|mut stream| {
                registry.register(&mut stream, DIAL, Interest::WRITABLE)?;
                Ok(stream)
            });
            match connecting {
                Ok(stream) => {
                    self.socket = Some(stream);
                    return;
                }
                Err(error) => wanted.reason = error.to_string(),
            }
        }
    }

    /// Looks the name up, unless a look-up is under way; then it is this one's turn when that is over.
    fn look_up(&mut self) {
        let Some(wanted) = self.wanted.as_ref().filter(|_| !self.looking_up) else { return };
        let (dial, addr) = (wanted.dial, wanted.addr.clone());
        let (sender, waker) = (self.found.0.clone(), Arc::clone(&self.waker));
        let looked = move || {
            let found = addr.to_socket_addrs().map(Iterator::collect);
            let found = found.map_err(|error| error.to_string());
            // Nobody is there to hear of it when the server has ended.
            let _ = sender.send((dial, found));
            let _ = waker.wake();
        };
        match std::thread::Builder::new().name("resolver".into()).spawn(looked) {
            Ok(_) => self.looking_up = true,
            Err(error) => {
                self.note_failure(&error);
                if let Some(wanted) = &mut self.wanted {
                    wanted.addrs = Some(VecDeque::new());
                }
                self.goes_on = true;
            }
        }
    }
}

/// An address that needs no look-up.
fn plain(addr: &str) -> Option<SocketAddr> {
    if let Ok(addr) = addr.parse() {
        return Some(addr);
    }
    let (ip, port) = addr.rsplit_once(':')?;
    Some(SocketAddr::new(ip.parse::<IpAddr>().ok()?, port.parse().ok()?))
}
