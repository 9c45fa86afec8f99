//! `cargo xtask null-server`: the floor under every server. It counts requests, writes a fixed
//! reply for each, and does nothing else, on one thread over epoll; what it costs is what the
//! kernel and the wire cost.
//!
//! It knows a request by its `*`, so neither keys nor values may hold one, and a connection sends
//! one kind of request: redis-benchmark does both.

use std::collections::HashMap;
use std::io::{ErrorKind, Read, Write};
use std::net::SocketAddr;
use std::time::Duration;

use anyhow::{Context, Result};
use mio::net::{TcpListener, TcpStream};
use mio::{Events, Interest, Poll, Token};

use crate::proc;

/// Bytes read at once.
const READ: usize = 64 * 1024;
/// Bytes written at once, at the least.
const WRITE: usize = 64 * 1024;
/// The value that every GET gets.
const VALUE: [u8; 64] = [b'x'; 64];
/// How often it looks whether it was told to end, when nothing else happens.
const LOOK: Duration = Duration::from_millis(200);
const LISTENER: Token = Token(0);

struct Connection {
    stream: TcpStream,
    /// The reply, over and over; empty until the first request has shown its kind.
    replies: Vec<u8>,
    /// The length of one reply.
    reply: usize,
    /// Bytes of replies that are still to be written, the first of them at `at` in `replies`.
    owed: usize,
    at: usize,
}

/// Serves until it is told to end.
pub(crate) fn run(address: SocketAddr) -> Result<()> {
    let mut poll = Poll::new()?;
    let mut listener = TcpListener::bind(address)
        .with_context(|| format!("cannot listen on {address}: is the port taken?"))?;
    poll.registry().register(&mut listener, LISTENER, Interest::READABLE)?;
    let mut connections = HashMap::new();
    let mut next = LISTENER.0;
    let mut events = Events::with_capacity(1024);
    let mut buffer = vec![0; READ];
    while !proc::interrupted() {
        match poll.poll(&mut events, Some(LOOK)) {
            Err(error) if error.kind() == ErrorKind::Interrupted => continue,
            done => done?,
        }
        for event in &events {
            if event.token() == LISTENER {
                while let Ok((mut stream, _)) = listener.accept() {
                    next += 1;
                    let both = Interest::READABLE | Interest::WRITABLE;
                    poll.registry().register(&mut stream, Token(next), both)?;
                    connections.insert(Token(next), Connection::new(stream));
                }
            } else if let Some(connection) = connections.get_mut(&event.token())
                && !connection.serve(&mut buffer)
            {
                connections.remove(&event.token());
            }
        }
    }
    Ok(())
}

impl Connection {
    fn new(stream: TcpStream) -> Self {
        Self { stream, replies: Vec::new(), reply: 0, owed: 0, at: 0 }
    }

    /// Reads and answers all there is; whether the connection goes on.
    fn serve(&mut self, buffer: &mut [u8]) -> bool {
        loop {
            if !self.write() {
                return false;
            }
            // Who doesn't read is not read from.
            if self.owed > 0 {
                return true;
            }
            match self.stream.read(buffer) {
                Ok(0) => return false,
                Ok(n) => {
                    self.take_in(&buffer[..n]);
                    // Less than there was room for is all there was (epoll(7), of edges). The
                    // peer's end, if it stands behind that, is another edge.
                    if n < buffer.len() {
                        return self.write();
                    }
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => return true,
                Err(_) => return false,
            }
        }
    }

    fn take_in(&mut self, bytes: &[u8]) {
        if self.replies.is_empty() {
            let reply = if bytes.starts_with(b"*2") {
                [b"$64\r\n", &VALUE[..], b"\r\n"].concat()
            } else {
                b"+OK\r\n".to_vec()
            };
            self.reply = reply.len();
            self.replies = reply.repeat(WRITE.div_ceil(reply.len()));
        }
        let requests = bytes.iter().filter(|byte| **byte == b'*').count();
        self.owed += requests * self.reply;
    }

    /// Writes what is owed, as far as it goes; whether the connection goes on.
    fn write(&mut self) -> bool {
        while self.owed > 0 {
            let end = self.replies.len().min(self.at + self.owed);
            match self.stream.write(&self.replies[self.at..end]) {
                Ok(n) => {
                    self.owed -= n;
                    self.at = (self.at + n) % self.reply;
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => return true,
                Err(_) => return false,
            }
        }
        true
    }
}
