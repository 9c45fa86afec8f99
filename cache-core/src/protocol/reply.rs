//! The one reply encoder.
//!
//! Handlers speak RESP3's vocabulary (map, set, double, push ...) and the encoder writes the
//! dialect of the connection, so that no handler knows about RESP2's poorer forms, with two
//! exceptions that the protocol itself makes: RESP2 tells a missing string from a missing array.

use crate::numbers;
use alloc::vec::Vec;

/// The version of the protocol that a connection speaks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Resp {
    /// RESP2, with which every connection begins.
    #[default]
    V2,
    /// RESP3, after `HELLO 3`.
    V3,
}

/// Where a reply is written.
#[derive(Clone, Debug, Default)]
pub struct Reply {
    out: Vec<u8>,
    /// How many of the first bytes of `out` have been sent. Moving the rest to the front each time
    /// would make the cost of a long output grow with its square.
    sent: usize,
    resp: Resp,
}

/// Memory that an encoder keeps when all has been sent, in bytes.
const KEPT_CAPACITY: usize = 16 * 1024;

/// Bytes of the longest header: a type, a number of 64 bits, a line break.
const LONGEST_HEADER: usize = 1 + 20 + 2;

/// The place of a length that isn't known yet. See [`Reply::deferred`].
#[derive(Debug)]
#[must_use = "a deferred length must be set"]
pub struct Deferred(usize);

impl Reply {
    /// An empty reply in the given dialect.
    pub fn new(resp: Resp) -> Self {
        Reply { out: Vec::new(), sent: 0, resp }
    }

    /// The dialect.
    pub fn resp(&self) -> Resp {
        self.resp
    }

    /// Changes the dialect for what is written from here on.
    pub fn set_resp(&mut self, resp: Resp) {
        self.resp = resp;
    }

    /// What has been written.
    pub fn bytes(&self) -> &[u8] {
        &self.out[self.sent..]
    }

    /// How many bytes have been written: a mark for [`truncate`](Self::truncate).
    pub fn len(&self) -> usize {
        self.out.len() - self.sent
    }

    /// Whether nothing has been written.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Takes back what was written after a mark.
    pub fn truncate(&mut self, mark: usize) {
        self.out.truncate(self.sent + mark);
    }

    /// Takes the bytes out and leaves the encoder empty, its dialect kept.
    pub fn take(&mut self) -> Vec<u8> {
        self.out.drain(..self.sent);
        self.sent = 0;
        core::mem::take(&mut self.out)
    }

    /// Drops the first `n` bytes: they have been sent.
    pub(crate) fn consume(&mut self, n: usize) {
        self.sent += n.min(self.len());
        if self.sent == self.out.len() {
            self.out.clear();
            self.out.shrink_to(KEPT_CAPACITY);
            self.sent = 0;
        } else if self.sent > self.out.len() / 2 {
            // Each byte is moved at most once for one that has been sent.
            self.out.drain(..self.sent);
            self.sent = 0;
        }
    }

    fn header(&mut self, kind: u8, n: i64) {
        let mut number = itoa::Buffer::new();
        let digits = number.format(n).as_bytes();
        self.out.reserve(digits.len() + 3);
        self.out.push(kind);
        self.out.extend_from_slice(digits);
        self.out.extend_from_slice(b"\r\n");
    }

    fn line(&mut self, kind: u8, text: &[u8]) {
        self.out.push(kind);
        // A line break inside would let a value forge the next reply.
        self.out.extend(text.iter().map(|&b| if matches!(b, b'\r' | b'\n') { b' ' } else { b }));
        self.out.extend_from_slice(b"\r\n");
    }

    /// `+OK`.
    pub fn ok(&mut self) {
        self.out.extend_from_slice(b"+OK\r\n");
    }

    /// A simple string, one line.
    pub fn simple(&mut self, text: &str) {
        self.line(b'+', text.as_bytes());
    }

    /// An error: code, space, message, without the minus sign.
    pub fn error(&mut self, message: &[u8]) {
        self.line(b'-', message);
    }

    /// An integer.
    pub fn integer(&mut self, n: i64) {
        self.header(b':', n);
    }

    /// A length or count.
    pub fn count(&mut self, n: usize) {
        self.integer(n as i64);
    }

    /// A string.
    pub fn bulk(&mut self, bytes: &[u8]) {
        self.out.reserve(bytes.len() + LONGEST_HEADER + 2);
        match bytes.len() {
            // Most are short; copying a known number of bytes is much faster than any other.
            len @ 10..100 => {
                let (tens, ones) = (b'0' + (len / 10) as u8, b'0' + (len % 10) as u8);
                self.out.extend_from_slice(&[b'$', tens, ones, b'\r', b'\n']);
            }
            len => self.header(b'$', len as i64),
        }
        self.out.extend_from_slice(bytes);
        self.out.extend_from_slice(b"\r\n");
    }

