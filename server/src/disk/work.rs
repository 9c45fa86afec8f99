//! Doing one job.

use cache_core::Saved;
use cache_core::node::{Content, FileError, FileErrorKind, FileEvent, FileOp};
use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind, Read as _, Seek as _, SeekFrom, Write as _};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// How often it is told how far a file has been written.
const PROGRESS: Duration = Duration::from_millis(100);
/// Bytes of a file after which what was written is made to reach the disk, so that the sync at the end
/// doesn't take long and doesn't hold up other files' syncs.
const SYNC_BYTES: u64 = 32 << 20;

/// Does jobs, one after the other.
#[derive(Debug)]
pub(super) struct Worker {
    stop: Arc<AtomicU64>,
    /// The file that was appended to or read last, to be appended to or read again.
    open: Option<(String, Mode, File)>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mode {
    Append,
    Read,
}

impl Worker {
    pub(super) fn new(stop: Arc<AtomicU64>) -> Self {
        Worker { stop, open: None }
    }

    /// Does a job and says what became of it; on the way how far it has come.
    pub(super) fn work(&mut self, id: u64, op: FileOp, progress: impl FnMut(Saved)) -> FileEvent {
        let done = match op {
            FileOp::Read { path, from, most } => self.read(path, from, most),
            FileOp::Write { path, content } => {
                let done = self.write(id, &path, content, progress);
                done.map(|written| FileEvent::Done { written })
            }
            FileOp::Append { path, bytes, sync } => {
                let written = bytes.len() as u64;
                self.append(path, &bytes, sync).map(|()| FileEvent::Done { written })
            }
            other => self.change(other).map(|()| FileEvent::Done { written: 0 }),
        };
        done.unwrap_or_else(|error| {
            // What is wrong with it may be in the handle.
            self.open = None;
            FileEvent::Failed(explain(&error))
        })
    }

    fn change(&mut self, op: FileOp) -> io::Result<()> {
        match op {
            FileOp::MakeDir { path } => match fs::create_dir(&path) {
                Err(error)
                    if error.kind() == ErrorKind::AlreadyExists && Path::new(&path).is_dir() =>
                {
                    Ok(())
                }
                made => made.and_then(|()| sync_dir(&path)),
            },
            FileOp::Sync { path } => self.file(path, Mode::Append)?.sync_data(),
            FileOp::Truncate { path, len } => {
                self.open = None;
                let file = OpenOptions::new().write(true).open(path)?;
                file.set_len(len)?;
                file.sync_all()
            }
            FileOp::Rename { from, to } => {
                self.open = None;
                fs::rename(&from, &to)?;
                sync_dir(&to)?;
                if Path::new(&from).parent() == Path::new(&to).parent() {
                    Ok(())
                } else {
                    sync_dir(&from)
                }
            }
            FileOp::Remove { path } => {
                self.open = None;
                fs::remove_file(path)
            }
            _ => Err(io::Error::other("the server can't do this with files")),
        }
    }

    /// The handle of a file that is appended to or read.
    fn file(&mut self, path: String, mode: Mode) -> io::Result<&mut File> {
        if self.open.as_ref().is_none_or(|(name, how, _)| (name, *how) != (&path, mode)) {
            let file = match mode {
                Mode::Append => OpenOptions::new().append(true).open(&path)?,
                Mode::Read => File::open(&path)?,
            };
            self.open = Some((path, mode, file));
        }
        match &mut self.open {
            Some((_, _, file)) => Ok(file),
            None => Err(io::Error::other("there is no file")),
        }
    }

    fn read(&mut self, path: String, from: u64, most: u32) -> io::Result<FileEvent> {
        let file = self.file(path, Mode::Read)?;
        let of = file.metadata()?.len();
        file.seek(SeekFrom::Start(from))?;
        let mut bytes = Vec::new();
        file.take(most.into()).read_to_end(&mut bytes)?;
        Ok(FileEvent::Read { bytes, of })
    }

    fn append(&mut self, path: String, bytes: &[u8], sync: bool) -> io::Result<()> {
        let file = self.file(path, Mode::Append)?;
        file.write_all(bytes)?;
        if sync { file.sync_data() } else { Ok(()) }
    }

    fn write(
        &mut self,
        id: u64,
        path: &str,
        mut content: Content,
        mut progress: impl FnMut(Saved),
    ) -> io::Result<u64> {
        self.open = None;
        let mut file = File::create(path)?;
        let (mut written, mut synced, mut told) = (0, 0, Instant::now());
        while let Some(block) = content.next_block() {
            if self.stop.load(Ordering::Relaxed) == id {
                return Err(ErrorKind::Interrupted.into());
            }
            file.write_all(&block)?;
            written += block.len() as u64;
            if written - synced >= SYNC_BYTES {
                synced = written;
                file.sync_data()?;
            }
            if told.elapsed() >= PROGRESS {
                told = Instant::now();
                progress(content.saved());
            }
        }
        file.sync_all()?;
        sync_dir(path)?;
        Ok(written)
    }
}

/// Makes safe what a directory says of a file in it.
fn sync_dir(path: &str) -> io::Result<()> {
    let parent = Path::new(path).parent().filter(|parent| !parent.as_os_str().is_empty());
    File::open(parent.unwrap_or(Path::new(".")))?.sync_all()
}

fn explain(error: &io::Error) -> FileError {
    let kind = match error.kind() {
        ErrorKind::NotFound => FileErrorKind::NotFound,
        ErrorKind::Interrupted => FileErrorKind::Stopped,
        _ => FileErrorKind::Other,
    };
    // `No space left on device (os error 28)`: the system's words are enough.
    let text = error.to_string();
    let reason = text.split(" (os error").next().unwrap_or_default().to_string();
    FileError { kind, reason }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reasons_are_the_system_s() {
        let full = explain(&io::Error::from_raw_os_error(28));
        assert_eq!(full.reason, "No space left on device");
        assert_eq!(explain(&io::Error::from_raw_os_error(2)).kind, FileErrorKind::NotFound);
    }
}
