//! The HyperLogLog: about how many different things were added, in 12 KB at the most.
//!
//! It is a string, in Redis's format, so that GET and SET carry it from one server to another. Behind
//! a head of 16 bytes (`HYLL`, the encoding, three bytes that are 0, the count as it was last computed)
//! lie 16384 registers of six bits, or runs of equal ones. A register holds the longest run of zeros
//! met in the hashes that belong to it.
//!
//! Source: Heule, Nunkesser, Hall, "HyperLogLog in Practice", EDBT 2013, for the registers;
//! Redis's documentation of PFCOUNT and the comments of its source for the format.

mod dense;
mod estimate;
mod murmur;
mod sparse;
#[cfg(test)]
mod tests;

use alloc::vec::Vec;
use sparse::Raised;

/// How many registers there are.
const REGISTERS: usize = 1 << INDEX_BITS;
/// Bits of a hash that say which register it belongs to.
const INDEX_BITS: u32 = 14;
/// The greatest value that a hash can give a register.
const MOST: u8 = (64 - INDEX_BITS + 1) as u8;

const MAGIC: &[u8; 4] = b"HYLL";
/// Bytes of the head.
const HEAD: usize = 16;
/// Where the encoding stands.
const ENCODING: usize = 4;
const DENSE: u8 = 0;
const SPARSE: u8 = 1;
/// Bytes of one with a place for each register.
const DENSE_LEN: usize = HEAD + REGISTERS * 6 / 8;
/// The byte of the count whose highest bit says that it has to be computed anew.
const STALE: usize = HEAD - 1;

/// The runs of a sparse one don't come to all registers, and no more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Corrupt;

/// A HyperLogLog where it lies.
#[derive(Clone, Copy, Debug)]
pub(crate) struct View<'a>(&'a [u8]);

/// A HyperLogLog to change.
#[derive(Clone, Debug)]
pub(crate) struct HyperLogLog(Vec<u8>);

/// The registers of several taken together: the greatest of each.
#[derive(Clone, Debug)]
pub(crate) struct Union(Vec<u8>);

/// The register of an element, and what it is raised to at least.
fn place(element: &[u8]) -> (usize, u8) {
    let hash = murmur::hash(element);
    let rest = hash >> INDEX_BITS | 1 << (64 - INDEX_BITS);
    (hash as usize % REGISTERS, rest.trailing_zeros() as u8 + 1)
}

impl<'a> View<'a> {
    /// A string as a HyperLogLog, if its head is one's. Its runs may still be corrupt.
    pub(crate) fn of(bytes: &'a [u8]) -> Option<Self> {
        let is_one = bytes.len() >= HEAD
            && bytes.starts_with(MAGIC)
            && match bytes[ENCODING] {
                DENSE => bytes.len() == DENSE_LEN,
                encoding => encoding == SPARSE,
            };
        is_one.then_some(View(bytes))
    }

    pub(crate) fn to_owned(self) -> HyperLogLog {
        HyperLogLog(self.0.to_vec())
    }

    pub(crate) fn is_dense(self) -> bool {
        self.0.get(ENCODING) == Some(&DENSE)
    }

    fn body(self) -> &'a [u8] {
        self.0.get(HEAD..).unwrap_or_default()
    }

    /// The count as it was last computed, if nothing has been added since.
    pub(crate) fn cached_count(self) -> Option<u64> {
        let count = u64::from_le_bytes(*self.0.get(HEAD - 8..)?.first_chunk()?);
        (count >> 63 == 0).then_some(count)
    }

    /// About how many different elements it has met.
    pub(crate) fn count(self) -> Result<u64, Corrupt> {
        let histogram = match self.is_dense() {
            true => dense::histogram(self.body()),
            false => sparse::histogram(self.body())?,
        };
        Ok(estimate::count(&histogram))
    }

    /// Whether adding an element to a dense one would change nothing.
    pub(crate) fn has_met(self, element: &[u8]) -> bool {
        let (index, value) = place(element);
        dense::get(self.body(), index) >= value
    }

    /// The registers of a dense one.
    pub(crate) fn registers(self) -> impl Iterator<Item = u8> + use<'a> {
        let body = self.body();
        (0..REGISTERS).map(move |index| dense::get(body, index))
    }

    /// The runs of a sparse one, for people.
    pub(crate) fn describe(self) -> Vec<u8> {
        sparse::describe(self.body())
    }
}

