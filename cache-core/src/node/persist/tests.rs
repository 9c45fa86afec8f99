//! A node over a disk that is slow, full, broken or loses what was not synced.

use super::file::{FileError, FileErrorKind, FileEvent, FileJob, FileOp, Lane};
use crate::node::{Action, Budget, ConnId, Peer, Run};
use crate::random::Random;
use crate::{Config, Node, Now};
use alloc::collections::VecDeque;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

/// A file, and how much of it would outlive a power cut.
#[derive(Clone, Debug, Default)]
struct File {
    bytes: Vec<u8>,
    safe: usize,
}

/// Files by name. What a directory says of them is safe at once when it is synced, as every job that
/// changes it does.
#[derive(Clone, Debug, Default)]
struct Disk {
    files: Vec<(String, File)>,
    jobs: [VecDeque<FileJob>; 2],
    /// Jobs whose path has this part fail, after so many bytes of what they write.
    broken: Option<(String, usize)>,
    stopped: Vec<u64>,
}

impl Disk {
    fn find(&mut self, path: &str) -> Option<&mut File> {
        self.files.iter_mut().find(|(name, _)| name == path).map(|(_, file)| file)
    }

    fn make(&mut self, path: &str) -> &mut File {
        self.files.retain(|(name, _)| name != path);
        self.files.push((path.to_string(), File::default()));
        &mut self.files.last_mut().expect("it was pushed").1
    }

    fn fails(&self, path: &str) -> Option<usize> {
        let (part, room) = self.broken.as_ref()?;
        path.contains(part.as_str()).then_some(*room)
    }

    fn work(&mut self, job: FileJob) -> FileEvent {
        let full = || Err((FileErrorKind::Other, "No space left on device"));
        let missing = (FileErrorKind::NotFound, "No such file or directory");
        let done = match job.op {
            FileOp::MakeDir { .. } => Ok(0),
            FileOp::Read { path, from, most } => {
                return match self.find(&path) {
                    Some(file) => {
                        let from = (from as usize).min(file.bytes.len());
                        let end = (from + most as usize).min(file.bytes.len());
                        let bytes = file.bytes[from..end].to_vec();
                        FileEvent::Read { bytes, of: file.bytes.len() as u64 }
                    }
                    None => failed(missing),
                };
            }
            FileOp::Write { path, mut content } => {
                let mut bytes = Vec::new();
                while let Some(block) = content.next_block() {
                    bytes.extend_from_slice(&block);
                }
                let room = self.fails(&path);
                let stopped = self.stopped.contains(&job.id);
                let file = self.make(&path);
                file.bytes = bytes[..room.unwrap_or(bytes.len()).min(bytes.len())].to_vec();
                match room {
                    Some(_) => full(),
                    None if stopped => Err((FileErrorKind::Stopped, "stopped")),
                    None => {
                        file.safe = file.bytes.len();
                        Ok(bytes.len())
                    }
                }
            }
            FileOp::Append { path, bytes, sync } => {
                let room = self.fails(&path);
                match self.find(&path) {
                    None => Err(missing),
                    Some(file) => {
                        let len = room.unwrap_or(bytes.len()).min(bytes.len());
                        file.bytes.extend_from_slice(&bytes[..len]);
                        if sync && room.is_none() {
                            file.safe = file.bytes.len();
                        }
                        if room.is_some() { full() } else { Ok(len) }
                    }
                }
            }
            FileOp::Sync { path } if self.fails(&path).is_some() => full(),
            FileOp::Sync { path } => self.find(&path).map_or(Err(missing), |file| {
                file.safe = file.bytes.len();
                Ok(0)
            }),
            FileOp::Truncate { path, len } => self.find(&path).map_or(Err(missing), |file| {
                file.bytes.truncate(len as usize);
                file.safe = file.bytes.len();
                Ok(0)
            }),
            FileOp::Rename { from, to } => match self.find(&from).cloned() {
                Some(file) => {
                    *self.make(&to) = file;
                    self.files.retain(|(name, _)| *name != from);
                    Ok(0)
                }
                None => Err(missing),
            },
            FileOp::Remove { path } => {
                self.files.retain(|(name, _)| *name != path);
                Ok(0)
            }
        };
        match done {
            Ok(written) => FileEvent::Done { written: written as u64 },
            Err(error) => failed(error),
        }
    }

