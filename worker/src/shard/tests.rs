//! The shard over a log in memory that can be made to fail.

use super::*;
use cache_core::protocol::{Value, request};
use std::cell::RefCell;
use std::rc::Rc;

type Stored = Rc<RefCell<Vec<(u64, u32, Vec<u8>)>>>;

/// A log that outlives its shard, as storage does.
#[derive(Clone, Debug, Default)]
struct Memory {
    rows: Stored,
    full: Rc<RefCell<bool>>,
}

impl Log for Memory {
    fn read(&self, visit: &mut dyn FnMut(Row<'_>) -> Result<(), Damage>) -> Result<(), Damage> {
        for (start, check, bytes) in self.rows.borrow().iter() {
            visit(Row { start: *start, check: *check, bytes })?;
        }
        Ok(())
    }

    fn append(&mut self, rows: &[Row<'_>]) -> Result<(), String> {
        if *self.full.borrow() {
            return Err("full".into());
        }
        assert!(rows.iter().all(|row| row.bytes.len() <= ROW_LIMIT));
        let rows = rows.iter().map(|row| (row.start, row.check, row.bytes.to_vec()));
        self.rows.borrow_mut().extend(rows);
        Ok(())
    }

    fn replace(&mut self, fill: Fill<'_>) -> Result<(), String> {
        let mut fresh = Memory { full: self.full.clone(), ..Memory::default() };
        fill(&mut |row| fresh.append(&[row]))?;
        *self.rows.borrow_mut() = fresh.rows.take();
        Ok(())
    }
}

const SOON: u64 = 1_700_000_000_000;

fn open(log: &Memory, wall_ms: u64) -> Shard<Memory> {
    let config = config("48mb", "allkeys-lru").unwrap();
    Shard::restore(config, 7, wall_ms, log.clone()).unwrap()
}

fn send(shard: &mut Shard<Memory>, wall_ms: u64, lines: &[&str]) -> Vec<Value> {
    let mut requests = Vec::new();
    for line in lines {
        request::encode_into(&mut requests, line.split(' ').collect::<Vec<_>>());
    }
    values(&shard.serve(wall_ms, &requests).unwrap())
}

fn values(mut bytes: &[u8]) -> Vec<Value> {
    let mut values = Vec::new();
    while !bytes.is_empty() {
        let (value, used) = Value::parse(bytes).unwrap().unwrap();
        values.push(value);
        bytes = &bytes[used..];
    }
    values
}

fn bulk(text: &str) -> Value {
    Value::Bulk(text.as_bytes().to_vec())
}

#[test]
fn what_was_answered_is_stored() {
    let log = Memory::default();
    let mut shard = open(&log, SOON);
    let ok = Value::Simple("OK".into());
    assert_eq!(
        send(&mut shard, SOON, &["SET a 1", "SET b 2 PX 5000", "GET a"]),
        [ok.clone(), ok, bulk("1")]
    );
    let digest = shard.node().digest();
    drop(shard);
    let mut again = open(&log, SOON + 1000);
    assert_eq!(again.node().digest(), digest);
    assert_eq!(send(&mut again, SOON + 1000, &["GET b"]), [bulk("2")]);
    assert_eq!(send(&mut again, SOON + 5001, &["GET b", "GET a"]), [Value::Null, bulk("1")]);
    // That it expired is stored as well.
    let third = open(&log, SOON + 5001);
    assert_eq!(third.node().keyspace().len(0), 1);
}

#[test]
fn nothing_expires_while_the_past_is_replayed() {
    let log = Memory::default();
    let mut shard = open(&log, SOON);
    send(&mut shard, SOON, &["SET a 1 PX 1000"]);
    send(&mut shard, SOON, &["PERSIST a"]);
    let mut later = open(&log, SOON + 100_000);
    assert_eq!(send(&mut later, SOON + 100_000, &["GET a"]), [bulk("1")]);
}

#[test]
fn a_failed_write_is_not_answered_and_not_remembered() {
    let log = Memory::default();
    let mut shard = open(&log, SOON);
    send(&mut shard, SOON, &["SET a 1"]);
    *log.full.borrow_mut() = true;
    let failure = shard.serve(SOON, &request::encode(["SET", "a", "2"])).unwrap_err();
    assert_eq!(failure, Failure::Store("full".into()));
    *log.full.borrow_mut() = false;
    let mut again = open(&log, SOON);
    assert_eq!(send(&mut again, SOON, &["GET a"]), [bulk("1")]);
}

#[test]
fn long_values_are_cut_into_rows() {
    let log = Memory::default();
    let mut shard = open(&log, SOON);
    let long = "x".repeat(3 * ROW_LIMIT);
    send(&mut shard, SOON, &[&format!("SET a {long}")]);
    assert_eq!(log.rows.borrow().len(), 4);
    let mut again = open(&log, SOON);
    assert_eq!(send(&mut again, SOON, &["GET a"]), [bulk(&long)]);
}

#[test]
fn a_log_that_has_grown_is_rewritten() {
    let log = Memory::default();
    let mut shard = open(&log, SOON);
    send(&mut shard, SOON, &["HSET h f 1 g 2", "PEXPIREAT h 1800000000000", "SET s 1"]);
    let value = "x".repeat(1 << 20);
    for i in 0..20 {
        send(&mut shard, SOON, &[&format!("SET k {value}{i}")]);
    }
    assert!(shard.end < 10 << 20, "{}", shard.end);
    assert!(shard.notes().iter().any(|(_, line)| line.starts_with("Rewrote the log")));
    send(&mut shard, SOON, &["SET after 1"]);
    let again = open(&log, SOON);
    assert_eq!(again.node().digest(), shard.node().digest());
    assert_eq!((again.end, again.rows), (shard.end, shard.rows));
}

#[test]
fn a_log_of_very_many_rows_is_rewritten() {
    let log = Memory::default();
    let mut shard = open(&log, SOON);
    for _ in 0..=LOG_ROWS {
        send(&mut shard, SOON, &["SET a 1"]);
    }
    assert!(shard.rows < 10);
    let mut again = open(&log, SOON);
    assert_eq!(send(&mut again, SOON, &["GET a"]), [bulk("1")]);
}

#[test]
fn damage_is_found_and_named() {
    let fresh = || {
        let log = Memory::default();
        let mut shard = open(&log, SOON);
        for line in ["SET a 1", "SET b 2", "SET c 3"] {
            send(&mut shard, SOON, &[line]);
        }
        log
    };
    let damage = |log: &Memory| {
        let config = config("0", "noeviction").unwrap();
        Shard::restore(config, 7, SOON, log.clone()).unwrap_err().what
    };
    let log = fresh();
    log.rows.borrow_mut()[1].2[3] ^= 1;
    assert_eq!(damage(&log), "its checksum does not match");
    let log = fresh();
    log.rows.borrow_mut().remove(1);
    assert!(damage(&log).starts_with("the one before it ends at"));
    for (bytes, what) in [
        (&b"*1\r\n%no\r\n"[..], "it holds no commands"),
        (b"*2\r\n$3\r\nGET\r\n", "the last command is cut off"),
    ] {
        let log = Memory::default();
        log.rows.borrow_mut().push((0, check(0, bytes), bytes.to_vec()));
        assert_eq!(damage(&log), what);
    }
}

#[test]
fn replies_are_bounded() {
    let log = Memory::default();
    let mut shard = open(&log, SOON);
    let value = "x".repeat(1 << 20);
    send(&mut shard, SOON, &[&format!("SET a {value}")]);
    let mut requests = Vec::new();
    for _ in 0..40 {
        request::encode_into(&mut requests, ["GET", "a"]);
    }
    assert_eq!(shard.serve(SOON, &requests), Err(Failure::RepliesTooLarge));
    // A single command may be as large as it is, and the next request is served as ever.
    assert_eq!(send(&mut shard, SOON, &["STRLEN a"]), [Value::Integer(1 << 20)]);
}

#[test]
fn expired_keys_wake_the_object_without_haste() {
    let log = Memory::default();
    let mut shard = open(&log, SOON);
    let minute = 60_000;
    assert_eq!(shard.next_wake(SOON, minute), None);
    send(&mut shard, SOON, &["SET a 1 PX 5000"]);
    // The expiry cycle behind the last millisecond of the key.
    assert_eq!(shard.next_wake(SOON, 0), Some(SOON + 5100));
    assert_eq!(shard.next_wake(SOON, minute), Some(SOON + minute));
    shard.wake(SOON + minute).unwrap();
    assert_eq!(shard.node().keyspace().len(0), 0);
    assert_eq!(shard.next_wake(SOON + minute, minute), None);
}

#[test]
fn settings_are_checked() {
    assert!(config("48mb", "allkeys-lru").is_ok());
    assert!(config("much", "allkeys-lru").unwrap_err().to_string().contains("maxmemory"));
    assert!(config("1mb", "oldest").unwrap_err().to_string().contains("maxmemory-policy"));
}
