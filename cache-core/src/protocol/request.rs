//! Reading commands: RESP arrays of bulk strings, and inline lines.
//!
//! The parser keeps its place between calls, so that a command that arrives byte by byte is looked
//! at once, not once a byte. It never reserves memory for a length that a peer merely claims.

use super::args::Span;
use super::{Args, ProtocolError, words};
use alloc::vec::Vec;

/// The longest inline line and the longest header line, in bytes (as in Redis).
pub const INLINE_LIMIT: usize = 64 * 1024;
/// The most arguments that a command may have (as in Redis).
pub const ARGS_LIMIT: i64 = 1024 * 1024;
/// The longest argument that there can be, in bytes, whatever `proto-max-bulk-len` says. The longest
/// string too: what is stored must be able to come back.
pub const BULK_LIMIT: u32 = 1 << 30;
/// The most arguments before AUTH.
pub const UNAUTHENTICATED_ARGS_LIMIT: i64 = 10;
/// The longest argument before AUTH, in bytes.
pub const UNAUTHENTICATED_BULK_LIMIT: i64 = 16 * 1024;

/// What a connection may send at this moment.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// The longest argument in bytes (`proto-max-bulk-len`).
    pub bulk: i64,
    /// Whether the peer has logged in (or needn't).
    pub authenticated: bool,
}

/// A request parser's place in its buffer. The buffer itself belongs to the caller.
#[derive(Clone, Debug, Default)]
pub struct Parser {
    spans: Vec<Span>,
    /// Where the next unread byte is, counted from the start of the command.
    at: usize,
    /// Arguments that are still to come, when in an array.
    missing: i64,
    /// The length of the argument being read, once its header has been.
    bulk: Option<usize>,
    /// An inline line's words, unquoted (they are not spans of the buffer).
    inline: Vec<u8>,
    is_inline: bool,
}

/// A command is complete.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Parsed {
    /// How many bytes of the buffer it took.
    pub len: usize,
}

impl Parser {
    /// Goes on reading at the start of a command. `buf` begins with the command's first byte, and
    /// holds at least what it held at the last call.
    ///
    /// `Ok(None)` asks for more bytes. After `Some`, [`args`](Self::args) has the command until
    /// [`next`](Self::next) is called; it may be empty (an empty line, an empty array).
    ///
    /// # Errors
    /// The peer's bytes are no request; the connection must be closed.
    pub fn parse(&mut self, buf: &[u8], limits: Limits) -> Result<Option<Parsed>, ProtocolError> {
        if self.at == 0 && self.missing == 0 {
            match buf.first() {
                None => return Ok(None),
                Some(b'*') => {
                    let Some((n, at)) = header(buf, 0, "mbulk count")? else { return Ok(None) };
                    let n = n.filter(|&n| n <= ARGS_LIMIT).ok_or(ProtocolError::MultibulkLength)?;
                    if !limits.authenticated && n > UNAUTHENTICATED_ARGS_LIMIT {
                        return Err(ProtocolError::UnauthenticatedMultibulkLength);
                    }
                    self.at = at;
                    self.missing = n.max(0);
                }
                Some(_) => return self.parse_inline(buf),
            }
        }
        while self.missing > 0 {
            if !self.parse_bulk(buf, limits)? {
                return Ok(None);
            }
        }
        Ok(Some(Parsed { len: self.at }))
    }

    /// Reads one argument. `false` asks for more bytes.
    fn parse_bulk(&mut self, buf: &[u8], limits: Limits) -> Result<bool, ProtocolError> {
        let len = match self.bulk {
            Some(len) => len,
            None => {
                match buf.get(self.at) {
                    None => return Ok(false),
                    Some(b'$') => {}
                    Some(&other) => return Err(ProtocolError::ExpectedBulk(other)),
                }
                let Some((len, at)) = header(buf, self.at, "bulk count")? else { return Ok(false) };
                let len = len
                    .filter(|&len| (0..=limits.bulk.min(i64::from(BULK_LIMIT))).contains(&len))
                    .ok_or(ProtocolError::BulkLength)?;
                if !limits.authenticated && len > UNAUTHENTICATED_BULK_LIMIT {
                    return Err(ProtocolError::UnauthenticatedBulkLength);
                }
                self.at = at;
                self.bulk = Some(len as usize);
                len as usize
            }
        };
        let end = self.at + len;
        // The span must fit 32 bits, whatever a million arguments add up to.
        if end + 2 > u32::MAX as usize {
            return Err(ProtocolError::BulkLength);
        }
        if buf.len() < end + 2 {
            return Ok(false);
        }
        self.spans.push((self.at as u32, end as u32));
        self.at = end + 2;
        self.bulk = None;
        self.missing -= 1;
        Ok(true)
    }

    fn parse_inline(&mut self, buf: &[u8]) -> Result<Option<Parsed>, ProtocolError> {
        let window = &buf[..buf.len().min(INLINE_LIMIT)];
        let Some(end) = window.iter().position(|&b| b == b'\n') else {
            return if buf.len() >= INLINE_LIMIT {
                Err(ProtocolError::InlineTooLong)
            } else {
                Ok(None)
            };
        };
        let line = buf[..end].strip_suffix(b"\r").unwrap_or(&buf[..end]);
        self.is_inline = true;
        for word in words::split(line)? {
            let start = self.inline.len() as u32;
            self.inline.extend_from_slice(&word);
            self.spans.push((start, self.inline.len() as u32));
        }
        self.at = end + 1;
        Ok(Some(Parsed { len: self.at }))
    }

