//! The clients' sockets: reading into the node, writing out of it, and seeing them off.
//!
//! Where the kernel lets us, io_uring does both: see `by_ring`. Else sockets are registered once,
//! for both directions, edge-triggered: an event comes when a socket that had nothing has
//! something, or one that was full has room. Until a read or a write comes up short a socket counts
//! as ready, and that is kept here, not asked of the kernel. What must never be here: an unbounded
//! loop over one client while others wait.

mod by_ring;

use super::FIRST_CLIENT;
use super::ring::Ring;
use cache_core::{ConnId, Node, Now};
use mio::event::Event;
use mio::net::TcpStream;
use mio::{Interest, Registry, Token};
use std::io::{self, Read, Write};
use std::net::Shutdown;

/// One read takes so many bytes at the most, and a client gets one read a turn.
const READ_BYTES: usize = 64 * 1024;
/// One client gets so many bytes written in a turn at the most.
const WRITE_BYTES: usize = 1 << 20;
/// Input of a client that is being closed is thrown away up to so many reads, so that the last
/// reply isn't lost: closing a socket with unread input resets the connection.
const FAREWELL_READS: usize = 16;

/// All clients.
pub(super) struct Clients {
    /// By the index that the node gave them.
    table: Vec<Option<Client>>,
    /// Those from whom something can be read.
    readable: Vec<u32>,
    /// Those with output whose socket has room (again).
    writable: Vec<u32>,
    /// Those that send no more: to be closed when all that they sent is answered.
    leaving: Vec<u32>,
    /// The queue that is being worked off; kept for its memory.
    turn: Vec<u32>,
    buffer: Box<[u8]>,
    /// Receives and sends, where there is one.
    ring: Option<Ring>,
    /// What became of a batch that was sent; kept for its memory.
    sent: Vec<i32>,
}

struct Client {
    stream: TcpStream,
    conn: ConnId,
    /// In `readable`.
    queued: bool,
    /// The socket may have input.
    has_input: bool,
    /// The node wants no more for now.
    paused: bool,
    /// The socket has room.
    has_room: bool,
    /// The peer has closed its side or is gone; a short read doesn't mean that there is no more.
    hung_up: bool,
    /// All input has been read.
    ended: bool,
    /// The ring receives from it.
    receiving: bool,
    /// In the batch that is being sent.
    sending: bool,
}

impl Clients {
    /// Nobody yet. Whom the ring doesn't serve are served by events.
    pub(super) fn new(ring: Option<Ring>) -> Self {
        Clients {
            table: Vec::new(),
            readable: Vec::new(),
            writable: Vec::new(),
            leaving: Vec::new(),
            turn: Vec::new(),
            buffer: vec![0; READ_BYTES].into_boxed_slice(),
            ring,
            sent: Vec::new(),
        }
    }

    /// Takes a client in.
    pub(super) fn insert(
        &mut self,
        registry: &Registry,
        mut stream: TcpStream,
        conn: ConnId,
    ) -> io::Result<()> {
        let index = conn.index as usize;
        let token = Token(FIRST_CLIENT + index);
        match &mut self.ring {
            Some(ring) => ring.receive(&stream, by_ring::key(conn))?,
            None => {
                let both = Interest::READABLE | Interest::WRITABLE;
                registry.register(&mut stream, token, both)?;
            }
        }
        if self.table.len() <= index {
            self.table.resize_with(index + 1, || None);
        }
        self.table[index] = Some(Client {
            stream,
            conn,
            queued: false,
            has_input: false,
            paused: false,
            has_room: true,
            hung_up: false,
            ended: false,
            receiving: self.ring.is_some(),
            sending: false,
        });
        Ok(())
    }

    /// Whether there is something to read without waiting for an event.
    pub(super) fn can_read(&self) -> bool {
        !self.readable.is_empty()
    }

    /// Whether there is something to write without waiting for an event.
    pub(super) fn can_write(&self) -> bool {
        !self.writable.is_empty()
    }

    /// Whether someone has yet to be sent something.
    pub(super) fn have_output(&self, node: &Node) -> bool {
        self.table.iter().flatten().any(|client| !node.sendable(client.conn).bytes.is_empty())
    }

    /// Takes an event of a client's socket.
    pub(super) fn note_event(&mut self, index: usize, event: &Event, node: &mut Node) {
        let Some(client) = self.table.get_mut(index).and_then(Option::as_mut) else { return };
        client.hung_up |= event.is_read_closed() || event.is_error();
        if event.is_writable() && !client.has_room {
            client.has_room = true;
            self.writable.push(index as u32);
        }
        if event.is_error() && client.paused {
            // Nobody is there to take replies, and what it sent can't be taken in now.
            self.close(index, node);
        } else if event.is_readable() || client.hung_up {
            client.has_input = true;
            self.queue_reading(index);
        }
    }

