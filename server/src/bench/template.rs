//! Requests with places for keys and values, which are filled anew each time.
//!
//! What must never be here: which requests there are.

use super::keys::{Keys, Random, Sizes};
use super::workload::Style;
use cache_core::protocol::words;

/// What stands for a key of the keyspace in a command.
const KEY: &str = "__rand_key__";
/// What stands for the twelve digits of such a key alone.
const INT: &str = "__rand_int__";
/// What stands for a value.
const DATA: &str = "__data__";
/// Digits of a key's number.
const DIGITS: usize = 12;

/// A request, to be made again and again.
#[derive(Clone, Debug)]
pub(crate) enum Template {
    /// Always the same but for numbers, which stand at these places.
    Fixed { text: Vec<u8>, numbers: Vec<usize> },
    /// Put together each time; values are cut from `data`.
    Pieces { pieces: Vec<Piece>, sizes: Sizes, data: Vec<u8> },
}

/// What a request is put together from.
#[derive(Clone, Debug)]
pub(crate) enum Piece {
    Text(Vec<u8>),
    /// The digits of a key's number.
    Number,
    /// A length is drawn for the values up to the next such piece, and written: so many times it,
    /// and so many bytes more.
    Length {
        times: usize,
        more: usize,
    },
    /// A value of that length.
    Data,
}

impl Template {
    /// A command in RESP: an array of bulk strings.
    pub(crate) fn resp(style: &Style, line: &str) -> Result<Self, String> {
        let args = words::split(line.as_bytes()).map_err(|error| format!("`{line}`: {error}"))?;
        if args.is_empty() {
            return Err("--command: there is no command".into());
        }
        let mut out = Builder { style, pieces: Vec::new() };
        out.text(format!("*{}\r\n", args.len()).as_bytes());
        for arg in args {
            let arg = String::from_utf8(arg).map_err(|_| format!("`{line}` is not UTF-8"))?;
            let parts = parts(&arg);
            out.text(b"$");
            out.length(&parts);
            out.text(b"\r\n");
            parts.iter().for_each(|part| out.part(part));
            out.text(b"\r\n");
        }
        Ok(out.template())
    }

    /// A command of Memcached's text protocol.
    pub(crate) fn memcached(style: &Style, name: &str) -> Result<Self, String> {
        let mut out = Builder { style, pieces: Vec::new() };
        match name {
            "get" => {
                out.text(b"get ");
                out.part(&Part::Key);
                out.text(b"\r\n");
            }
            "set" => {
                out.text(b"set ");
                out.part(&Part::Key);
                out.text(format!(" 0 {} ", style.expire.unwrap_or(0)).as_bytes());
                out.length(&[Part::Data]);
                out.text(b"\r\n");
                out.part(&Part::Data);
                out.text(b"\r\n");
            }
            _ => {
                return Err(format!(
                    "--protocol memcached has the tests get and set, not `{name}`"
                ));
            }
        }
        Ok(out.template())
    }

    /// Appends a request with new keys and values.
    #[inline]
    pub(crate) fn encode(&self, keys: &mut Keys, random: &mut Random, out: &mut Vec<u8>) {
        match self {
            Self::Fixed { text, numbers } => {
                let start = out.len();
                out.extend_from_slice(text);
                for at in numbers {
                    let number = digits(keys.draw(random));
                    out[start + at..start + at + DIGITS].copy_from_slice(&number);
                }
            }
            Self::Pieces { pieces, sizes, data } => {
                let mut size = 0;
                for piece in pieces {
                    match piece {
                        Piece::Text(text) => out.extend_from_slice(text),
                        Piece::Number => out.extend_from_slice(&digits(keys.draw(random))),
                        Piece::Length { times, more } => {
                            size = sizes.draw(random);
                            append_number(out, size * times + more);
                        }
                        Piece::Data => out.extend_from_slice(&data[..size]),
                    }
                }
            }
        }
    }
}

/// What an argument is put together from.
enum Part<'a> {
    Text(&'a str),
    Key,
    Int,
    Data,
}

fn parts(arg: &str) -> Vec<Part<'_>> {
    let mut parts = Vec::new();
    let mut rest = arg;
    while !rest.is_empty() {
        let found = [(KEY, Part::Key), (INT, Part::Int), (DATA, Part::Data)]
            .into_iter()
            .filter_map(|(word, part)| Some((rest.find(word)?, word, part)))
            .min_by_key(|(at, ..)| *at);
        let Some((at, word, part)) = found else {
            parts.push(Part::Text(rest));
            break;
        };
        if at > 0 {
            parts.push(Part::Text(&rest[..at]));
        }
        parts.push(part);
        rest = &rest[at + word.len()..];
    }
    parts
}

