//! Reading files in the manner of redis.conf: a directive a line, `#` comments, quotes, `include`.
//!
//! What must never be here: what a directive means; that stands in `directives`.

use cache_core::protocol::words;
use std::fmt;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

/// How deep files may include each other.
const DEPTH_LIMIT: usize = 8;
/// The largest file that is believed to be a configuration, in bytes.
const SIZE_LIMIT: u64 = 1 << 20;
/// The most directives of all files together.
const DIRECTIVE_LIMIT: usize = 10_000;

/// One directive as someone wrote it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Directive {
    /// Its name, in lower case.
    pub(crate) name: String,
    /// What follows the name.
    pub(crate) words: Vec<String>,
    /// Where it was written.
    pub(crate) origin: Origin,
}

/// Where a directive was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Origin {
    /// On the command line.
    Option,
    /// In a file, at a line (the first is 1).
    Line(PathBuf, usize),
}

impl fmt::Display for Directive {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.origin {
            Origin::Option => write!(f, "option --{}", self.name)?,
            Origin::Line(path, line) => write!(f, "{}:{line}: {}", path.display(), self.name)?,
        }
        for word in &self.words {
            if word.is_empty() || word.contains(char::is_whitespace) {
                write!(f, " {word:?}")?;
            } else {
                write!(f, " {word}")?;
            }
        }
        Ok(())
    }
}

/// Why the files could not be read.
#[derive(Debug)]
pub(crate) enum FileError {
    /// The file can't be had.
    Unreadable(PathBuf, io::Error),
    /// The file is larger than [`SIZE_LIMIT`].
    TooLarge(PathBuf),
    /// A line is not UTF-8 or its quotes don't close.
    BadLine(PathBuf, usize, &'static str),
    /// An `include` that can't be followed.
    BadInclude(Directive, String),
    /// More than [`DIRECTIVE_LIMIT`].
    TooMany(PathBuf),
}

impl fmt::Display for FileError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unreadable(path, error) => {
                write!(f, "cannot read the configuration file {}: {error}", path.display())
            }
            Self::TooLarge(path) => write!(
                f,
                "the configuration file {} has more than {SIZE_LIMIT} bytes; is it one?",
                path.display()
            ),
            Self::BadLine(path, line, reason) => write!(f, "{}:{line}: {reason}", path.display()),
            Self::BadInclude(directive, reason) => write!(f, "{directive}: {reason}"),
            Self::TooMany(path) => write!(
                f,
                "{}: more than {DIRECTIVE_LIMIT} directives with what it includes",
                path.display()
            ),
        }
    }
}

/// Reads a file and what it includes, in order. `-` is standard input.
pub(crate) fn read(path: &Path) -> Result<Vec<Directive>, FileError> {
    let mut directives = Vec::new();
    read_into(path, &mut Vec::new(), &mut directives)?;
    Ok(directives)
}

/// `above` has the files that lead here by `include`.
fn read_into(
    path: &Path,
    above: &mut Vec<PathBuf>,
    directives: &mut Vec<Directive>,
) -> Result<(), FileError> {
    let bytes = load(path)?;
    above.push(identity(path));
    for (index, line) in bytes.split(|&b| b == b'\n').enumerate() {
        let Some(directive) = parse_line(path, index + 1, line)? else { continue };
        if directive.name == "include" {
            include(directive, above, directives)?;
        } else if directives.len() == DIRECTIVE_LIMIT {
            return Err(FileError::TooMany(path.to_path_buf()));
        } else {
            directives.push(directive);
        }
    }
    above.pop();
    Ok(())
}

fn include(
    directive: Directive,
    above: &mut Vec<PathBuf>,
    directives: &mut Vec<Directive>,
) -> Result<(), FileError> {
    let reason = match &directive.words[..] {
        [path] if above.contains(&identity(Path::new(path))) => {
            "the file includes itself".to_string()
        }
        [_] if above.len() == DEPTH_LIMIT => {
            format!("files include each other deeper than {DEPTH_LIMIT} levels")
        }
        [path] => match read_into(Path::new(path), above, directives) {
            // The line that asked for it says more than the file that isn't there.
            Err(FileError::Unreadable(_, error)) => error.to_string(),
            other => return other,
        },
        _ => "takes one file".to_string(),
    };
    Err(FileError::BadInclude(directive, reason))
}