    /// A string, or the null that stands for a missing one.
    pub fn bulk_or_null(&mut self, bytes: Option<&[u8]>) {
        match bytes {
            Some(bytes) => self.bulk(bytes),
            None => self.null(),
        }
    }

    /// An integer as a string.
    pub fn bulk_integer(&mut self, n: i64) {
        self.bulk(itoa::Buffer::new().format(n).as_bytes());
    }

    /// The null that stands for a missing value.
    pub fn null(&mut self) {
        self.out.extend_from_slice(match self.resp {
            Resp::V2 => b"$-1\r\n",
            Resp::V3 => b"_\r\n",
        });
    }

    /// The null that stands for a missing array.
    pub fn null_array(&mut self) {
        self.out.extend_from_slice(match self.resp {
            Resp::V2 => b"*-1\r\n",
            Resp::V3 => b"_\r\n",
        });
    }

    /// The head of an array of `n` replies, which must follow.
    pub fn array(&mut self, n: usize) {
        self.header(b'*', n as i64);
    }

    /// The head of a map of `n` pairs, which must follow. RESP2: an array of twice as many.
    pub fn map(&mut self, n: usize) {
        match self.resp {
            Resp::V2 => self.array(n * 2),
            Resp::V3 => self.header(b'%', n as i64),
        }
    }

    /// The head of a set of `n` replies, which must follow. RESP2: an array.
    pub fn set(&mut self, n: usize) {
        match self.resp {
            Resp::V2 => self.array(n),
            Resp::V3 => self.header(b'~', n as i64),
        }
    }

    /// The head of a push message of `n` parts, which must follow. RESP2: an array.
    pub fn push(&mut self, n: usize) {
        match self.resp {
            Resp::V2 => self.array(n),
            Resp::V3 => self.header(b'>', n as i64),
        }
    }

    /// A truth value. RESP2: 1 or 0.
    pub fn boolean(&mut self, value: bool) {
        match self.resp {
            Resp::V2 => self.integer(value.into()),
            Resp::V3 => self.out.extend_from_slice(if value { b"#t\r\n" } else { b"#f\r\n" }),
        }
    }

    /// A float. RESP2: a string.
    pub fn double(&mut self, value: f64) {
        let text = numbers::format_double(value);
        match self.resp {
            Resp::V2 => self.bulk(&text),
            Resp::V3 => self.line(b',', &text),
        }
    }

    /// A text for people, such as INFO's. RESP2: a string.
    pub fn verbatim(&mut self, text: &[u8]) {
        match self.resp {
            Resp::V2 => self.bulk(text),
            Resp::V3 => {
                self.header(b'=', text.len() as i64 + 4);
                self.out.extend_from_slice(b"txt:");
                self.out.extend_from_slice(text);
                self.out.extend_from_slice(b"\r\n");
            }
        }
    }

    /// Keeps a place for the head of an array whose length only its elements will tell.
    pub fn deferred(&mut self) -> Deferred {
        Deferred(self.out.len())
    }

    /// Puts the head of an array of `n` at the kept place.
    pub fn set_array(&mut self, place: Deferred, n: usize) {
        self.set_header(place, b'*', n);
    }

    /// Puts the head of a map of `n` pairs at the kept place. RESP2: an array of twice as many.
    pub fn set_map(&mut self, place: Deferred, n: usize) {
        match self.resp {
            Resp::V2 => self.set_header(place, b'*', n * 2),
            Resp::V3 => self.set_header(place, b'%', n),
        }
    }

    fn set_header(&mut self, Deferred(place): Deferred, kind: u8, n: usize) {
        let end = self.out.len();
        self.header(kind, n as i64);
        // From the end to where it belongs.
        let len = self.out.len() - end;
        let mut head = [0; LONGEST_HEADER];
        head[..len].copy_from_slice(&self.out[end..]);
        self.out.copy_within(place..end, place + len);
        self.out[place..place + len].copy_from_slice(&head[..len]);
    }

    /// Appends replies that are already encoded in this dialect.
    pub fn raw(&mut self, bytes: &[u8]) {
        self.out.extend_from_slice(bytes);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_sent_is_gone_however_it_was_cut() {
        let mut reply = Reply::new(Resp::V2);
        for n in 0..100 {
            reply.integer(n);
        }
        let whole = reply.bytes().to_vec();
        let mut sent = Vec::new();
        for n in 1.. {
            let mark = reply.len();
            reply.integer(7);
            reply.truncate(mark);
            let n = n.min(reply.len());
            sent.extend_from_slice(&reply.bytes()[..n]);
            reply.consume(n);
            assert_eq!(reply.len(), whole.len() - sent.len());
            if reply.is_empty() {
                break;
            }
        }
        assert_eq!(sent, whole);
        reply.ok();
        reply.consume(1);
        assert_eq!(reply.take(), b"OK\r\n");
        assert!(reply.is_empty());
    }
}