/// Puts pieces together; what is known beforehand becomes text.
struct Builder<'a> {
    style: &'a Style,
    pieces: Vec<Piece>,
}

impl Builder<'_> {
    /// What has been put together, in the quicker form where that will do.
    fn template(self) -> Template {
        let (mut text, mut numbers) = (Vec::new(), Vec::new());
        for piece in &self.pieces {
            match piece {
                Piece::Text(more) => text.extend_from_slice(more),
                Piece::Number => {
                    numbers.push(text.len());
                    text.extend_from_slice(&[b'0'; DIGITS]);
                }
                Piece::Length { .. } | Piece::Data => {
                    let (sizes, data) = (self.style.sizes, value(self.style.sizes.most));
                    return Template::Pieces { pieces: self.pieces, sizes, data };
                }
            }
        }
        Template::Fixed { text, numbers }
    }

    fn text(&mut self, text: &[u8]) {
        if let Some(Piece::Text(last)) = self.pieces.last_mut() {
            last.extend_from_slice(text);
        } else {
            self.pieces.push(Piece::Text(text.to_vec()));
        }
    }

    /// The length of all parts together.
    fn length(&mut self, parts: &[Part<'_>]) {
        let (mut times, mut more) = (0, 0);
        for part in parts {
            match part {
                Part::Text(text) => more += text.len(),
                Part::Key => more += self.style.key_prefix.len() + DIGITS,
                Part::Int => more += DIGITS,
                Part::Data => times += 1,
            }
        }
        let Sizes { least, most } = self.style.sizes;
        if times == 0 || least == most {
            self.text((times * least + more).to_string().as_bytes());
        } else {
            self.pieces.push(Piece::Length { times, more });
        }
    }

    fn part(&mut self, part: &Part<'_>) {
        let Sizes { least, most } = self.style.sizes;
        match part {
            Part::Text(text) => self.text(text.as_bytes()),
            Part::Key => {
                self.text(self.style.key_prefix.as_bytes());
                self.pieces.push(Piece::Number);
            }
            Part::Int => self.pieces.push(Piece::Number),
            Part::Data if least == most => self.text(&value(least)),
            Part::Data => self.pieces.push(Piece::Data),
        }
    }
}

/// A value: letters alone, since it must not look like a protocol.
fn value(length: usize) -> Vec<u8> {
    (0..length).map(|at| b'a' + (at % 26) as u8).collect()
}

/// Twelve decimal digits.
#[inline]
fn digits(number: u64) -> [u8; DIGITS] {
    const PAIRS: [[u8; 2]; 100] = {
        let mut pairs = [[0; 2]; 100];
        let mut at = 0;
        while at < 100 {
            pairs[at] = [b'0' + (at / 10) as u8, b'0' + (at % 10) as u8];
            at += 1;
        }
        pairs
    };
    let mut out = [0; DIGITS];
    // In halves, so that the divisions are of 32 bits and the halves don't wait for each other.
    let halves = [(number / 1_000_000) as u32, (number % 1_000_000) as u32];
    for (half, out) in halves.into_iter().zip(out.chunks_exact_mut(6)) {
        out[..2].copy_from_slice(&PAIRS[(half / 10_000) as usize % 100]);
        out[2..4].copy_from_slice(&PAIRS[(half / 100 % 100) as usize]);
        out[4..].copy_from_slice(&PAIRS[(half % 100) as usize]);
    }
    out
}

fn append_number(out: &mut Vec<u8>, number: usize) {
    let digits = digits(number as u64);
    let zeros = digits.iter().take(DIGITS - 1).take_while(|digit| **digit == b'0').count();
    out.extend_from_slice(&digits[zeros..]);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_are_those_of_the_number() {
        for number in [0, 7, 42, 1_000_000, 123_456_789_012, 999_999_999_999] {
            assert_eq!(digits(number).escape_ascii().to_string(), format!("{number:012}"));
            let mut out = Vec::new();
            append_number(&mut out, number as usize);
            assert_eq!(String::from_utf8(out).unwrap(), number.to_string());
        }
    }
}