/// Adds an element to a dense one and says whether that changed it.
pub(crate) fn add_to_dense(bytes: &mut [u8], element: &[u8]) -> bool {
    let (index, value) = place(element);
    dense::raise(bytes.get_mut(HEAD..).unwrap_or_default(), index, value)
}

/// Keeps a count, or says that it is to be computed anew.
pub(crate) fn keep_count(bytes: &mut [u8], count: Option<u64>) {
    match count {
        Some(count) if bytes.len() >= HEAD => {
            bytes[HEAD - 8..HEAD].copy_from_slice(&count.to_le_bytes());
        }
        _ => bytes.get_mut(STALE..HEAD).unwrap_or_default().iter_mut().for_each(|b| *b |= 0x80),
    }
}

impl HyperLogLog {
    /// One that has met nothing.
    pub(crate) fn new() -> Self {
        let mut bytes = alloc::vec![0; HEAD];
        bytes[..MAGIC.len()].copy_from_slice(MAGIC);
        bytes[ENCODING] = SPARSE;
        sparse::write_zeros(&mut bytes, REGISTERS);
        HyperLogLog(bytes)
    }

    pub(crate) fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    fn view(&self) -> View<'_> {
        View(&self.0)
    }

    /// Adds an element and says whether that changed it. One that has become longer than `limit`
    /// becomes dense.
    pub(crate) fn add(&mut self, element: &[u8], limit: usize) -> Result<bool, Corrupt> {
        let (index, value) = place(element);
        self.raise(index, value, limit)
    }

    fn raise(&mut self, index: usize, value: u8, limit: usize) -> Result<bool, Corrupt> {
        if !self.view().is_dense() {
            match sparse::raise(&mut self.0, index, value, limit)? {
                Raised::Yes => return Ok(true),
                Raised::No => return Ok(false),
                Raised::TooLong => _ = self.make_dense()?,
            }
        }
        Ok(dense::raise(&mut self.0[HEAD..], index, value))
    }

    pub(crate) fn forget_count(&mut self) {
        keep_count(&mut self.0, None);
    }

    /// Gives each register its place. `false`: each has one.
    pub(crate) fn make_dense(&mut self) -> Result<bool, Corrupt> {
        if self.view().is_dense() {
            return Ok(false);
        }
        let registers = Union::of([self.view()])?;
        self.0.resize(HEAD, 0);
        self.0[ENCODING] = DENSE;
        dense::write(&mut self.0, &registers.0);
        Ok(true)
    }

    /// Takes the registers of a union, in which its own are.
    pub(crate) fn take(&mut self, union: &Union, limit: usize) -> Result<(), Corrupt> {
        if self.view().is_dense() {
            self.0.truncate(HEAD);
            dense::write(&mut self.0, &union.0);
            return Ok(());
        }
        for (index, &value) in union.0.iter().enumerate().filter(|(_, value)| **value > 0) {
            self.raise(index, value, limit)?;
        }
        Ok(())
    }
}

impl Union {
    pub(crate) fn new() -> Self {
        Union(alloc::vec![0; REGISTERS])
    }

    fn of<'a>(views: impl IntoIterator<Item = View<'a>>) -> Result<Self, Corrupt> {
        let mut union = Union::new();
        views.into_iter().try_for_each(|view| union.add(view))?;
        Ok(union)
    }

    pub(crate) fn add(&mut self, view: View<'_>) -> Result<(), Corrupt> {
        if view.is_dense() {
            dense::merge(&mut self.0, view.body());
            return Ok(());
        }
        sparse::merge(&mut self.0, view.body())
    }

    pub(crate) fn count(&self) -> u64 {
        let mut histogram = estimate::Histogram::default();
        self.0.iter().for_each(|&value| histogram.add(value, 1));
        estimate::count(&histogram)
    }
}
