//! A disk: files, what of them is safe, and what a loss of power leaves.
//!
//! A file is what the system shows of it, what the medium holds, and the writes between the two; a sync
//! brings them there. Names are kept likewise, and a directory is synced for itself. When the power is
//! lost, what was not synced is there in part: up to some byte of it ([`Loss::InOrder`]), or any of its
//! sectors ([`Loss::Anyhow`]). What must never be here: who writes, and why.

use crate::random::Random;

/// The smallest part of a file that is written as one.
const SECTOR: usize = 512;

/// Why something could not be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Trouble {
    NotFound,
    Full,
    Broken,
}

impl Trouble {
    /// In a system's words.
    pub(crate) fn reason(self) -> &'static str {
        match self {
            Trouble::NotFound => "No such file or directory",
            Trouble::Full => "No space left on device",
            Trouble::Broken => "Input/output error",
        }
    }
}

/// What a loss of power leaves of what was not synced.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Loss {
    /// A beginning of it: what a file system gives that writes data before it says how long a file is.
    InOrder,
    /// Any sectors of it, the others zero.
    Anyhow,
}

/// What is wrong with a disk.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Ailment {
    /// Nothing more fits on it.
    pub(crate) is_full: bool,
    /// Whatever is written or synced fails.
    pub(crate) is_broken: bool,
    /// Everything takes so many times as long, and once more.
    pub(crate) slower: u64,
    /// It says that it has synced and has not: no disk that anyone should have.
    pub(crate) lies: bool,
}

#[derive(Clone, Debug)]
enum Write {
    At(usize, Vec<u8>),
    Cut(usize),
}

#[derive(Clone, Debug, Default)]
struct File {
    /// What the system shows.
    seen: Vec<u8>,
    /// What the medium holds.
    safe: Vec<u8>,
    /// What lies between.
    writes: Vec<Write>,
    /// Behind this length something is missing for good, since a sync has failed.
    whole: Option<usize>,
}

/// A change to a directory that is not synced.
#[derive(Clone, Debug)]
enum Change {
    Named(String, u64),
    Renamed(String, String, u64),
    Removed(String),
}

/// Names and the files that they name, sorted.
type Names = Vec<(String, u64)>;

#[derive(Clone, Debug, Default)]
pub(crate) struct Disk {
    pub(crate) ailment: Ailment,
    files: Vec<(u64, File)>,
    last_file: u64,
    seen: Names,
    safe: Names,
    changes: Vec<Change>,
}

fn named(names: &Names, path: &str) -> Option<u64> {
    let at = names.binary_search_by(|(name, _)| name.as_str().cmp(path)).ok()?;
    Some(names[at].1)
}

fn set(names: &mut Names, path: &str, file: Option<u64>) {
    let found = names.binary_search_by(|(name, _)| name.as_str().cmp(path));
    match (found, file) {
        (Ok(at), Some(file)) => names[at].1 = file,
        (Ok(at), None) => {
            names.remove(at);
        }
        (Err(at), Some(file)) => names.insert(at, (path.to_string(), file)),
        (Err(_), None) => {}
    }
}

fn dir(path: &str) -> &str {
    path.rsplit_once('/').map_or("", |(dir, _)| dir)
}

impl Change {
    fn apply(&self, names: &mut Names) {
        match self {
            Change::Named(path, file) => set(names, path, Some(*file)),
            Change::Renamed(from, to, file) => {
                set(names, from, None);
                set(names, to, Some(*file));
            }
            Change::Removed(path) => set(names, path, None),
        }
    }

    fn is_in(&self, of: &str) -> bool {
        match self {
            Change::Named(path, _) | Change::Removed(path) => dir(path) == of,
            Change::Renamed(from, to, _) => dir(from) == of || dir(to) == of,
        }
    }
}

impl Write {
    fn apply(&self, data: &mut Vec<u8>) {
        match self {
            Write::At(from, bytes) => put(data, *from, bytes),
            Write::Cut(len) => data.resize(*len, 0),
        }
    }
}

fn put(data: &mut Vec<u8>, from: usize, bytes: &[u8]) {
    let end = from + bytes.len();
    if data.len() < end {
        data.resize(end, 0);
    }
    data[from..end].copy_from_slice(bytes);
}

