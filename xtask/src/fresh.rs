//! Whether something built is still what its inputs would give: a digest of the inputs' content
//! is kept beside a digest of what came out. Times of files say less: a branch switched there and
//! back changes them all.

use std::fs;
use std::hash::{DefaultHasher, Hasher};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use crate::paths;

/// Names under an input directory that are no part of it.
const NO_INPUT: &[&str] = &["target", "build", "tests", "fuzz", "benches", "node_modules"];

/// Remembers which inputs gave which outputs.
pub(crate) struct Stamp {
    file: PathBuf,
    inputs: u64,
    outputs: Vec<PathBuf>,
}

impl Stamp {
    /// Reads the inputs: files and directories under the root, and words that tell how it is built.
    pub(crate) fn of(name: &str, inputs: &[&str], outputs: &[&str], how: &str) -> Result<Self> {
        let mut hasher = DefaultHasher::new();
        hasher.write(how.as_bytes());
        for input in inputs {
            digest(&paths::root().join(input), &mut hasher)?;
        }
        Ok(Self {
            file: paths::scratch()?.join(format!("{name}.stamp")),
            inputs: hasher.finish(),
            outputs: outputs.iter().map(|o| paths::root().join(o)).collect(),
        })
    }

    /// Whether the outputs are there and are those that these inputs gave.
    pub(crate) fn is_fresh(&self) -> bool {
        let kept = fs::read_to_string(&self.file).unwrap_or_default();
        self.text().is_ok_and(|now| now == kept)
    }

    /// To be called when the outputs have been made.
    pub(crate) fn keep(&self) -> Result<()> {
        fs::write(&self.file, self.text()?).context("cannot keep the stamp")
    }

    fn text(&self) -> Result<String> {
        let mut hasher = DefaultHasher::new();
        for output in &self.outputs {
            digest(output, &mut hasher)?;
        }
        Ok(format!("{:016x} {:016x}\n", self.inputs, hasher.finish()))
    }
}

/// Adds a file, or all files below a directory in the order of their names.
fn digest(path: &Path, hasher: &mut DefaultHasher) -> Result<()> {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    hasher.write(name.as_bytes());
    let cannot = || format!("cannot read {}", path.display());
    if path.is_dir() {
        let mut below = fs::read_dir(path)
            .with_context(cannot)?
            .map(|entry| Ok(entry?.path()))
            .collect::<Result<Vec<_>>>()?;
        below.sort();
        below.retain(|p| {
            let name = p.file_name().unwrap_or_default().to_string_lossy();
            !name.starts_with('.') && !NO_INPUT.contains(&&*name)
        });
        below.iter().try_for_each(|p| digest(p, hasher))
    } else {
        let bytes = fs::read(path).with_context(cannot)?;
        hasher.write_usize(bytes.len());
        hasher.write(&bytes);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_of_content_or_of_name_is_seen() {
        let dir = std::env::temp_dir().join(format!("xtask-fresh-{}", std::process::id()));
        let of = |dir: &Path| {
            let mut hasher = DefaultHasher::new();
            digest(dir, &mut hasher).unwrap();
            hasher.finish()
        };
        fs::create_dir_all(dir.join("src")).unwrap();
        fs::write(dir.join("src/a"), "one").unwrap();
        let first = of(&dir);
        assert_eq!(first, of(&dir));
        fs::write(dir.join("src/a"), "two").unwrap();
        let second = of(&dir);
        assert_ne!(first, second);
        fs::rename(dir.join("src/a"), dir.join("src/b")).unwrap();
        assert_ne!(second, of(&dir));
        fs::create_dir_all(dir.join("target/x")).unwrap();
        let third = of(&dir);
        fs::write(dir.join("target/x/y"), "built").unwrap();
        assert_eq!(third, of(&dir));
        fs::remove_dir_all(dir).unwrap();
    }
}
