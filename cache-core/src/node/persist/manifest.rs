//! The manifest of an append log: which files it is made of.
//!
//! A line for each file: `file NAME seq NUMBER type b`, with `b` for the base (at most one), `i` for
//! what was appended since, in the order of its numbers, and `h` for what is no longer needed. Other
//! pairs of words may stand in a line and are passed over. The form is that of Redis 7 and all Valkeys.

use crate::protocol::words;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

/// The longest manifest that is read, in bytes.
pub(super) const MANIFEST_LIMIT: u32 = 1 << 20;
/// The longest line of a manifest, in bytes (as in Redis).
const LINE_LIMIT: usize = 1024;

/// A file of the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Part {
    pub(super) name: String,
    pub(super) seq: u64,
}

/// The files of an append log.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Manifest {
    pub(super) base: Option<Part>,
    /// No longer needed.
    pub(super) history: Vec<Part>,
    /// By number.
    pub(super) incrs: Vec<Part>,
    /// The greatest numbers so far.
    base_seq: u64,
    incr_seq: u64,
}

impl Manifest {
    pub(super) fn is_empty(&self) -> bool {
        self.base.is_none() && self.incrs.is_empty()
    }

    /// A manifest whose base is a log from before there were manifests.
    pub(super) fn of_old_log(name: &str) -> Self {
        let base = Some(Part { name: name.to_string(), seq: 1 });
        Manifest { base, base_seq: 1, ..Manifest::default() }
    }

    /// The name that the next base gets.
    pub(super) fn next_base(&self, prefix: &str, is_snapshot: bool) -> Part {
        let seq = self.base_seq + 1;
        let format = if is_snapshot { "rdb" } else { "aof" };
        Part { name: format!("{prefix}.{seq}.base.{format}"), seq }
    }

    /// The name that the next file to append to gets.
    pub(super) fn next_incr(&self, prefix: &str) -> Part {
        let seq = self.incr_seq + 1;
        Part { name: format!("{prefix}.{seq}.incr.aof"), seq }
    }

    pub(super) fn push_incr(&mut self, part: Part) {
        self.incr_seq = self.incr_seq.max(part.seq);
        self.incrs.push(part);
    }

    /// The numbers of these files are not given again.
    pub(super) fn pass(&mut self, base: &Part, incr: Option<&Part>) {
        self.base_seq = self.base_seq.max(base.seq);
        self.incr_seq = self.incr_seq.max(incr.map_or(0, |incr| incr.seq));
    }

    /// A new base takes the place of all that was there, up to the file `first` and without it.
    pub(super) fn rebase(&mut self, base: Part, first: Option<&Part>) {
        let kept = first.and_then(|first| self.incrs.iter().position(|part| part == first));
        let kept = kept.unwrap_or(self.incrs.len());
        self.base_seq = base.seq;
        self.history.extend(self.base.replace(base));
        self.history.extend(self.incrs.drain(..kept));
    }

    pub(super) fn write(&self) -> Vec<u8> {
        let mut text = String::new();
        let kinds = [(self.base.as_slice(), 'b'), (&self.history, 'h'), (&self.incrs, 'i')];
        for (parts, letter) in kinds {
            for Part { name, seq } in parts {
                let plain = name.bytes().all(|b| b.is_ascii_graphic() && !b"\\\"'".contains(&b));
                let shown = if plain {
                    name.clone()
                } else {
                    crate::protocol::display::quote(name.as_bytes())
                };
                text.push_str(&format!("file {shown} seq {seq} type {letter}\n"));
            }
        }
        text.into_bytes()
    }

