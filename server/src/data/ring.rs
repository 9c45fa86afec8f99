//! io_uring: receiving from many sockets and sending to many by one system call each turn.
//!
//! A socket is asked for its input once; from then on the kernel puts what comes into buffers that
//! it was lent, and says so. The completions of all sockets are met in one wait, and what is to be
//! sent goes out as one batch. What must never be here: a client, the node, a decision, `unsafe`.

mod kernel;
#[cfg(test)]
mod tests;

use super::completion::{Completion, Key};
use kernel::{Kernel, Name};
use std::io;
use std::os::fd::{AsRawFd, RawFd};
use std::time::Duration;

/// A request's name: these bits are its kind, the others say which socket it is for.
const KIND: Name = 7 << 60;
const OTHERS: Name = 1 << 60;
const RECEIVE: Name = 2 << 60;
const ROOM: Name = 3 << 60;
const CANCEL: Name = 4 << 60;

/// The ring.
pub(super) struct Ring {
    kernel: Kernel,
    /// The socket of the last [`Completion::Received`], when that was the last there will be.
    paused: Option<Key>,
    others: RawFd,
}

impl Ring {
    /// Sets a ring up. `others` is the file of an event loop that is told of by
    /// [`Completion::Others`].
    pub(super) fn new(others: RawFd) -> io::Result<Self> {
        let mut ring = Ring { kernel: Kernel::new()?, paused: None, others };
        ring.watch_others()?;
        Ok(ring)
    }

    /// Asks for one [`Completion::Others`].
    pub(super) fn watch_others(&mut self) -> io::Result<()> {
        self.kernel.watch(self.others, libc::POLLIN, OTHERS)
    }

    /// Asks for a socket's input, until it ends or [`stop_receiving`](Self::stop_receiving).
    pub(super) fn receive(&mut self, socket: &impl AsRawFd, key: Key) -> io::Result<()> {
        self.kernel.receive(socket.as_raw_fd(), RECEIVE | key)
    }

    /// Asks for no more of a socket's input. What has come already is still told.
    pub(super) fn stop_receiving(&mut self, key: Key) -> io::Result<()> {
        self.kernel.cancel(RECEIVE | key, CANCEL)
    }

    /// Asks for one [`Completion::Room`].
    pub(super) fn watch_room(&mut self, socket: &impl AsRawFd, key: Key) -> io::Result<()> {
        self.kernel.watch(socket.as_raw_fd(), libc::POLLOUT, ROOM | key)
    }

    /// Takes [`watch_room`](Self::watch_room) back.
    pub(super) fn stop_watching_room(&mut self, key: Key) -> io::Result<()> {
        self.kernel.cancel(ROOM | key, CANCEL)
    }

    /// Waits for a completion, for so long at the most; `None` is for ever.
    pub(super) fn wait(&mut self, patience: Option<Duration>) -> io::Result<()> {
        self.kernel.wait(patience)
    }

    /// The next of what has happened, with the bytes that were received; they are the kernel's again
    /// at the next call.
    pub(super) fn next(&mut self) -> Option<(Completion, &[u8])> {
        if let Some(key) = self.paused.take() {
            return Some((Completion::Paused(key), &[]));
        }
        loop {
            let told = self.kernel.next()?;
            let key = told.name & !KIND;
            match told.name & KIND {
                OTHERS => return Some((Completion::Others, &[])),
                ROOM => return Some((Completion::Room(key), &[])),
                RECEIVE if self.kernel.input().is_some() => {
                    self.paused = (!told.goes_on).then_some(key);
                    let bytes = self.kernel.input().unwrap_or_default();
                    return Some((Completion::Received(key), bytes));
                }
                RECEIVE if !told.goes_on => {
                    let pause = [libc::ENOBUFS, libc::ECANCELED, libc::EINTR, libc::EAGAIN];
                    let completion = match pause.contains(&-told.result) {
                        true => Completion::Paused(key),
                        false => Completion::Ended(key),
                    };
                    return Some((completion, &[]));
                }
                // Whether a request was still there to be cancelled is told by its own completion.
                _ => {}
            }
        }
    }

    /// Sends to many sockets, to each as much as it has room for. `sent` gets how many bytes that
    /// were, or why none: an error's number, negated.
    pub(super) fn send<'a>(
        &mut self,
        out: impl Iterator<Item = (RawFd, &'a [u8])>,
        sent: &mut Vec<i32>,
    ) -> io::Result<()> {
        self.kernel.send(out, sent)
    }
}
