//! LCS: the longest common subsequence of two strings.
//!
//! The table of all prefixes' lengths (Wagner and Fischer, "The String-to-String Correction
//! Problem", JACM 1974) is kept whole, since the way back through it gives the subsequence and its
//! ranges. It takes four bytes a pair of prefixes, which `proto-max-bulk-len` bounds.

use crate::commands::{Error, Flow, Outcome};
use crate::config::Id;
use crate::node::Cx;
use crate::numbers::parse_i64;
use crate::observer::Observer;
use crate::protocol::{Args, Reply};
use alloc::vec::Vec;
use core::ops::Range;

/// What is asked about the subsequence.
#[derive(Clone, Copy, Debug, Default)]
struct Options {
    len: bool,
    idx: bool,
    with_match_len: bool,
    min_match_len: u64,
}

pub(super) fn lcs<O: Observer>(cx: &mut Cx<'_, O>) -> Outcome {
    let keys = cx.args.slice(1..3);
    for key in keys.iter() {
        if cx.read_string(key).is_err() {
            return Err(Error::Text("ERR The specified keys must contain string values"));
        }
    }
    let options = Options::parse(cx.args.from(3))?;
    let limit = cx.state.config.number(Id::ProtoMaxBulkLen).unsigned_abs();
    let now_ms = cx.now_ms();
    let string = |key| {
        let entry = cx.state.keyspace.get(cx.conn.db, key).filter(|e| !e.is_expired(now_ms));
        entry.and_then(|entry| entry.as_string()).unwrap_or_default()
    };
    let table = Table::new(string(keys.at(0)), string(keys.at(1)), limit)?;
    let out = &mut cx.conn.out.reply;
    if options.idx {
        table.write_ranges(options, out);
    } else if options.len {
        out.integer(table.len().into());
    } else {
        out.bulk(&table.subsequence());
    }
    Ok(Flow::Done)
}

impl Options {
    fn parse(args: Args<'_>) -> Result<Self, Error> {
        let mut options = Options::default();
        let mut rest = args.iter();
        while let Some(word) = rest.next() {
            match &*word.to_ascii_lowercase() {
                b"len" => options.len = true,
                b"idx" => options.idx = true,
                b"withmatchlen" => options.with_match_len = true,
                b"minmatchlen" => {
                    let least = parse_i64(rest.next().ok_or(Error::Syntax)?);
                    options.min_match_len = least.ok_or(Error::NotAnInteger)?.max(0).unsigned_abs();
                }
                _ => return Err(Error::Syntax),
            }
        }
        if options.idx && options.len {
            let text = "ERR If you want both the length and indexes, please just use IDX.";
            return Err(Error::Text(text));
        }
        Ok(options)
    }
}

/// The lengths of the longest common subsequences of all prefixes of `a` with all prefixes of `b`.
struct Table<'a> {
    a: &'a [u8],
    b: &'a [u8],
    /// Row by row, one for each prefix of `a`, the empty one included.
    lens: Vec<u32>,
}

impl<'a> Table<'a> {
    /// `limit` bounds the table, in bytes.
    fn new(a: &'a [u8], b: &'a [u8], limit: u64) -> Result<Self, Error> {
        let most = u64::from(u32::MAX) - 1;
        if a.len() as u64 >= most || b.len() as u64 >= most {
            return Err(Error::Text("ERR String too long for LCS"));
        }
        // Both factors are below 2^32.
        let cells = (a.len() as u64 + 1) * (b.len() as u64 + 1);
        if cells.checked_mul(4).is_none_or(|bytes| bytes > limit) {
            return Err(Error::Text(
                "ERR Insufficient memory, transient memory for LCS exceeds proto-max-bulk-len",
            ));
        }
        let mut lens = Vec::new();
        let reserved = usize::try_from(cells).is_ok_and(|n| lens.try_reserve_exact(n).is_ok());
        if !reserved {
            return Err(Error::Text(
                "ERR Insufficient memory, failed allocating transient memory for LCS",
            ));
        }
        lens.resize(cells as usize, 0);
        let mut table = Table { a, b, lens };
        table.fill();
        Ok(table)
    }

    fn fill(&mut self) {
        let width = self.b.len() + 1;
        for (i, x) in self.a.iter().enumerate() {
            let (above, row) = self.lens[i * width..(i + 2) * width].split_at_mut(width);
            for (j, y) in self.b.iter().enumerate() {
                row[j + 1] = if x == y { above[j] + 1 } else { above[j + 1].max(row[j]) };
            }
        }
    }

    fn at(&self, i: usize, j: usize) -> u32 {
        self.lens[i * (self.b.len() + 1) + j]
    }

    fn len(&self) -> u32 {
        self.at(self.a.len(), self.b.len())
    }

    /// Visits the bytes in common from the last to the first, each by its positions.
    fn back(&self, mut visit: impl FnMut(usize, usize)) {
        let (mut i, mut j) = (self.a.len(), self.b.len());
        while i > 0 && j > 0 {
            if self.a[i - 1] == self.b[j - 1] {
                i -= 1;
                j -= 1;
                visit(i, j);
            } else if self.at(i - 1, j) > self.at(i, j - 1) {
                i -= 1;
            } else {
                j -= 1;
            }
        }
    }

    fn subsequence(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(self.len() as usize);
        self.back(|i, _| bytes.push(self.a[i]));
        bytes.reverse();
        bytes
    }

    /// Runs of bytes that follow each other in both strings, the last run first.
    fn ranges(&self) -> Vec<(Range<usize>, Range<usize>)> {
        let mut ranges: Vec<(Range<usize>, Range<usize>)> = Vec::new();
        self.back(|i, j| match ranges.last_mut() {
            Some((a, b)) if a.start == i + 1 && b.start == j + 1 => (a.start, b.start) = (i, j),
            _ => ranges.push((i..i + 1, j..j + 1)),
        });
        ranges
    }

    fn write_ranges(&self, options: Options, out: &mut Reply) {
        let mut ranges = self.ranges();
        ranges.retain(|(a, _)| a.len() as u64 >= options.min_match_len);
        out.map(2);
        out.bulk(b"matches");
        out.array(ranges.len());
        for (a, b) in ranges {
            out.array(if options.with_match_len { 3 } else { 2 });
            for range in [&a, &b] {
                out.array(2);
                out.count(range.start);
                out.count(range.end - 1);
            }
            if options.with_match_len {
                out.count(a.len());
            }
        }
        out.bulk(b"len");
        out.integer(self.len().into());
    }
}