impl File {
    fn write(&mut self, write: Write) {
        if let Write::Cut(len) = write {
            self.whole = self.whole.filter(|whole| *whole < len);
        }
        write.apply(&mut self.seen);
        self.writes.push(write);
    }

    fn sync(&mut self) {
        for write in std::mem::take(&mut self.writes) {
            write.apply(&mut self.safe);
        }
    }

    fn lose_power(&mut self, loss: Loss, random: &mut Random) {
        let writes = std::mem::take(&mut self.writes);
        match loss {
            Loss::InOrder => {
                let whole = random.below(writes.len() as u64 + 1) as usize;
                for write in &writes[..whole] {
                    write.apply(&mut self.safe);
                }
                if let Some(Write::At(from, bytes)) = writes.get(whole) {
                    let len = random.below(bytes.len() as u64 + 1) as usize;
                    put(&mut self.safe, *from, &bytes[..len]);
                }
            }
            Loss::Anyhow => {
                for write in &writes {
                    self.write_some(write, random);
                }
            }
        }
        self.seen = self.safe.clone();
    }

    fn write_some(&mut self, write: &Write, random: &mut Random) {
        let Write::At(from, bytes) = write else {
            if random.chance(500) {
                write.apply(&mut self.safe);
            }
            return;
        };
        let mut at = 0;
        while at < bytes.len() {
            let len = (SECTOR - (from + at) % SECTOR).min(bytes.len() - at);
            if random.chance(500) {
                put(&mut self.safe, from + at, &bytes[at..at + len]);
            }
            at += len;
        }
    }
}

impl Disk {
    fn file(&mut self, path: &str) -> Result<&mut File, Trouble> {
        let number = named(&self.seen, path).ok_or(Trouble::NotFound)?;
        let at = self.files.binary_search_by_key(&number, |(number, _)| *number);
        at.map(|at| &mut self.files[at].1).map_err(|_| Trouble::NotFound)
    }

    fn change(&mut self, change: Change) {
        change.apply(&mut self.seen);
        self.changes.push(change);
    }

    fn check(&self) -> Result<(), Trouble> {
        if self.ailment.is_broken { Err(Trouble::Broken) } else { Ok(()) }
    }

    /// Makes a file that is empty, whatever it held.
    pub(crate) fn create(&mut self, path: &str) -> Result<(), Trouble> {
        self.check()?;
        if let Ok(file) = self.file(path) {
            file.write(Write::Cut(0));
            return Ok(());
        }
        self.last_file += 1;
        self.files.push((self.last_file, File::default()));
        self.change(Change::Named(path.to_string(), self.last_file));
        Ok(())
    }

    /// Writes at the end of a file. When there is no room for all, some of it is there.
    pub(crate) fn append(
        &mut self,
        path: &str,
        bytes: &[u8],
        random: &mut Random,
    ) -> Result<(), Trouble> {
        let ailment = self.ailment;
        let file = self.file(path)?;
        let fits = match ailment {
            Ailment { is_full: false, is_broken: false, .. } => bytes.len(),
            _ => random.below(bytes.len() as u64) as usize,
        };
        if fits > 0 {
            file.write(Write::At(file.seen.len(), bytes[..fits].to_vec()));
        }
        if fits == bytes.len() {
            return Ok(());
        }
        Err(if ailment.is_broken { Trouble::Broken } else { Trouble::Full })
    }

    /// Brings a file's data to the medium. When that fails the system forgets that it has to.
    pub(crate) fn sync(&mut self, path: &str) -> Result<(), Trouble> {
        let Ailment { is_broken, lies, .. } = self.ailment;
        let file = self.file(path)?;
        if is_broken {
            if !file.writes.is_empty() {
                file.whole.get_or_insert(file.safe.len());
            }
            file.writes.clear();
            return Err(Trouble::Broken);
        }
        if !lies {
            file.sync();
        }
        Ok(())
    }

    /// Brings the names of a directory to the medium.
    pub(crate) fn sync_dir(&mut self, path: &str) -> Result<(), Trouble> {
        self.check()?;
        if self.ailment.lies {
            return Ok(());
        }
        let of = dir(path);
        let (synced, others): (Vec<_>, Vec<_>) =
            std::mem::take(&mut self.changes).into_iter().partition(|change| change.is_in(of));
        self.changes = others;
        for change in synced {
            change.apply(&mut self.safe);
        }
        self.collect();
        Ok(())
    }

