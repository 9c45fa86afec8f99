//! The log's rows: where they begin, how long they may be, and whether they are whole.
//!
//! A row knows its place in the stream and a checksum, so that a missing, doubled or changed row is
//! found at wake-up rather than replayed.

/// The longest row in bytes. A Durable Object takes 2 MB for a row with all its columns.
pub const ROW_LIMIT: usize = 1 << 20;

/// A piece of the stream of effects.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Row<'a> {
    /// The offset of its first byte. Rows follow each other without a gap, from 0.
    pub start: u64,
    /// The checksum: see [`check`].
    pub check: u32,
    /// The bytes; commands may be cut between rows.
    pub bytes: &'a [u8],
}

/// Where the rows are kept.
pub trait Log {
    /// Hands out all rows in order.
    ///
    /// # Errors
    /// What `visit` fails with, or that the rows cannot be read.
    fn read(&self, visit: &mut dyn FnMut(Row<'_>) -> Result<(), Damage>) -> Result<(), Damage>;

    /// Adds rows at the end: all or, on failure, none.
    ///
    /// # Errors
    /// Why the storage did not take them.
    fn append(&mut self, rows: &[Row<'_>]) -> Result<(), String>;

    /// Replaces all rows by those that `fill` writes: all or, on failure, none.
    ///
    /// # Errors
    /// Why the storage did not take them, or what `fill` failed with.
    fn replace(&mut self, fill: Fill<'_>) -> Result<(), String>;
}

/// Writes one row.
pub type Write<'a> = &'a mut dyn FnMut(Row<'_>) -> Result<(), String>;
/// Writes rows through a [`Write`]. It may be called more than once.
pub type Fill<'a> = &'a mut dyn FnMut(Write<'_>) -> Result<(), String>;

/// What is wrong with a stored log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Damage {
    /// The first byte's offset of the row where it was found.
    pub at: u64,
    /// What is wrong with it.
    pub what: String,
}

impl Damage {
    /// Damage in the row that begins at an offset.
    pub fn at(at: u64, what: &str) -> Self {
        Damage { at, what: what.into() }
    }
}

impl std::fmt::Display for Damage {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "the stored log is damaged in the row at {}: {}", self.at, self.what)
    }
}

impl std::error::Error for Damage {}

/// A row's checksum: CRC-32 (as in IEEE 802.3) of its place and its bytes.
pub fn check(start: u64, bytes: &[u8]) -> u32 {
    !crc32(crc32(!0, &start.to_le_bytes()), bytes)
}

/// Four bits at a time: the tables of the faster ways are 16 KB that do not compress, and a row is
/// checked once in a life of the object.
fn crc32(mut crc: u32, bytes: &[u8]) -> u32 {
    const TABLE: [u32; 16] = {
        let mut table = [0; 16];
        let mut i = 0;
        while i < 16 {
            let mut crc = i as u32;
            let mut bit = 0;
            while bit < 4 {
                crc = (crc >> 1) ^ (0xedb8_8320 & (crc & 1).wrapping_neg());
                bit += 1;
            }
            table[i] = crc;
            i += 1;
        }
        table
    };
    for &byte in bytes {
        crc ^= u32::from(byte);
        crc = (crc >> 4) ^ TABLE[(crc & 15) as usize];
        crc = (crc >> 4) ^ TABLE[(crc & 15) as usize];
    }
    crc
}

/// Follows the rows of a log while they are read.
#[derive(Debug, Default)]
pub(super) struct Rows {
    /// The offset behind the last row.
    pub(super) end: u64,
    pub(super) count: u64,
}

impl Rows {
    /// Takes the next row, if it is the right one and whole.
    pub(super) fn admit(&mut self, row: Row<'_>) -> Result<(), Damage> {
        if row.start != self.end {
            return Err(Damage::at(row.start, &format!("the one before it ends at {}", self.end)));
        }
        if row.check != check(row.start, row.bytes) {
            return Err(Damage::at(row.start, "its checksum does not match"));
        }
        self.end += row.bytes.len() as u64;
        self.count += 1;
        Ok(())
    }
}

/// Cuts bytes that begin at an offset into rows.
pub(super) fn cut(start: u64, bytes: &[u8]) -> impl Iterator<Item = Row<'_>> {
    bytes.chunks(ROW_LIMIT).enumerate().map(move |(i, bytes)| {
        let start = start + (i * ROW_LIMIT) as u64;
        Row { start, check: check(start, bytes), bytes }
    })
}

/// Packs blocks of any length into rows that are as long as they may be.
#[derive(Debug, Default)]
pub(super) struct Packer {
    pending: Vec<u8>,
    /// The offset behind the last byte written.
    pub(super) end: u64,
    /// How many rows were written.
    pub(super) rows: u64,
}

impl Packer {
    pub(super) fn push(&mut self, mut block: &[u8], write: Write<'_>) -> Result<(), String> {
        while self.pending.len() + block.len() >= ROW_LIMIT {
            let (head, rest) = block.split_at(ROW_LIMIT - self.pending.len());
            self.pending.extend_from_slice(head);
            self.write(write)?;
            block = rest;
        }
        self.pending.extend_from_slice(block);
        Ok(())
    }

    pub(super) fn finish(&mut self, write: Write<'_>) -> Result<(), String> {
        if self.pending.is_empty() { Ok(()) } else { self.write(write) }
    }

    fn write(&mut self, write: Write<'_>) -> Result<(), String> {
        let bytes = &self.pending;
        write(Row { start: self.end, check: check(self.end, bytes), bytes })?;
        self.end += bytes.len() as u64;
        self.rows += 1;
        self.pending.clear();
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_checksum_is_that_of_ieee_802_3() {
        assert_eq!(!crc32(!0, b"123456789"), 0xcbf4_3926);
        assert_ne!(check(0, b"a"), check(1, b"a"));
    }
}
