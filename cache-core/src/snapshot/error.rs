//! Why a snapshot can't be read.

use super::input::Problem;
use alloc::boxed::Box;
use core::fmt;

/// A snapshot that can't be read, and where that was seen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LoadError {
    offset: u64,
    key: Option<Box<[u8]>>,
    problem: Problem,
}

impl LoadError {
    pub(super) fn new(offset: u64, key: Option<&[u8]>, problem: Problem) -> Self {
        LoadError { offset, key: key.map(Box::from), problem }
    }

    /// The byte, counted from the snapshot's first, near which it can't be read.
    pub fn offset(&self) -> u64 {
        self.offset
    }

    /// The key that was being read.
    pub fn key(&self) -> Option<&[u8]> {
        self.key.as_deref()
    }
}

impl fmt::Display for LoadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} at byte {}", self.problem, self.offset)?;
        match &self.key {
            Some(key) => write!(f, ", in key \"{}\"", crate::node::shown(key).escape_debug()),
            None => Ok(()),
        }
    }
}

impl core::error::Error for LoadError {}
