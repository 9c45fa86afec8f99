//! One connection to the server that is measured: bytes that wait to be written, requests that
//! wait for their replies.
//!
//! What must never be here: when to send.

use super::keys::{Keys, Random};
use super::replies::{Outcome, Protocol, Scanner};
use super::tally::Tally;
use super::workload::Workload;
use mio::net::TcpStream;
use std::collections::VecDeque;
use std::io::{self, ErrorKind, Read, Write};
use std::net::SocketAddr;
use std::time::Duration;

/// Connecting and logging in take so long at most.
const CONNECT: Duration = Duration::from_secs(5);

/// A connection.
pub(crate) struct Connection {
    pub(crate) stream: TcpStream,
    scanner: Scanner,
    /// Requests, of which the first `written` bytes are on their way.
    out: Vec<u8>,
    written: usize,
    asked: VecDeque<Asked>,
    in_flight: usize,
}

/// Requests, one after the other, whose replies haven't come.
struct Asked {
    /// Nanoseconds from the start to when they were due.
    due: u64,
    op: usize,
    count: u64,
}

/// What came of reading.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Came {
    pub(crate) answered: u64,
    pub(crate) errors: u64,
    /// Nanoseconds that they waited, all together.
    pub(crate) waited: u64,
}

impl Connection {
    /// Connects, and asks `greeting` (AUTH, PING) when it isn't empty; each of its `replies` must be
    /// no error.
    pub(crate) fn open(
        address: SocketAddr,
        protocol: Protocol,
        greeting: &[u8],
        replies: usize,
    ) -> Result<Self, String> {
        let cannot = |error: io::Error| format!("cannot connect to {address}: {error}");
        let mut stream = std::net::TcpStream::connect_timeout(&address, CONNECT).map_err(cannot)?;
        stream.set_nodelay(true).map_err(cannot)?;
        let mut scanner = Scanner::new(protocol);
        if replies > 0 {
            stream.set_read_timeout(Some(CONNECT)).map_err(cannot)?;
            stream.write_all(greeting).map_err(cannot)?;
            greet(&mut stream, &mut scanner, replies)
                .map_err(|error| format!("{address}: {error}"))?;
        }
        stream.set_nonblocking(true).map_err(cannot)?;
        Ok(Connection {
            stream: TcpStream::from_std(stream),
            scanner,
            out: Vec::new(),
            written: 0,
            asked: VecDeque::new(),
            in_flight: 0,
        })
    }

    /// How many requests wait for replies.
    pub(crate) fn in_flight(&self) -> usize {
        self.in_flight
    }

    /// Prepares the next request, to be written by `flush`.
    #[inline]
    pub(crate) fn ask(
        &mut self,
        workload: &Workload,
        keys: &mut Keys,
        random: &mut Random,
        due: u64,
    ) {
        let op = workload.encode(keys, random, &mut self.out);
        self.in_flight += 1;
        match self.asked.back_mut() {
            Some(last) if last.due == due && last.op == op => last.count += 1,
            _ => self.asked.push_back(Asked { due, op, count: 1 }),
        }
    }

    /// Writes as much as goes; the rest is for when the socket is writable again.
    pub(crate) fn flush(&mut self, tally: &mut Tally) -> io::Result<()> {
        while self.written < self.out.len() {
            match self.stream.write(&self.out[self.written..]) {
                Ok(n) => {
                    self.written += n;
                    tally.bytes_sent += n as u64;
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(()),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        self.out.clear();
        self.written = 0;
        Ok(())
    }

    /// Reads what has come and counts the replies. `clock` gives nanoseconds from the start;
    /// `to_end` is for a socket that the other side has closed, perhaps after some replies.
    pub(crate) fn read(
        &mut self,
        buffer: &mut [u8],
        clock: impl Fn() -> u64,
        to_end: bool,
        tally: &mut Tally,
    ) -> Result<Came, String> {
        let mut came = Came::default();
        loop {
            match self.stream.read(buffer) {
                Ok(0) => return Err("the server closed the connection".into()),
                Ok(n) => {
                    tally.bytes_received += n as u64;
                    self.take_in(&buffer[..n], clock(), tally, &mut came)?;
                    // Less than there was room for is all there was (epoll(7), of edges).
                    if n < buffer.len() && !to_end {
                        return Ok(came);
                    }
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(came),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(format!("the connection broke: {error}")),
            }
        }
    }

    fn take_in(
        &mut self,
        bytes: &[u8],
        now: u64,
        tally: &mut Tally,
        came: &mut Came,
    ) -> Result<(), String> {
        let Connection { scanner, asked, in_flight, .. } = self;
        let mut unasked = false;
        // Replies of the requests at the front that are counted, but not yet recorded.
        let mut count = 0;
        let mut errors = 0;
        let mut record = |tally: &mut Tally, front: &Asked, count: u64| {
            let latency = now.saturating_sub(front.due).max(1);
            tally.ops[front.op].latencies.saturating_record_n(latency, count);
            *in_flight -= count as usize;
            came.answered += count;
            came.waited += latency * count;
        };
        let scanned = scanner.feed(bytes, |outcome| {
            let Some(front) = asked.front() else {
                unasked = true;
                return;
            };
            count += 1;
            match outcome {
                Outcome::Value => {}
                Outcome::Nil => tally.ops[front.op].nils += 1,
                Outcome::Error(text) => {
                    tally.ops[front.op].errors += 1;
                    errors += 1;
                    let text = || String::from_utf8_lossy(text).into_owned();
                    tally.first_error.get_or_insert_with(text);
                }
            }
            if count == front.count {
                record(tally, front, count);
                asked.pop_front();
                count = 0;
            }
        });
        if let Some(front) = asked.front_mut()
            && count > 0
        {
            record(tally, front, count);
            front.count -= count;
        }
        came.errors += errors;
        tally.last = now;
        scanned.map_err(|garbage| garbage.to_string())?;
        if unasked { Err("the server sent more replies than requests".into()) } else { Ok(()) }
    }
}

fn greet(
    stream: &mut std::net::TcpStream,
    scanner: &mut Scanner,
    replies: usize,
) -> Result<(), String> {
    let (mut buffer, mut come, mut refusal) = ([0; 4096], 0, None);
    while come < replies {
        let n = stream.read(&mut buffer).map_err(|error| match error.kind() {
            ErrorKind::WouldBlock => format!("no answer for {} s", CONNECT.as_secs()),
            _ => error.to_string(),
        })?;
        if n == 0 {
            return Err("the server closed the connection at once".into());
        }
        let each = |outcome: Outcome<'_>| {
            come += 1;
            if let Outcome::Error(text) = outcome {
                refusal.get_or_insert_with(|| String::from_utf8_lossy(text).into_owned());
            }
        };
        scanner.feed(&buffer[..n], each).map_err(|garbage| garbage.to_string())?;
    }
    refusal.map_or(Ok(()), Err)
}