fn load(path: &Path) -> Result<Vec<u8>, FileError> {
    let unreadable = |error| FileError::Unreadable(path.to_path_buf(), error);
    let source: Box<dyn Read> = if path == Path::new("-") {
        Box::new(io::stdin().lock())
    } else {
        Box::new(std::fs::File::open(path).map_err(unreadable)?)
    };
    let mut bytes = Vec::new();
    source.take(SIZE_LIMIT + 1).read_to_end(&mut bytes).map_err(unreadable)?;
    if bytes.len() as u64 > SIZE_LIMIT {
        return Err(FileError::TooLarge(path.to_path_buf()));
    }
    Ok(bytes)
}

/// What a file is recognised by, whichever way a path leads to it.
fn identity(path: &Path) -> PathBuf {
    path.canonicalize().unwrap_or_else(|_| path.to_path_buf())
}

fn parse_line(path: &Path, number: usize, line: &[u8]) -> Result<Option<Directive>, FileError> {
    let line = line.trim_ascii();
    if line.is_empty() || line[0] == b'#' {
        return Ok(None);
    }
    let bad = |reason| FileError::BadLine(path.to_path_buf(), number, reason);
    let words = words::split(line).map_err(|_| bad("quotes that don't close"))?;
    let mut words = words
        .into_iter()
        .map(|word| String::from_utf8(word).map_err(|_| bad("a line that is not UTF-8")))
        .collect::<Result<Vec<_>, _>>()?;
    if words.is_empty() {
        return Err(bad("a line that begins with a zero byte"));
    }
    let name = words.remove(0).to_ascii_lowercase();
    Ok(Some(Directive { name, words, origin: Origin::Line(path.to_path_buf(), number) }))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A directory of this test's own, gone when dropped.
    struct Dir(PathBuf);

    impl Dir {
        fn new(name: &str) -> Self {
            let path = std::env::temp_dir().join(format!("larder-{}-{name}", std::process::id()));
            std::fs::create_dir_all(&path).unwrap();
            Dir(path)
        }

        fn file(&self, name: &str, text: &str) -> PathBuf {
            let path = self.0.join(name);
            std::fs::write(&path, text).unwrap();
            path
        }
    }

    impl Drop for Dir {
        fn drop(&mut self) {
            let _ = std::fs::remove_dir_all(&self.0);
        }
    }

    fn shown(directives: &[Directive]) -> Vec<String> {
        directives.iter().map(|d| format!("{} {}", d.name, d.words.join("|"))).collect()
    }

    #[test]
    fn comments_quotes_and_includes() {
        let dir = Dir::new("includes");
        let inner = dir.file("inner.conf", "maxclients 10\r\n");
        let text = format!(
            "# a comment\n\n  PORT 7000\nrequirepass \"a b\"\ninclude {}\nsave ''\n",
            inner.display()
        );
        let read = read(&dir.file("outer.conf", &text)).unwrap();
        assert_eq!(shown(&read), ["port 7000", "requirepass a b", "maxclients 10", "save "]);
        assert_eq!(read[2].origin, Origin::Line(inner, 1));
        assert!(read[1].to_string().ends_with("outer.conf:4: requirepass \"a b\""));
    }

    #[test]
    fn errors_name_file_and_line() {
        let dir = Dir::new("errors");
        let quotes = read(&dir.file("quotes.conf", "port 1\nrequirepass \"a\n")).unwrap_err();
        assert!(quotes.to_string().ends_with("quotes.conf:2: quotes that don't close"));
        let own = dir.0.join("self.conf");
        dir.file("self.conf", &format!("include {}\n", own.display()));
        let itself = read(&own).unwrap_err().to_string();
        assert!(itself.contains("self.conf:1: include") && itself.contains("includes itself"));
        let missing = read(&dir.file("missing.conf", "include /nowhere/at/all\n")).unwrap_err();
        assert!(missing.to_string().contains("missing.conf:1: include /nowhere/at/all: "));
        let directory = read(&dir.0).unwrap_err().to_string();
        assert!(directory.starts_with("cannot read the configuration file"), "{directory}");
    }

    #[test]
    fn includes_end() {
        let dir = Dir::new("depth");
        for i in 0..20 {
            let next = dir.0.join(format!("{}.conf", i + 1));
            dir.file(&format!("{i}.conf"), &format!("include {}\n", next.display()));
        }
        let error = read(&dir.0.join("0.conf")).unwrap_err().to_string();
        assert!(error.contains("7.conf:1: ") && error.contains("deeper than 8"), "{error}");
    }
}
