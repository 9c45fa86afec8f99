//! Where replies end, and the little that is wanted of each: a value, nothing, or an error.
//!
//! A scanner takes bytes as they come and never builds a reply: a bulk string's body is skipped by
//! its length. It keeps at most one unfinished line. What must never be here: which request a
//! reply belongs to.

use std::fmt;

/// The longest line that is no value: errors, headers.
const LINE: usize = 64 * 1024;
/// The longest bulk string (Redis's `proto-max-bulk-len`), and the most elements of an array.
const BULK: u64 = 512 << 20;
const ELEMENTS: u64 = 1 << 31;

/// How replies are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Protocol {
    /// Redis's, version 2
    Resp,
    /// Memcached's text protocol
    Memcached,
}

/// What a reply was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome<'a> {
    /// Anything but the others.
    Value,
    /// Nothing was found.
    Nil,
    /// The server refused; what it said.
    Error(&'a [u8]),
}

/// The bytes were no reply.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Garbage(String);

impl fmt::Display for Garbage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the server's reply is not understood: {}", self.0)
    }
}

/// Finds the ends of replies in a stream of bytes.
#[derive(Debug)]
pub(crate) struct Scanner {
    protocol: Protocol,
    /// Bytes of a body that are still to come, its line's end included.
    body: u64,
    /// The beginning of a line whose end hasn't come.
    line: Vec<u8>,
    /// Elements of the current reply that are not complete; 0 between replies.
    open: u64,
    /// Whether the current reply is an array.
    array: bool,
    /// Whether the current reply has brought a value (Memcached).
    found: bool,
}

/// What a line meant.
enum Line<'a> {
    /// A reply, or an element of one, is complete.
    Whole(Outcome<'a>),
    /// So many bytes of body follow.
    Body(u64),
    /// An array of so many elements begins.
    Array(u64),
    /// Nothing more follows of what a GET found (Memcached).
    End,
}

impl Scanner {
    /// Between replies.
    pub(crate) fn new(protocol: Protocol) -> Self {
        Scanner { protocol, body: 0, line: Vec::new(), open: 0, array: false, found: false }
    }

    /// Takes the next bytes, and tells of every reply that they complete.
    ///
    /// # Errors
    /// The bytes can't be replies; the scanner is of no use any more.
    #[inline]
    pub(crate) fn feed(
        &mut self,
        mut input: &[u8],
        mut each: impl FnMut(Outcome<'_>),
    ) -> Result<(), Garbage> {
        while !input.is_empty() {
            if self.body > 0 {
                input = self.skip(input)?;
                // In RESP a value is an element; Memcached's values stand before their END.
                if self.body == 0 && self.protocol == Protocol::Resp {
                    self.element(Outcome::Value, &mut each);
                }
                continue;
            }
            if let Some(rest) = self.whole_bulk(input) {
                input = rest;
                self.element(Outcome::Value, &mut each);
                continue;
            }
            let Some(end) = memchr::memchr(b'\n', input) else {
                return self.keep(input);
            };
            let (line, rest) = input.split_at(end + 1);
            input = rest;
            if self.line.is_empty() {
                self.take(line, &mut each)?;
            } else {
                self.keep(line)?;
                let whole = std::mem::take(&mut self.line);
                self.take(&whole, &mut each)?;
            }
        }
        Ok(())
    }

    /// What follows a bulk string of RESP that is here from its `$` to its end; the reply that
    /// there are most of, and so worth a way of its own. None: look closer.
    #[inline]
    fn whole_bulk<'a>(&self, input: &'a [u8]) -> Option<&'a [u8]> {
        if input[0] != b'$' || !self.line.is_empty() || self.protocol != Protocol::Resp {
            return None;
        }
        let (mut length, mut at) = (0, 1);
        // Longer ones than these digits say come in parts anyway.
        while let Some(digit @ b'0'..=b'9') = input.get(at)
            && at < 7
        {
            length = length * 10 + usize::from(digit - b'0');
            at += 1;
        }
        let rest = input.get(at + 2 + length..)?;
        let [b'\r', b'\n', rest @ ..] = rest else { return None };
        let header_ends = at > 1 && input[at] == b'\r' && input[at + 1] == b'\n';
        header_ends.then_some(rest)
    }

    /// Skips what there is of a body; gives what follows.
    #[inline]
    fn skip<'a>(&mut self, input: &'a [u8]) -> Result<&'a [u8], Garbage> {
        let here = (input.len() as u64).min(self.body);
        let (body, rest) = input.split_at(here as usize);
        let left = self.body - here;
        // The line's end, as much of it as is here.
        let tail = &b"\r\n"[2 - self.body.min(2) as usize..2 - left.min(2) as usize];
        if !body.ends_with(tail) {
            return Err(Garbage("a value without an end of line".into()));
        }
        self.body = left;
        Ok(rest)
    }

    fn keep(&mut self, part: &[u8]) -> Result<(), Garbage> {
        if self.line.len() + part.len() > LINE {
            return Err(Garbage("a line without end".into()));
        }
        self.line.extend_from_slice(part);
        Ok(())
    }

    /// Takes a whole line, its end included.
    #[inline]
    fn take(&mut self, line: &[u8], each: &mut impl FnMut(Outcome<'_>)) -> Result<(), Garbage> {
        let text = line.strip_suffix(b"\r\n").ok_or_else(|| unknown(line))?;
        let line = match self.protocol {
            Protocol::Resp => resp(text)?,
            Protocol::Memcached => memcached(text)?,
        };
        match line {
            Line::Whole(outcome) => self.element(outcome, each),
            Line::Body(length) => {
                self.body = length + 2;
                self.found = true;
            }
            Line::Array(length) => {
                self.open = self.open.max(1) + length;
                if self.open > ELEMENTS {
                    return Err(unknown(text));
                }
                self.array = true;
                self.element(Outcome::Value, each);
            }
            Line::End if self.found => self.element(Outcome::Value, each),
            Line::End => self.element(Outcome::Nil, each),
        }
        Ok(())
    }

    /// An element is complete; with the last, the reply is.
    #[inline]
    fn element(&mut self, outcome: Outcome<'_>, each: &mut impl FnMut(Outcome<'_>)) {
        self.open = self.open.max(1) - 1;
        if self.open == 0 {
            each(if self.array { Outcome::Value } else { outcome });
            (self.array, self.found) = (false, false);
        }
    }
}

