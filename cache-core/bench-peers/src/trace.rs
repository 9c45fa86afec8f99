//! Request traces, as `cargo xtask bench library` writes them.

use anyhow::{Context, Result, bail};
use std::fs;
use std::path::Path;

/// Requests for numbered keys.
#[derive(Clone, Debug)]
pub struct Trace {
    /// The name of its file.
    pub name: String,
    /// How many different keys there are: numbers are below it.
    pub unique: usize,
    /// The keys asked for, one after the other.
    pub keys: Vec<u32>,
}

impl Trace {
    /// How many entries a cache may hold: a tenth of the keys.
    pub fn capacity(&self) -> usize {
        self.unique / 10
    }
}

/// All traces of a directory, by name. A file is little-endian numbers of 32 bits: how many different
/// keys there are, then the keys.
///
/// # Errors
/// There are none, or one can't be read.
pub fn read_all(dir: &Path) -> Result<Vec<Trace>> {
    let mut traces = Vec::new();
    for entry in fs::read_dir(dir).with_context(|| format!("no traces in {}", dir.display()))? {
        let path = entry?.path();
        let bytes = fs::read(&path).with_context(|| path.display().to_string())?;
        let mut numbers = bytes.as_chunks().0.iter().map(|bytes| u32::from_le_bytes(*bytes));
        let unique = numbers.next().unwrap_or_default() as usize;
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        traces.push(Trace { name, unique, keys: numbers.collect() });
    }
    traces.sort_by(|a, b| a.name.cmp(&b.name));
    if traces.iter().any(|trace| trace.keys.is_empty()) || traces.is_empty() {
        bail!("no traces in {}: cargo xtask bench library writes them", dir.display());
    }
    Ok(traces)
}