    /// What is there after the power was cut: of bytes that were not synced, so many.
    fn cut_power(&self, random: &mut Random) -> Disk {
        let mut disk = Disk { files: self.files.clone(), ..Disk::default() };
        for (_, file) in &mut disk.files {
            let loose = file.bytes.len() - file.safe;
            let kept = random.below(loose as u64 + 1) as usize;
            file.bytes.truncate(file.safe + kept);
            file.safe = file.bytes.len();
        }
        disk
    }
}

fn failed((kind, reason): (FileErrorKind, &str)) -> FileEvent {
    FileEvent::Failed(FileError { kind, reason: reason.to_string() })
}

struct World {
    node: Node,
    disk: Disk,
    conn: ConnId,
    now: Now,
    halted: Option<String>,
    log: Vec<String>,
}

impl World {
    fn start(disk: Disk, settings: &[(&str, &str)], now: Now) -> World {
        let mut config = Config::default();
        for (name, value) in settings {
            config.set(name, value).expect("a setting");
        }
        let mut node = Node::new(config, 1, now);
        node.keep_files(now);
        let conn = node.handle_connect(now, Peer::default()).expect("room");
        World { node, disk, conn, now, halted: None, log: Vec::new() }
    }

    /// Runs the node, without doing any job.
    fn run(&mut self) {
        while self.node.run(self.now, Budget::default(), &mut ()) == Run::More {}
        while let Some(job) = self.node.poll_file() {
            self.disk.jobs[usize::from(job.lane == Lane::Snapshot)].push_back(job);
        }
        while let Some(action) = self.node.poll_action() {
            match action {
                Action::Halt { reason } => self.halted = Some(reason),
                Action::StopFile(id) => self.disk.stopped.push(id),
                Action::Log { message, .. } => self.log.push(message),
                _ => {}
            }
        }
    }

    /// Does one job of a lane. `false`: there is none.
    fn work(&mut self, lane: usize) -> bool {
        let Some(job) = self.disk.jobs[lane].pop_front() else { return false };
        let id = job.id;
        let event = self.disk.work(job);
        self.node.handle_file(self.now, id, event);
        self.run();
        true
    }

    /// Does jobs until there are none.
    fn settle(&mut self) {
        self.run();
        while self.work(0) || self.work(1) {}
    }

    fn pass(&mut self, ms: u64) {
        self.now.mono_us += ms * 1000;
        self.now.wall_us += ms * 1000;
        self.run();
    }

    fn send(&mut self, command: &str) {
        let _ = self.node.handle_bytes(self.conn, format!("{command}\r\n").as_bytes());
        self.run();
    }

    /// What may leave now.
    fn replies(&mut self) -> String {
        let bytes = self.node.sendable(self.conn).bytes.to_vec();
        self.node.handle_sent(self.now, self.conn, bytes.len());
        String::from_utf8(bytes).expect("text")
    }

    fn ask(&mut self, command: &str) -> String {
        self.send(command);
        self.replies()
    }
}

const T0: Now = Now::from_millis(1_000_000);
const ALWAYS: [(&str, &str); 2] = [("appendonly", "yes"), ("appendfsync", "always")];

#[test]
fn a_reply_leaves_when_the_log_is_safe() {
    let mut world = World::start(Disk::default(), &ALWAYS, T0);
    assert!(world.ask("GET a").starts_with("-LOADING"));
    world.settle();
    assert_eq!(world.ask("SET a 1"), "");
    assert_eq!(world.ask("SET a 2"), "", "it waits for the first");
    assert!(world.work(0));
    assert_eq!(world.replies(), "+OK\r\n", "what was recorded meanwhile goes with the next");
    assert!(world.work(0));
    assert_eq!(world.replies(), "+OK\r\n");
    assert!(!world.work(0));
    assert_eq!(world.ask("GET a"), "$1\r\n2\r\n");
}