    pub(crate) fn truncate(&mut self, path: &str, len: usize) -> Result<(), Trouble> {
        self.check()?;
        self.file(path)?.write(Write::Cut(len));
        self.sync(path)
    }

    pub(crate) fn rename(&mut self, from: &str, to: &str) -> Result<(), Trouble> {
        self.check()?;
        let file = named(&self.seen, from).ok_or(Trouble::NotFound)?;
        self.change(Change::Renamed(from.to_string(), to.to_string(), file));
        Ok(())
    }

    pub(crate) fn remove(&mut self, path: &str) -> Result<(), Trouble> {
        self.check()?;
        named(&self.seen, path).ok_or(Trouble::NotFound)?;
        self.change(Change::Removed(path.to_string()));
        Ok(())
    }

    /// A part of a file, and how long all of it is.
    pub(crate) fn read(
        &mut self,
        path: &str,
        from: u64,
        most: u32,
    ) -> Result<(Vec<u8>, u64), Trouble> {
        let seen = &self.file(path)?.seen;
        let from = usize::try_from(from).unwrap_or(usize::MAX).min(seen.len());
        let len = (most as usize).min(seen.len() - from);
        Ok((seen[from..from + len].to_vec(), seen.len() as u64))
    }

    /// Bytes of a file that are not safe.
    pub(crate) fn unsynced(&mut self, path: &str) -> u64 {
        let of = |write: &Write| match write {
            Write::At(_, bytes) => bytes.len() as u64,
            Write::Cut(_) => 0,
        };
        self.file(path).map_or(0, |file| file.writes.iter().map(of).sum())
    }

    /// The power is lost: what was not synced may be, too.
    pub(crate) fn lose_power(&mut self, loss: Loss, random: &mut Random) {
        let changes = std::mem::take(&mut self.changes);
        let whole = random.below(changes.len() as u64 + 1) as usize;
        for (at, change) in changes.iter().enumerate() {
            let happened = match loss {
                Loss::InOrder => at < whole,
                Loss::Anyhow => random.chance(500),
            };
            if happened {
                change.apply(&mut self.safe);
            }
        }
        self.seen = self.safe.clone();
        for (_, file) in &mut self.files {
            file.lose_power(loss, random);
        }
        self.collect();
    }

    /// Forgets files that have no name.
    fn collect(&mut self) {
        let Disk { files, seen, safe, changes, .. } = self;
        files.retain(|(number, _)| {
            let has = |names: &Names| names.iter().any(|(_, file)| file == number);
            let renamed = |change: &Change| match change {
                Change::Named(_, file) | Change::Renamed(_, _, file) => file == number,
                Change::Removed(_) => false,
            };
            has(seen) || has(safe) || changes.iter().any(renamed)
        });
    }

    /// Cuts a file to what is known to be safe of it, as a person would who repairs it.
    pub(crate) fn keep_safe_part(&mut self, path: &str, len: usize) {
        if let Ok(file) = self.file(path) {
            file.seen.truncate(len);
            file.whole = None;
            file.safe.clone_from(&file.seen);
            file.writes.clear();
        }
    }

    /// Whether a sync has failed of a file that is still there.
    pub(crate) fn is_doubtful(&self) -> bool {
        let has_name = |number: u64| self.seen.iter().any(|(_, named)| *named == number);
        self.files.iter().any(|(number, file)| file.whole.is_some() && has_name(*number))
    }

    /// Files that are not whole on the medium, and how much of each is.
    pub(crate) fn torn(&self, loss: Loss) -> Vec<(String, usize)> {
        let torn = |(number, file): &&(u64, File)| {
            let is_torn = loss == Loss::Anyhow && !file.writes.is_empty();
            (is_torn || file.whole.is_some()) && self.seen.iter().any(|(_, named)| named == number)
        };
        let name = |number: u64| self.seen.iter().find(|(_, named)| *named == number);
        let found = self.files.iter().filter(torn);
        found
            .filter_map(|(number, file)| {
                Some((name(*number)?.0.clone(), file.whole.unwrap_or(file.safe.len())))
            })
            .collect()
    }
}
