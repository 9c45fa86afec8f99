//! Ids of entries: a time and a number within it, `ms-seq`.

use crate::types::stream::pack::parse_u64;

/// An entry's id.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct StreamId {
    /// Wall milliseconds, or whatever whoever added it said.
    pub(crate) ms: u64,
    /// Tells those of one millisecond apart.
    pub(crate) seq: u64,
}

/// The longest text that is read as an id, in bytes.
const TEXT_LIMIT: usize = 127;

impl StreamId {
    pub(crate) const MIN: StreamId = StreamId { ms: 0, seq: 0 };
    pub(crate) const MAX: StreamId = StreamId { ms: u64::MAX, seq: u64::MAX };

    /// Reads `ms-seq`, or `ms` alone with this `seq`.
    pub(crate) fn parse(text: &[u8], seq: u64) -> Option<Self> {
        if text.len() > TEXT_LIMIT {
            return None;
        }
        match text.iter().position(|&b| b == b'-') {
            Some(at) => {
                Some(StreamId { ms: parse_u64(&text[..at])?, seq: parse_u64(&text[at + 1..])? })
            }
            None => Some(StreamId { ms: parse_u64(text)?, seq }),
        }
    }

    /// The least one that is greater.
    pub(crate) fn next(self) -> Option<Self> {
        match self.seq.checked_add(1) {
            Some(seq) => Some(StreamId { seq, ..self }),
            None => Some(StreamId { ms: self.ms.checked_add(1)?, seq: 0 }),
        }
    }

    /// The greatest one that is less.
    pub(crate) fn prev(self) -> Option<Self> {
        match self.seq.checked_sub(1) {
            Some(seq) => Some(StreamId { seq, ..self }),
            None => Some(StreamId { ms: self.ms.checked_sub(1)?, seq: u64::MAX }),
        }
    }

    /// It as text.
    pub(crate) fn text(self) -> IdText {
        let (mut ms, mut seq) = (itoa::Buffer::new(), itoa::Buffer::new());
        let (ms, seq) = (ms.format(self.ms).as_bytes(), seq.format(self.seq).as_bytes());
        let mut text = IdText { bytes: [b'-'; IdText::LEN], len: 0 };
        let len = ms.len() + 1 + seq.len();
        text.bytes[..ms.len()].copy_from_slice(ms);
        text.bytes[ms.len() + 1..len].copy_from_slice(seq);
        text.len = len as u8;
        text
    }
}

/// An id as text.
#[derive(Clone, Copy, Debug)]
pub(crate) struct IdText {
    bytes: [u8; Self::LEN],
    len: u8,
}

impl IdText {
    /// Two numbers of 64 bits and what stands between them.
    const LEN: usize = 20 + 1 + 20;
}

impl AsRef<[u8]> for IdText {
    fn as_ref(&self) -> &[u8] {
        &self.bytes[..usize::from(self.len)]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_read_and_written() {
        for (text, id) in [
            (&b"1-2"[..], Some((1, 2))),
            (b"7", Some((7, 9))),
            (b"007-01", Some((7, 1))),
            (b"18446744073709551615-18446744073709551615", Some((u64::MAX, u64::MAX))),
            (b"18446744073709551616", None),
            (b"", None),
            (b"-", None),
            (b"1-", None),
            (b"-1", None),
            (b"1-2-3", None),
            (b"1-*", None),
            (b" 1", None),
            (b"+1", None),
        ] {
            let read = StreamId::parse(text, 9);
            assert_eq!(read.map(|id| (id.ms, id.seq)), id, "{text:?}");
        }
        assert_eq!(StreamId { ms: 12, seq: 0 }.text().as_ref(), b"12-0");
        let max = b"18446744073709551615-18446744073709551615";
        assert_eq!(StreamId::MAX.text().as_ref(), max);
    }

    #[test]
    fn neighbours_carry_over() {
        let (low, high) = (StreamId { ms: 4, seq: u64::MAX }, StreamId { ms: 5, seq: 0 });
        assert_eq!((low.next(), high.prev()), (Some(high), Some(low)));
        assert_eq!((StreamId::MAX.next(), StreamId::MIN.prev()), (None, None));
    }
}