    /// The node wants a client's input again.
    pub(super) fn resume_reading(&mut self, conn: ConnId) -> io::Result<()> {
        if let Some(client) = self.get(conn) {
            client.paused = false;
            self.queue_reading(conn.index as usize);
            self.receive_again(conn)?;
        }
        Ok(())
    }

    fn queue_reading(&mut self, index: usize) {
        if let Some(client) = &mut self.table[index]
            && client.has_input
            && !client.paused
            && !client.queued
            && !client.ended
        {
            client.queued = true;
            self.readable.push(index as u32);
        }
    }

    fn get(&mut self, conn: ConnId) -> Option<&mut Client> {
        let client = self.table.get_mut(conn.index as usize)?.as_mut()?;
        (client.conn == conn).then_some(client)
    }

    /// Reads once from each client that has something.
    pub(super) fn read(&mut self, node: &mut Node) {
        let mut turn = std::mem::take(&mut self.turn);
        std::mem::swap(&mut turn, &mut self.readable);
        for index in turn.drain(..) {
            let Some(client) = &mut self.table[index as usize] else { continue };
            client.queued = false;
            client.read_once(&mut self.buffer, node);
            if client.ended {
                self.leaving.push(index);
            } else {
                self.queue_reading(index as usize);
            }
        }
        self.turn = turn;
    }

    /// Sends what the node has for clients.
    pub(super) fn write(&mut self, now: Now, node: &mut Node) -> io::Result<()> {
        if self.ring.is_some() {
            return self.send(now, node);
        }
        let mut turn = std::mem::take(&mut self.turn);
        std::mem::swap(&mut turn, &mut self.writable);
        for index in turn.drain(..) {
            if let Some(client) = &self.table[index as usize] {
                let conn = client.conn;
                self.write_to(conn, now, node);
            }
        }
        self.turn = turn;
        while let Some(conn) = node.poll_transmit() {
            self.write_to(conn, now, node);
        }
        Ok(())
    }

    fn write_to(&mut self, conn: ConnId, now: Now, node: &mut Node) {
        let index = conn.index as usize;
        let Some(client) = self.get(conn) else { return };
        let mut left = WRITE_BYTES;
        loop {
            let out = node.sendable(conn);
            if out.bytes.is_empty() {
                if out.close {
                    farewell(&mut client.stream);
                    self.close(index, node);
                } else if client.ended {
                    self.leaving.push(conn.index);
                }
                return;
            }
            if !client.has_room {
                return;
            }
            if left == 0 {
                self.writable.push(conn.index);
                return;
            }
            let chunk = &out.bytes[..out.bytes.len().min(left)];
            match client.stream.write(chunk) {
                Ok(sent) if sent > 0 => {
                    left -= sent;
                    node.handle_sent(now, conn, sent);
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    client.has_room = false;
                    return;
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                _ => {
                    self.close(index, node);
                    return;
                }
            }
        }
    }

    /// Closes clients that have sent their last and been answered. While the node has `more` to
    /// execute they may be among those that it hasn't come to.
    pub(super) fn see_off(&mut self, node: &mut Node, more: bool) {
        if more {
            return;
        }
        for index in std::mem::take(&mut self.leaving) {
            let index = index as usize;
            if let Some(client) = &self.table[index]
                && client.ended
                && node.sendable(client.conn).bytes.is_empty()
            {
                self.close(index, node);
            }
        }
    }

    /// Closes a client's socket and tells the node.
    fn close(&mut self, index: usize, node: &mut Node) {
        if let Some(client) = self.table[index].take() {
            self.forget(&client);
            node.handle_disconnect(client.conn);
        }
    }
}

impl Client {
    fn read_once(&mut self, buffer: &mut [u8], node: &mut Node) {
        match self.stream.read(buffer) {
            Ok(0) => self.ended = true,
            Ok(n) => {
                // Edge-triggered: less than was asked for means that there is no more until the
                // next event, unless the peer's end stands behind it.
                self.has_input = n == buffer.len() || self.hung_up;
                self.paused = node.handle_bytes(self.conn, &buffer[..n]).pause;
            }
            Err(error) => match error.kind() {
                io::ErrorKind::WouldBlock => {
                    self.has_input = false;
                    self.hung_up = false;
                }
                io::ErrorKind::Interrupted => {}
                // What came before is executed all the same; writing will fail.
                _ => self.ended = true,
            },
        }
    }
}

/// Ends a connection so that the peer can read what was last sent.
pub(super) fn farewell(stream: &mut TcpStream) {
    let _ = stream.shutdown(Shutdown::Write);
    let mut sink = [0; 4096];
    for _ in 0..FAREWELL_READS {
        if !matches!(stream.read(&mut sink), Ok(n) if n > 0) {
            break;
        }
    }
}