#[test]
fn waitaof_waits_for_the_disk() {
    let mut world = World::start(Disk::default(), &[("appendonly", "yes")], T0);
    world.settle();
    assert_eq!(world.ask("SET a 1"), "+OK\r\n");
    assert_eq!(world.ask("WAITAOF 0 0 0"), "*2\r\n:0\r\n:0\r\n");
    assert_eq!(world.ask("WAITAOF 1 0 0"), "");
    world.settle();
    assert_eq!(world.replies(), "*2\r\n:1\r\n:0\r\n");
    assert_eq!(world.ask("WAITAOF 1 0 0"), "*2\r\n:1\r\n:0\r\n");
    assert_eq!(world.ask("SET a 2"), "+OK\r\n");
    assert_eq!(world.ask("WAITAOF 1 0 50"), "");
    world.settle();
    assert_eq!(world.replies(), "", "it is written, and synced within a second");
    world.pass(60);
    assert_eq!(world.replies(), "*2\r\n:0\r\n:0\r\n");
    assert_eq!(world.ask("WAITAOF 1 0 0"), "");
    world.pass(1100);
    world.settle();
    assert_eq!(world.replies(), "*2\r\n:1\r\n:0\r\n");
}

#[test]
fn a_full_disk_refuses_writes_and_loses_none() {
    let mut world = World::start(Disk::default(), &ALWAYS, T0);
    world.settle();
    world.disk.broken = Some((".incr.aof".to_string(), 7));
    assert_eq!(world.ask("SET a 1"), "");
    world.settle();
    assert_eq!(world.replies(), "", "it is not safe");
    let other = world.node.handle_connect(T0, Peer::default()).expect("room");
    let refused =
        world.node.request(world.now, other, &["SET", "b", "2"], &mut ()).expect("a reply");
    assert_eq!(refused, b"-MISCONF Errors writing to the AOF file: No space left on device\r\n");
    for _ in 0..3 {
        world.pass(1000);
        world.settle();
    }
    world.disk.broken = None;
    world.pass(1000);
    world.settle();
    assert_eq!(world.replies(), "+OK\r\n");
    assert!(world.log.iter().any(|line| line.contains("looks solved")), "{:?}", world.log);
    world.ask("INCR a");
    world.settle();
    assert_eq!(world.replies(), ":2\r\n");

    let mut again = World::start(world.disk.cut_power(&mut Random::new(1)), &ALWAYS, T0);
    again.settle();
    assert_eq!(again.ask("GET a"), "$1\r\n2\r\n");
}

#[test]
fn a_sync_that_failed_is_made_good_by_another_base() {
    let settings = [("appendonly", "yes")];
    let mut world = World::start(Disk::default(), &settings, T0);
    world.settle();
    for _ in 0..2 {
        assert_eq!(world.ask("SET a 1"), "+OK\r\n");
        world.settle();
    }
    world.pass(1100);
    world.disk.broken = Some((".1.incr.aof".to_string(), 0));
    world.settle();
    assert!(world.log.iter().any(|line| line.contains("Fail to fsync")), "{:?}", world.log);
    world.pass(10_000);
    world.settle();
    assert_eq!(world.ask("SET a 2"), "+OK\r\n", "{:?}", world.log);
    world.settle();
    let mut again = World::start(world.disk.clone(), &settings, T0);
    again.settle();
    assert_eq!(again.ask("GET a"), "$1\r\n2\r\n", "{:?} {:?}", world.log, again.log);
}