/// Reads a line of RESP; those of RESP3 that need no more are understood too.
#[inline]
fn resp(text: &[u8]) -> Result<Line<'_>, Garbage> {
    let (kind, rest) = text.split_first().ok_or_else(|| unknown(text))?;
    let length = |limit: u64| number(rest).filter(|n| *n <= limit).ok_or_else(|| unknown(text));
    Ok(match kind {
        b'$' | b'*' if rest == b"-1" => Line::Whole(Outcome::Nil),
        b'$' | b'=' => Line::Body(length(BULK)?),
        b'*' | b'~' => Line::Array(length(ELEMENTS)?),
        b'%' => Line::Array(length(ELEMENTS)? * 2),
        b'-' => Line::Whole(Outcome::Error(rest)),
        b'_' => Line::Whole(Outcome::Nil),
        b'+' | b':' | b'#' | b',' | b'(' => Line::Whole(Outcome::Value),
        _ => return Err(unknown(text)),
    })
}

/// Reads a line of Memcached's text protocol.
fn memcached(text: &[u8]) -> Result<Line<'_>, Garbage> {
    if let Some(header) = text.strip_prefix(b"VALUE ") {
        let length = header.split(|b| *b == b' ').nth(2).and_then(number);
        return length.filter(|n| *n <= BULK).map(Line::Body).ok_or_else(|| unknown(text));
    }
    let word = text.split(|b| *b == b' ').next().unwrap_or_default();
    Ok(match word {
        b"END" => Line::End,
        b"STORED" | b"NOT_STORED" | b"EXISTS" | b"DELETED" | b"TOUCHED" | b"OK" | b"VERSION" => {
            Line::Whole(Outcome::Value)
        }
        b"NOT_FOUND" => Line::Whole(Outcome::Nil),
        b"ERROR" | b"CLIENT_ERROR" | b"SERVER_ERROR" => Line::Whole(Outcome::Error(text)),
        _ if number(word).is_some() => Line::Whole(Outcome::Value),
        _ => return Err(unknown(text)),
    })
}

/// A number of decimal digits.
#[inline]
fn number(digits: &[u8]) -> Option<u64> {
    if digits.is_empty() || digits.len() > 12 {
        return None;
    }
    digits
        .iter()
        .try_fold(0u64, |n, digit| digit.is_ascii_digit().then(|| n * 10 + u64::from(digit - b'0')))
}

#[cold]
fn unknown(text: &[u8]) -> Garbage {
    const SHOWN: usize = 100;
    let shown = &text[..text.len().min(SHOWN)];
    Garbage(format!("`{}`", shown.escape_ascii()))
}

#[cfg(test)]
mod tests {
    use super::*;