    /// Reads a manifest.
    ///
    /// # Errors
    /// Which line is wrong, and what about it.
    pub(super) fn read(text: &[u8]) -> Result<Self, String> {
        let mut manifest = Manifest::default();
        let whole = text.strip_suffix(b"\n").unwrap_or(text);
        for (index, line) in whole.split(|&b| b == b'\n').enumerate() {
            let fail = |what: &str| Err(format!("line {}: {what}", index + 1));
            if line.starts_with(b"#") {
                continue;
            }
            if line.len() > LINE_LIMIT {
                return fail("it is too long");
            }
            if line.is_empty() {
                return fail("it is empty");
            }
            let Ok(words) = words::split(line) else { return fail("its quotes don't close") };
            let Some((part, kind)) = read_line(&words) else {
                return fail("it is none of a manifest");
            };
            if part.name.is_empty() || part.name.contains('/') || part.name.starts_with('.') {
                return fail("the file's name is none that can be here");
            }
            match kind {
                b"b" if manifest.base.is_some() => return fail("there is a base already"),
                b"b" => {
                    manifest.base_seq = manifest.base_seq.max(part.seq);
                    manifest.base = Some(part);
                }
                b"h" => manifest.history.push(part),
                b"i" if part.seq <= manifest.incr_seq => return fail("its number doesn't rise"),
                b"i" => manifest.push_incr(part),
                _ => return fail("the file's type is unknown"),
            }
        }
        if manifest.is_empty() && manifest.history.is_empty() {
            return Err("there is no file in it".to_string());
        }
        Ok(manifest)
    }
}

fn read_line(words: &[Vec<u8>]) -> Option<(Part, &[u8])> {
    let (mut name, mut seq, mut kind) = (None, None, None);
    if !words.len().is_multiple_of(2) {
        return None;
    }
    for pair in words.chunks_exact(2) {
        match pair[0].to_ascii_lowercase().as_slice() {
            b"file" => name = Some(String::from_utf8(pair[1].clone()).ok()?),
            b"seq" => seq = crate::numbers::parse_i64(&pair[1]).and_then(|n| u64::try_from(n).ok()),
            b"type" => kind = Some(pair[1].as_slice()),
            _ => {}
        }
    }
    Some((Part { name: name?, seq: seq.filter(|&seq| seq > 0)? }, kind?))
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "file appendonly.aof.2.base.rdb seq 2 type b\n\
                        file appendonly.aof.1.base.rdb seq 1 type h\n\
                        file appendonly.aof.4.incr.aof seq 4 type i\n\
                        file \"with space\" seq 5 type i\n";

    #[test]
    fn what_is_written_reads_back() {
        let manifest = Manifest::read(TEXT.as_bytes()).expect("a manifest");
        assert_eq!(manifest.write(), TEXT.as_bytes());
        assert_eq!(manifest.next_base("a", true).name, "a.3.base.rdb");
        assert_eq!(manifest.next_incr("a").name, "a.6.incr.aof");
    }

    #[test]
    fn a_new_base_makes_history() {
        let mut manifest = Manifest::read(TEXT.as_bytes()).expect("a manifest");
        let incr = manifest.next_incr("a");
        manifest.push_incr(incr.clone());
        manifest.rebase(manifest.next_base("a", false), Some(&incr));
        let base = manifest.base.clone().expect("a base");
        assert_eq!((base.name.as_str(), base.seq), ("a.3.base.aof", 3));
        assert_eq!(manifest.incrs, [incr]);
        assert_eq!(manifest.history.len(), 4);
    }

    #[test]
    fn what_is_wrong_is_told_with_its_line() {
        for (text, line) in [
            ("", 1),
            ("file a seq 1 type b\n\n", 2),
            ("file a seq 1 type b\nfile b seq 1 type b\n", 2),
            ("file a seq 1 type i\nfile b seq 1 type i\n", 2),
            ("file a seq 0 type i\n", 1),
            ("file a seq 1\n", 1),
            ("file a seq 1 type x\n", 1),
            ("file a seq 1 type\n", 1),
            ("file ../a seq 1 type b\n", 1),
            ("file \"a seq 1 type b\n", 1),
        ] {
            let error = Manifest::read(text.as_bytes()).expect_err(text);
            assert!(error.starts_with(&format!("line {line}:")), "{text}: {error}");
        }
        let noted = "# a note\nfile a seq 1 type b startoffset 10\n";
        assert!(Manifest::read(noted.as_bytes()).is_ok());
    }
}