#[test]
fn a_save_that_fails_leaves_the_last_one() {
    let settings = [("save", "3600 1")];
    let mut world = World::start(Disk::default(), &settings, T0);
    world.settle();
    world.ask("SET a 1");
    assert_eq!(world.ask("SAVE"), "");
    assert_eq!(world.ask("GET a"), "", "what this client sent later waits");
    let other = world.node.handle_connect(T0, Peer::default()).expect("room");
    let reply = world.node.request(world.now, other, &["SET", "a", "2"], &mut ());
    assert_eq!(reply.as_deref(), Some(&b"+OK\r\n"[..]), "others go on");
    world.settle();
    assert_eq!(world.replies(), "+OK\r\n$1\r\n2\r\n");
    let saved = world.disk.find("dump.rdb").expect("a snapshot").bytes.clone();

    world.disk.broken = Some(("temp-dump.rdb".to_string(), 20));
    world.pass(3_600_000);
    world.settle();
    assert!(world.ask("SET a 3").starts_with("-MISCONF Larder is configured to save RDB"));
    assert_eq!(world.disk.find("dump.rdb").expect("a snapshot").bytes, saved);
    assert!(world.disk.find("temp-dump.rdb").is_none());
    world.disk.broken = None;
    world.pass(5_000);
    world.settle();
    assert_eq!(world.ask("SET a 3"), "+OK\r\n");
    let mut again = World::start(world.disk.clone(), &settings, T0);
    again.settle();
    assert_eq!(again.ask("GET a"), "$1\r\n2\r\n");
}

#[test]
fn save_points_are_kept() {
    let mut world = World::start(Disk::default(), &[("save", "60 3")], T0);
    world.settle();
    world.ask("MSET a 1 b 2");
    world.pass(100_000);
    world.settle();
    assert!(world.disk.find("dump.rdb").is_none(), "too little has changed");
    world.ask("SET c 3");
    world.settle();
    assert!(world.disk.find("dump.rdb").is_some());
    world.ask("MSET a 1 b 2 c 4");
    let at_us = world.node.poll_timeout().expect("a save is due").at_us();
    assert_eq!(at_us, world.now.mono_us + 60_000_000);
}

/// Random traffic, rewrites and saves, jobs done late and in any order of the lanes, and the power cut
/// at any moment: what was acknowledged is there, and nothing that was not sent.
#[test]
fn acknowledged_writes_outlive_power_cuts() {
    for seed in 0..200 {
        let mut random = Random::new(seed);
        let mut disk = Disk::default();
        let (mut sent, mut acknowledged) = (0u64, 0u64);
        for life in 0..4 {
            let preamble = if random.below(2) == 0 { "yes" } else { "no" };
            let settings = [ALWAYS[0], ALWAYS[1], ("aof-use-rdb-preamble", preamble)];
            let mut world = World::start(disk, &settings, T0);
            let loads = random.below(8) > 0;
            if loads {
                world.settle();
                assert_eq!(world.halted, None, "seed {seed}, life {life}: {:?}", world.log);
                let got = world.ask("GET n");
                let there: u64 = match got.strip_prefix("$-1") {
                    Some(_) => 0,
                    None => got.split("\r\n").nth(1).and_then(|n| n.parse().ok()).expect(&got),
                };
                assert!(
                    (acknowledged..=sent).contains(&there),
                    "seed {seed}, life {life}: {there} of {acknowledged} to {sent}; {:?}",
                    world.log
                );
                (sent, acknowledged) = (there, there);
            }
            for _ in 0..random.below(150) {
                match random.below(12) {
                    0 => world.send("BGREWRITEAOF"),
                    1 => world.send("BGSAVE"),
                    2 => world.pass(300),
                    3 if random.below(4) == 0 => {
                        world.disk.broken = Some((".aof".to_string(), random.below(30) as usize));
                    }
                    4 => world.disk.broken = None,
                    5..=7 if loads => {
                        world.send("MULTI\r\nINCR n\r\nSET m x\r\nEXEC");
                    }
                    _ => {
                        let _ = world.work(random.below(2) as usize);
                    }
                }
                for line in world.replies().split("\r\n") {
                    if let Some(n) = line.strip_prefix(':').and_then(|n| n.parse().ok()) {
                        acknowledged = n;
                    }
                }
                // What was carried out may be there, acknowledged or not.
                let there = world.node.keyspace().get(0, b"n");
                let there = there.and_then(|entry| core::str::from_utf8(entry.as_string()?).ok());
                sent = there.and_then(|n| n.parse().ok()).map_or(sent, |n: u64| n.max(sent));
            }
            disk = world.disk.cut_power(&mut random);
        }
    }
}
