//! Clients whose sockets io_uring serves: what it tells goes to the node, what the node has goes out
//! as one batch a turn.
//!
//! A socket is received from until the node has enough of it. What must never be here: waiting for
//! one client.

use super::{Client, Clients, WRITE_BYTES, farewell};
use crate::data::completion::{Completion, Key};
use crate::data::ring::Ring;
use cache_core::{ConnId, Node, Now};
use std::io;
use std::os::fd::AsRawFd;
use std::time::Duration;

/// By what the ring tells clients apart: the place, and the id's lower half for who is there.
pub(super) fn key(conn: ConnId) -> Key {
    u64::from(conn.index) << 32 | conn.id & 0xffff_ffff
}

impl Clients {
    /// Whether io_uring serves them.
    pub(in crate::data) fn has_ring(&self) -> bool {
        self.ring.is_some()
    }

    /// Waits for the ring, and hands what came to the node, or throws it away when nothing more is
    /// to be `read`. `true`: the event loop for everything else has something.
    pub(in crate::data) fn wait(
        &mut self,
        patience: Option<Duration>,
        read: bool,
        node: &mut Node,
    ) -> io::Result<bool> {
        let Some(mut ring) = self.ring.take() else { return Ok(true) };
        ring.wait(patience)?;
        let mut others = false;
        while let Some((completion, bytes)) = ring.next() {
            let Some(key) = completion.key() else {
                others = true;
                continue;
            };
            let Some(client) = self.of_key(key) else { continue };
            let index = client.conn.index;
            match completion {
                Completion::Others => {}
                Completion::Received(_) if read => {
                    let pause = node.handle_bytes(client.conn, bytes).pause;
                    let stop = pause && !client.paused && client.receiving;
                    client.paused = pause;
                    if stop {
                        ring.stop_receiving(key)?;
                    }
                }
                Completion::Received(_) => {}
                Completion::Paused(_) => {
                    client.receiving = false;
                    client.receive(&mut ring)?;
                }
                Completion::Ended(_) => {
                    (client.receiving, client.ended) = (false, true);
                    self.leaving.push(index);
                }
                Completion::Room(_) => {
                    client.has_room = true;
                    self.writable.push(index);
                }
            }
        }
        if others {
            ring.watch_others()?;
        }
        self.ring = Some(ring);
        Ok(others)
    }

    fn of_key(&mut self, key: Key) -> Option<&mut Client> {
        let client = self.table.get_mut((key >> 32) as usize)?.as_mut()?;
        (client.conn.id as u32 == key as u32).then_some(client)
    }

    /// Sends what the node has, to all clients at once, to each as much as its socket takes.
    pub(super) fn send(&mut self, now: Now, node: &mut Node) -> io::Result<()> {
        let mut turn = std::mem::take(&mut self.turn);
        for index in std::mem::take(&mut self.writable) {
            self.join(index, node, &mut turn);
        }
        while let Some(conn) = node.poll_transmit() {
            if self.get(conn).is_some() {
                self.join(conn.index, node, &mut turn);
            }
        }
        let Some(mut ring) = self.ring.take() else { return Ok(()) };
        let mut sent = std::mem::take(&mut self.sent);
        let out = turn.iter().map(|&index| match &self.table[index as usize] {
            Some(client) => (client.stream.as_raw_fd(), chunk(node, client.conn)),
            None => (-1, &[][..]),
        });
        ring.send(out, &mut sent)?;
        self.ring = Some(ring);
        for (index, &result) in turn.drain(..).zip(&sent) {
            self.note_sent(index, result, now, node)?;
        }
        (self.turn, self.sent) = (turn, sent);
        Ok(())
    }

    /// Lets a client take part in a batch, when it has output and room; else sees to what is due.
    fn join(&mut self, index: u32, node: &mut Node, batch: &mut Vec<u32>) {
        let Some(client) = &mut self.table[index as usize] else { return };
        if node.sendable(client.conn).bytes.is_empty() {
            self.settle(index, node);
        } else if client.has_room && !client.sending {
            client.sending = true;
            batch.push(index);
        }
    }

    fn note_sent(&mut self, index: u32, result: i32, now: Now, node: &mut Node) -> io::Result<()> {
        let Some(client) = &mut self.table[index as usize] else { return Ok(()) };
        client.sending = false;
        let conn = client.conn;
        match result {
            1.. => {
                let asked = chunk(node, conn).len();
                node.handle_sent(now, conn, result as usize);
                if (result as usize) < asked {
                    self.wait_for_room(conn)?;
                } else if node.sendable(conn).bytes.is_empty() {
                    self.settle(index, node);
                } else {
                    self.writable.push(index);
                }
            }
            _ if result == -libc::EAGAIN => self.wait_for_room(conn)?,
            _ if result == -libc::EINTR => self.writable.push(index),
            _ => self.close(index as usize, node),
        }
        Ok(())
    }

    /// Sees to a client that has nothing to be sent.
    fn settle(&mut self, index: u32, node: &mut Node) {
        let Some(client) = &mut self.table[index as usize] else { return };
        if node.sendable(client.conn).close {
            farewell(&mut client.stream);
            self.close(index as usize, node);
        } else if client.ended {
            self.leaving.push(index);
        }
    }

    fn wait_for_room(&mut self, conn: ConnId) -> io::Result<()> {
        let client = self.table[conn.index as usize].as_mut();
        if let (Some(client), Some(ring)) = (client, &mut self.ring) {
            client.has_room = false;
            ring.watch_room(&client.stream, key(conn))?;
        }
        Ok(())
    }

    /// Takes back what the ring was asked for a client: it would hold the socket open. The kernel is
    /// told within this turn. (To shut the socket down would end the requests too, but then the
    /// kernel tells a peer neither that it may send nor that it can't.)
    pub(super) fn forget(&mut self, client: &Client) {
        let Some(ring) = &mut self.ring else { return };
        // A ring that fails says so again when it is waited for.
        if client.receiving {
            let _ = ring.stop_receiving(key(client.conn));
        }
        if !client.has_room {
            let _ = ring.stop_watching_room(key(client.conn));
        }
    }

    /// Receives from a client again, if that is what the ring is there for.
    pub(super) fn receive_again(&mut self, conn: ConnId) -> io::Result<()> {
        let client = self.table[conn.index as usize].as_mut();
        match (client, &mut self.ring) {
            (Some(client), Some(ring)) => client.receive(ring),
            _ => Ok(()),
        }
    }
}

impl Client {
    /// Lets the ring receive, unless it does or there is a reason why not.
    fn receive(&mut self, ring: &mut Ring) -> io::Result<()> {
        if self.receiving || self.paused || self.ended {
            return Ok(());
        }
        self.receiving = true;
        ring.receive(&self.stream, key(self.conn))
    }
}

/// What a client is sent in one turn at the most.
fn chunk(node: &Node, conn: ConnId) -> &[u8] {
    let bytes = node.sendable(conn).bytes;
    &bytes[..bytes.len().min(WRITE_BYTES)]
}
