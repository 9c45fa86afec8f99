//! Request traces: files of keys, which are numbered in the order of their first use.

use std::collections::HashMap;
use std::fs::{self, File};
use std::io::{BufReader, Read};
use std::path::Path;

use anyhow::{Context, Result, bail};

/// A trace.
pub(crate) struct Trace {
    pub(crate) name: String,
    /// The keys asked for, one after the other: 0, 1, 2, ... as they first come.
    pub(crate) keys: Vec<u32>,
    /// How many different keys there are.
    pub(crate) unique: usize,
    /// For each request, when its key is asked for next; `u32::MAX` for never.
    pub(crate) next: Vec<u32>,
}

/// What a trace looks like once it is decompressed.
enum Format {
    /// Big-endian integers of so many bytes.
    Binary(usize),
    /// Lines of "start count ignored number", each for `count` keys from `start`.
    Ranges,
    /// A key a line; those with a '*' are remarks.
    Lines,
}

/// The files whose format doesn't show in their names, and what the table calls the others.
fn known(file: &str) -> (&str, Format) {
    match file.split('.').next().unwrap_or_default() {
        "arc_OLTP" => ("OLTP", Format::Ranges),
        "caffeine_cloud_physics_w106" => ("w106", Format::Binary(4)),
        "caffeine_scarab_scarab-recs" => ("scarab", Format::Binary(8)),
        "caffeine_lirs_loop" => ("loop", Format::Lines),
        "caffeine_lirs_2_pools" => ("2_pools", Format::Lines),
        "caffeine_cache2k_web12" => ("web12", Format::Binary(4)),
        stem if file.contains(".lis") => (stem, Format::Ranges),
        stem => (stem, Format::Lines),
    }
}

/// The traces of a directory whose names are wanted, by name of file. What isn't known is read as a
/// key a line, or as ARC's format if the name has `.lis`; `.gz`, `.xz` and `.zst` are unpacked.
pub(super) fn read_all(dir: &Path, wanted: impl Fn(&str) -> bool) -> Result<Vec<Trace>> {
    let entries = fs::read_dir(dir).with_context(|| {
        format!("there are no traces in {}; name their directory by --traces", dir.display())
    })?;
    let mut paths = entries.map(|e| Ok(e?.path())).collect::<Result<Vec<_>>>()?;
    paths.retain(|p| p.is_file() && p.extension().is_some_and(|e| e != "md"));
    let name = |path: &Path| path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    paths.retain(|path| wanted(known(&name(path)).0));
    paths.sort();
    if paths.is_empty() {
        bail!("there are no such traces in {}", dir.display());
    }
    paths.iter().map(|p| read(p).with_context(|| p.display().to_string())).collect()
}

fn read(path: &Path) -> Result<Trace> {
    let file = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let bytes = unpacked(path)?;
    let (name, format) = known(&file);
    let mut numbers = Numbers::default();
    match format {
        Format::Binary(width) => {
            for key in bytes.chunks_exact(width) {
                numbers.add(key);
            }
        }
        Format::Lines => {
            for line in bytes.split(|b| *b == b'\n').map(<[u8]>::trim_ascii) {
                if !line.is_empty() && !line.contains(&b'*') {
                    numbers.add(line);
                }
            }
        }
        Format::Ranges => {
            for line in std::str::from_utf8(&bytes)?.lines() {
                let mut fields = line.split_ascii_whitespace().map(str::parse::<u64>);
                let (Some(start), Some(count)) = (fields.next(), fields.next()) else { continue };
                let start = start?;
                for key in start..start + count? {
                    numbers.add(&key.to_be_bytes());
                }
            }
        }
    }
    Ok(numbers.trace(name))
}

fn unpacked(path: &Path) -> Result<Vec<u8>> {
    let mut packed = BufReader::new(File::open(path)?);
    let mut bytes = Vec::new();
    match path.extension().and_then(|e| e.to_str()) {
        Some("gz") => _ = flate2::read::MultiGzDecoder::new(packed).read_to_end(&mut bytes)?,
        Some("xz") => lzma_rs::xz_decompress(&mut packed, &mut bytes)?,
        Some("zst") => {
            let mut frame = ruzstd::decoding::StreamingDecoder::new(packed)?;
            frame.read_to_end(&mut bytes)?;
        }
        _ => _ = packed.read_to_end(&mut bytes)?,
    }
    Ok(bytes)
}

#[derive(Default)]
struct Numbers {
    of: HashMap<Vec<u8>, u32>,
    keys: Vec<u32>,
}

impl Numbers {
    fn add(&mut self, key: &[u8]) {
        let fresh = self.of.len() as u32;
        // Most keys come again: look before a copy is made.
        let number = self.of.get(key).copied().unwrap_or(fresh);
        if number == fresh {
            self.of.insert(key.to_vec(), fresh);
        }
        self.keys.push(number);
    }

    fn trace(self, name: &str) -> Trace {
        Trace::new(name, self.keys, self.of.len())
    }
}

impl Trace {
    /// Keys must be below `unique`.
    pub(crate) fn new(name: &str, keys: Vec<u32>, unique: usize) -> Trace {
        let mut next = vec![u32::MAX; keys.len()];
        let mut seen = vec![u32::MAX; unique];
        for (at, key) in keys.iter().enumerate().rev() {
            next[at] = seen[*key as usize];
            seen[*key as usize] = at as u32;
        }
        Trace { name: name.to_owned(), keys, unique, next }
    }
}