    const RESP: &[u8] = b"+OK\r\n$5\r\nhe\r\no\r\n$-1\r\n:12\r\n-ERR no\r\n$0\r\n\r\n*0\r\n*-1\r\n\
        *3\r\n$1\r\na\r\n$-1\r\n*2\r\n:1\r\n-ERR within\r\n%1\r\n+a\r\n_\r\n";
    const RESP_SAYS: &str = "v v n v e(ERR no) v v n v v";
    const MEMCACHED: &[u8] = b"STORED\r\nEND\r\nVALUE key 0 5\r\nEND\r\n\r\nEND\r\n\
        VALUE a 1 0 77\r\n\r\nVALUE b 1 1\r\n1\r\nEND\r\nNOT_FOUND\r\n12\r\nEND\r\n\
        SERVER_ERROR out of memory\r\n";
    const MEMCACHED_SAYS: &str = "v n v v n v n e(SERVER_ERROR out of memory)";

    /// Feeds the bytes in these parts; gives what was said, and the error at the end.
    fn scan(protocol: Protocol, parts: &[&[u8]]) -> (String, Option<Garbage>) {
        let (mut scanner, mut said) = (Scanner::new(protocol), Vec::new());
        let error = parts.iter().find_map(|part| {
            let each = |outcome: Outcome<'_>| {
                said.push(match outcome {
                    Outcome::Value => "v".to_owned(),
                    Outcome::Nil => "n".to_owned(),
                    Outcome::Error(text) => format!("e({})", text.escape_ascii()),
                });
            };
            scanner.feed(part, each).err()
        });
        (said.join(" "), error)
    }

    #[test]
    fn every_split_says_the_same() {
        for (protocol, bytes, says) in
            [(Protocol::Resp, RESP, RESP_SAYS), (Protocol::Memcached, MEMCACHED, MEMCACHED_SAYS)]
        {
            for first in 0..=bytes.len() {
                for second in first..=bytes.len() {
                    let parts = [&bytes[..first], &bytes[first..second], &bytes[second..]];
                    assert_eq!(scan(protocol, &parts), (says.to_owned(), None), "{first} {second}");
                }
            }
            let single: Vec<&[u8]> = bytes.chunks(1).collect();
            assert_eq!(scan(protocol, &single), (says.to_owned(), None));
        }
    }

    #[test]
    fn an_unfinished_reply_is_none() {
        for bytes in ["$5\r\nhello", "*2\r\n:1\r\n", "+OK\r", "*1\r\n", "$5\r\nhello\r"] {
            assert_eq!(scan(Protocol::Resp, &[bytes.as_bytes()]), (String::new(), None));
        }
    }

    #[test]
    fn hostile_bytes_are_named_at_every_split() {
        for bytes in [
            &b"HTTP/1.1 400 Bad Request\r\n"[..],
            b"$-2\r\n",
            b"$99999999999999999999\r\n",
            b"$1000000000\r\n",
            b"*2147483648\r\n*2147483648\r\n*2147483648\r\n",
            b"%2147483648\r\n",
            b"$3\r\nabcde",
            b"$0\r\nab",
            b"+OK\n",
            b"\r\n",
            b"$\r\n",
            b"$1 \r\n",
            b"\0\xff\n",
        ] {
            for at in 0..=bytes.len() {
                let (_, error) = scan(Protocol::Resp, &[&bytes[..at], &bytes[at..]]);
                assert!(error.is_some(), "{} at {at}", bytes.escape_ascii());
            }
        }
        for bytes in [&b"VALUE a 0 x\r\n"[..], b"VALUE a\r\n", b"+OK\r\n", b"\r\n"] {
            assert!(scan(Protocol::Memcached, &[bytes]).1.is_some(), "{}", bytes.escape_ascii());
        }
        let endless = vec![b'+'; LINE + 1];
        assert!(scan(Protocol::Resp, &[&endless]).1.is_some());
        let mut parts: Vec<&[u8]> = vec![b"+"];
        parts.extend(endless.chunks(1000));
        assert!(scan(Protocol::Resp, &parts).1.is_some());
    }

    #[test]
    fn random_bytes_never_panic() {
        let mut random = super::super::keys::Random::new(3, 0);
        for _ in 0..20_000 {
            let alphabet = b"$*+-:%_\r\n\r\n0123 aVALUE END";
            let bytes: Vec<u8> = (0..random.below(40))
                .map(|_| alphabet[random.below(alphabet.len() as u64) as usize])
                .collect();
            for protocol in [Protocol::Resp, Protocol::Memcached] {
                let whole = scan(protocol, &[&bytes]);
                let at = random.below(bytes.len() as u64 + 1) as usize;
                let split = scan(protocol, &[&bytes[..at], &bytes[at..]]);
                assert_eq!(whole.0, split.0, "{}", bytes.escape_ascii());
            }
        }
    }
}
