//! Data outlive the process: snapshots, the append log, and what a crash leaves of them.

use crate::harness::{Server, Wire, larder, until};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

/// A directory for one test's files; gone when dropped.
pub(crate) struct Dir(PathBuf);

impl Dir {
    pub(crate) fn new() -> Self {
        static LAST: AtomicU32 = AtomicU32::new(0);
        let number = LAST.fetch_add(1, Ordering::Relaxed);
        let name = format!("larder-survival-{}-{number}", std::process::id());
        let path = std::env::temp_dir().join(name);
        std::fs::create_dir_all(&path).unwrap();
        Dir(path)
    }

    fn path(&self) -> &str {
        self.0.to_str().unwrap()
    }

    fn file(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    pub(crate) fn server(&self, options: &[&str]) -> Server {
        let server =
            Server::start(&[&["--dir", self.path(), "--save", "3600", "1"], options].concat());
        let mut wire = server.connect();
        until("it has loaded", || {
            wire.send("PING\r\n");
            wire.line() == "+PONG"
        });
        server
    }
}

impl Drop for Dir {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn ok(wire: &mut Wire, command: &str) {
    wire.ask(format!("{command}\r\n"), "+OK\r\n");
}

/// Waits until a line of INFO says something.
fn info(wire: &mut Wire, line: &str) {
    until(line, || {
        wire.send("INFO persistence\r\n");
        let len: usize = wire.line()[1..].parse().unwrap();
        let mut text = vec![0; len + 2];
        std::io::Read::read_exact(&mut wire.stream, &mut text).unwrap();
        String::from_utf8_lossy(&text).contains(&format!("{line}\r\n"))
    });
}

/// The only file in a directory whose name has this part.
fn find(dir: &Path, part: &str) -> PathBuf {
    let entries = std::fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path());
    let found: Vec<PathBuf> =
        entries.filter(|path| path.to_str().unwrap().contains(part)).collect();
    assert_eq!(found.len(), 1, "{part}: {found:?}");
    found.into_iter().next().unwrap()
}

#[test]
fn what_is_there_at_the_end_is_there_at_the_start() {
    let dir = Dir::new();
    let mut server = dir.server(&[]);
    let mut wire = server.connect();
    ok(&mut wire, "SET a 1");
    ok(&mut wire, "SET b 2 PX 1000000");
    server.signal("TERM");
    assert!(server.wait().success());
    assert!(server.log().contains("DB saved on disk"), "{}", server.log());

    let mut server = dir.server(&[]);
    let mut wire = server.connect();
    wire.ask("GET a\r\n", "$1\r\n1\r\n");
    info(&mut wire, "loaded_from:dump.rdb");
    ok(&mut wire, "SET a 3");
    wire.send("SHUTDOWN NOSAVE\r\n");
    assert_eq!(wire.rest(), "");
    assert!(server.wait().success());

    let server = dir.server(&[]);
    let mut wire = server.connect();
    wire.ask("GET a\r\n", "$1\r\n1\r\n");
    ok(&mut wire, "SET a 4");
    ok(&mut wire, "SAVE");
    drop(server);
    let server = dir.server(&[]);
    server.connect().ask("GET a\r\n", "$1\r\n4\r\n");
}

#[test]
fn the_log_outlives_a_kill() {
    let dir = Dir::new();
    let logs = ["--appendonly", "yes", "--appendfsync", "always"];
    let server = dir.server(&logs);
    let mut wire = server.connect();
    ok(&mut wire, "SET a 1");
    wire.ask("INCR a\r\nINCR a\r\n", ":2\r\n:3\r\n");
    drop(server);

    let server = dir.server(&logs);
    let mut wire = server.connect();
    wire.ask("INCR a\r\n", ":4\r\n");
    wire.ask("BGREWRITEAOF\r\n", "+Background append only file rewriting started\r\n");
    wire.ask("INCR a\r\n", ":5\r\n");
    info(&mut wire, "aof_rewrites:1");
    wire.ask("SELECT 3\r\nINCR b\r\n", "+OK\r\n:1\r\n");
    drop(server);

    // As Redis names them, and no others.
    let files = dir.file("appendonlydir");
    let manifest = std::fs::read_to_string(files.join("appendonly.aof.manifest")).unwrap();
    assert!(manifest.starts_with("file appendonly.aof.2.base.rdb seq 2 type b\n"), "{manifest}");
    until("the old files are gone", || std::fs::read_dir(&files).unwrap().count() == 3);

    let server = dir.server(&logs);
    let mut wire = server.connect();
    wire.ask("GET a\r\nSELECT 3\r\nGET b\r\n", "$1\r\n5\r\n+OK\r\n$1\r\n1\r\n");
}

#[test]
fn a_log_turned_on_begins_with_what_is_there() {
    let dir = Dir::new();
    let server = dir.server(&["--aof-use-rdb-preamble", "no"]);
    let mut wire = server.connect();
    ok(&mut wire, "SET a 1");
    ok(&mut wire, "CONFIG SET appendonly yes appendfsync always");
    info(&mut wire, "aof_pending_rewrite:0");
    wire.ask("INCR a\r\n", ":2\r\n");
    drop(server);
    let base = std::fs::read(find(&dir.file("appendonlydir"), "1.base.aof")).unwrap();
    assert!(base.starts_with(b"*2\r\n$6\r\nSELECT\r\n$1\r\n0\r\n"));
    let server = dir.server(&["--appendonly", "yes"]);
    server.connect().ask("GET a\r\n", "$1\r\n2\r\n");
}

#[test]
fn a_torn_end_is_cut_off_and_anything_else_refused() {
    let dir = Dir::new();
    let logs = ["--appendonly", "yes", "--appendfsync", "always"];
    let server = dir.server(&logs);
    ok(&mut server.connect(), "SET a 1");
    drop(server);
    let path = find(&dir.file("appendonlydir"), ".incr.aof");
    let whole = std::fs::read(&path).unwrap();
    let start = [&["serve", "--port", "0", "--dir", dir.path()][..], &logs].concat();
    let complain = |bytes: &[u8], options: &[&str]| {
        std::fs::write(&path, [&whole, bytes].concat()).unwrap();
        let port = crate::harness::free_port().to_string();
        let line = [&start[..], &["--http-port", &port], options].concat();
        let output = larder(&line).output().unwrap();
        assert_eq!(output.status.code(), Some(1));
        String::from_utf8(output.stderr).unwrap()
    };
    let at = whole.len();
    let said = complain(b"*1\r\n$4\r\nNOPE\r\n", &[]);
    assert!(
        said.contains(&format!("incr.aof: the command that ends at byte {}", at + 14)),
        "{said}"
    );
    let said = complain(b"?", &[]);
    assert!(said.contains(&format!("Bad file format at byte {at}")), "{said}");
    let torn = b"*1\r\n$5\r\nMULTI\r\n*3\r\n$3\r\nSET\r\n$1\r\na\r\n$1\r\n2\r\n*1\r\n$4";
    let said = complain(torn, &["--aof-load-truncated", "no"]);
    assert!(said.contains(&format!("begins at byte {at}")), "{said}");

    let server = dir.server(&logs);
    let mut wire = server.connect();
    wire.ask("GET a\r\n", "$1\r\n1\r\n");
    assert!(server.log().contains(&format!("at offset {at}")), "{}", server.log());
    assert_eq!(std::fs::read(&path).unwrap(), whole);
}

#[test]
fn a_damaged_snapshot_is_refused() {
    let dir = Dir::new();
    let server = dir.server(&[]);
    let mut wire = server.connect();
    ok(&mut wire, "SET a 1");
    ok(&mut wire, "SAVE");
    drop(server);
    let path = dir.file("dump.rdb");
    let whole = std::fs::read(&path).unwrap();
    for damaged in [&whole[..whole.len() - 1], &whole[..5], b"", b"no snapshot at all"] {
        std::fs::write(&path, damaged).unwrap();
        let port = crate::harness::free_port().to_string();
        let line = ["serve", "--port", "0", "--http-port", &port, "--dir", dir.path()];
        let output = larder(&line).output().unwrap();
        assert_eq!(output.status.code(), Some(1));
        let said = String::from_utf8(output.stderr).unwrap();
        assert!(said.contains("Loading data failed: dump.rdb: "), "{said}");
        assert_eq!(std::fs::read(&path).unwrap(), damaged, "it is kept as it is");
    }
}

#[test]
fn data_can_be_read_again_while_serving() {
    let dir = Dir::new();
    let server = dir.server(&["--enable-debug-command", "yes", "--appendonly", "yes"]);
    let mut wire = server.connect();
    ok(&mut wire, "SET a 1");
    ok(&mut wire, "DEBUG RELOAD");
    wire.ask("INCR a\r\n", ":2\r\n");
    ok(&mut wire, "DEBUG LOADAOF");
    wire.ask("INCR a\r\n", ":3\r\n");
    ok(&mut wire, "DEBUG LOADAOF");
    wire.ask("GET a\r\n", "$1\r\n3\r\n");
    ok(&mut wire, "DEBUG RELOAD NOSAVE");
    wire.ask("GET a\r\n", "$1\r\n1\r\n");
}

#[test]
fn a_log_of_one_file_becomes_one_with_a_manifest() {
    let dir = Dir::new();
    std::fs::write(dir.file("appendonly.aof"), "*3\r\n$3\r\nSET\r\n$1\r\na\r\n$1\r\n7\r\n")
        .unwrap();
    for round in 0..2 {
        let server = dir.server(&["--appendonly", "yes", "--appendfsync", "always"]);
        server.connect().ask("INCR a\r\n", format!(":{}\r\n", 8 + round));
    }
    assert!(!dir.file("appendonly.aof").exists());
}

#[test]
fn where_no_snapshot_can_be_written_writes_are_refused() {
    let dir = Dir::new();
    let server = dir.server(&[]);
    let mut wire = server.connect();
    ok(&mut wire, "SET a 1");
    // What stands in the way is no file.
    std::fs::create_dir_all(dir.file("dump.rdb/not-empty")).unwrap();
    wire.ask("SAVE\r\n", "-ERR\r\n");
    wire.send("SET a 2\r\n");
    assert!(wire.line().starts_with("-MISCONF Larder is configured to save RDB snapshots"));
    wire.ask("GET a\r\n", "$1\r\n1\r\n");
    ok(&mut wire, "CONFIG SET stop-writes-on-bgsave-error no");
    ok(&mut wire, "SET a 2");
    wire.ask("SHUTDOWN\r\n", "-ERR Errors trying to SHUTDOWN. Check logs.\r\n");
    std::fs::remove_dir_all(dir.file("dump.rdb")).unwrap();
    ok(&mut wire, "SAVE");
    ok(&mut wire, "CONFIG SET stop-writes-on-bgsave-error yes");
    ok(&mut wire, "SET a 3");
}