    /// Whether what was read is an inline line, whose arguments are no part of the buffer.
    pub(crate) fn is_inline(&self) -> bool {
        self.is_inline
    }

    /// Where the arguments of what was read lie.
    pub(crate) fn spans(&self) -> &[Span] {
        &self.spans
    }

    /// The command that was read, from the same buffer as before.
    pub fn args<'a>(&'a self, buf: &'a [u8]) -> Args<'a> {
        Args::new(if self.is_inline { &self.inline } else { buf }, &self.spans)
    }

    /// Forgets the command that was read and gets ready for the one behind it.
    pub fn next(&mut self) {
        self.spans.clear();
        self.inline.clear();
        self.is_inline = false;
        self.at = 0;
        self.missing = 0;
        self.bulk = None;
    }

    /// How many of `buffered` bytes may belong to commands that are complete. What is known to be of
    /// a command that lacks its end is no backlog: only reading on can end it.
    pub fn backlog(&self, buffered: usize) -> usize {
        let known = self.bulk.map_or(self.at, |len| self.at + len + 2);
        buffered.saturating_sub(known)
    }
}

/// Reads `<type byte><integer>\r\n` at `at`. The inner `None` is a number that isn't one.
#[cfg_attr(not(target_arch = "wasm32"), inline(always))]
fn header(
    buf: &[u8],
    at: usize,
    what: &'static str,
) -> Result<Option<(Option<i64>, usize)>, ProtocolError> {
    match shortest_header(buf, at) {
        Some(shortest) => Ok(Some(shortest)),
        None => long_header(buf, at, what),
    }
}

fn long_header(
    buf: &[u8],
    at: usize,
    what: &'static str,
) -> Result<Option<(Option<i64>, usize)>, ProtocolError> {
    if let Some(short) = short_header(buf, at) {
        return Ok(Some(short));
    }
    // An i64 has at most 20 characters; whoever sends 64 KiB of something else is shown the door.
    let tail = &buf[at..];
    let window = &tail[..tail.len().min(INLINE_LIMIT)];
    let Some(cr) = window.iter().position(|&b| b == b'\r') else {
        return if tail.len() >= INLINE_LIMIT {
            Err(ProtocolError::HeaderTooLong(what))
        } else {
            Ok(None)
        };
    };
    if tail.len() < cr + 2 {
        return Ok(None);
    }
    Ok(Some((crate::numbers::parse_i64(&tail[1..cr]), at + cr + 2)))
}

/// A header as nearly all are: one digit or two.
#[cfg_attr(not(target_arch = "wasm32"), inline(always))]
fn shortest_header(buf: &[u8], at: usize) -> Option<(Option<i64>, usize)> {
    // Behind the shortest there is at least a line break, if the command is complete.
    match buf.get(at..)?.first_chunk()? {
        [_, ones @ b'0'..=b'9', b'\r', b'\n', _] => Some((Some((ones - b'0').into()), at + 4)),
        [_, tens @ b'1'..=b'9', ones @ b'0'..=b'9', b'\r', b'\n'] => {
            Some((Some(((tens - b'0') * 10 + (ones - b'0')).into()), at + 5))
        }
        _ => None,
    }
}

/// A header of a few digits, complete.
fn short_header(buf: &[u8], at: usize) -> Option<(Option<i64>, usize)> {
    /// The most digits whose number can't overflow.
    const DIGITS: usize = 9;
    let digits = buf.get(at + 1..)?;
    let (mut n, mut len) = (0u32, 0);
    while let Some(&digit) = digits.get(len)
        && digit.is_ascii_digit()
        && len < DIGITS
    {
        n = n * 10 + u32::from(digit - b'0');
        len += 1;
    }
    let ends = digits.get(len) == Some(&b'\r') && digits.len() > len + 1;
    // A leading zero is for the strict parser to refuse.
    (ends && len > 0 && (digits[0] != b'0' || len == 1)).then(|| (Some(n.into()), at + len + 3))
}

/// Encodes a command as a client does: an array of bulk strings.
pub fn encode<T: AsRef<[u8]>>(
    args: impl IntoIterator<Item = T, IntoIter: ExactSizeIterator>,
) -> Vec<u8> {
    let mut out = Vec::new();
    encode_into(&mut out, args);
    out
}

/// Like [`encode`], at the end of `out`.
pub fn encode_into<T: AsRef<[u8]>>(
    out: &mut Vec<u8>,
    args: impl IntoIterator<Item = T, IntoIter: ExactSizeIterator>,
) {
    let args = args.into_iter();
    let mut number = itoa::Buffer::new();
    out.push(b'*');
    out.extend_from_slice(number.format(args.len()).as_bytes());
    out.extend_from_slice(b"\r\n");
    for arg in args {
        let arg = arg.as_ref();
        out.push(b'$');
        out.extend_from_slice(number.format(arg.len()).as_bytes());
        out.extend_from_slice(b"\r\n");
        out.extend_from_slice(arg);
        out.extend_from_slice(b"\r\n");
    }
}
