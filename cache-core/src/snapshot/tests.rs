mod hostile;

use super::*;
use crate::config::Config;
use crate::hash::HashSeed;
use crate::keyspace::{Content, Keyspace, Kind};
use crate::random::Random;
use crate::time::Now;
use alloc::format;
use alloc::string::ToString;
use alloc::vec::Vec;

const NOW: Now = Now::from_millis(1_000_000);

fn keyspace(seed: u64) -> Keyspace {
    Keyspace::new(4, HashSeed::new(seed, 2))
}

fn put(keyspace: &mut Keyspace, db: u32, key: &[u8], value: &[u8], expires_ms: Option<u64>) {
    let probe = keyspace.probe(key);
    keyspace.put(db, &probe, Content::Bytes(Kind::String, value), expires_ms, 0);
}

/// Strings of all lengths and kinds, some in other databases, some that expire.
fn strings() -> Keyspace {
    let (mut keyspace, mut random) = (keyspace(1), Random::new(7));
    for i in 0..3000u64 {
        let value = match i % 7 {
            0 => format!("{}", (random.next_u64() as i64) >> random.below(64)).into_bytes(),
            1 => alloc::vec![i as u8; random.below(100) as usize],
            2 => alloc::vec![i as u8; random.below(30_000) as usize],
            _ => format!("value {i}").into_bytes(),
        };
        let expires = (i % 5 == 0).then(|| 900_000 + i * 100);
        put(&mut keyspace, (i % 3) as u32, format!("key:{i}").as_bytes(), &value, expires);
    }
    put(&mut keyspace, 2, b"long", &alloc::vec![b'x'; 200_001], None);
    put(&mut keyspace, 2, b"", b"", None);
    keyspace
}

fn write(keyspace: &Keyspace) -> Vec<u8> {
    let mut snapshot = Snapshot::new(keyspace.clone(), &Config::default(), NOW);
    snapshot.note("origin", "abc");
    let mut bytes = Vec::new();
    while let Some(block) = snapshot.next_block() {
        assert!(block.len() < 100_000, "{}", block.len());
        bytes.extend_from_slice(&block);
    }
    assert_eq!(snapshot.saved().keys, keyspace.total_len());
    assert_eq!(snapshot.saved().bytes, bytes.len() as u64);
    bytes
}

fn load(pieces: &[&[u8]], options: LoadOptions) -> Result<(Keyspace, Loaded), LoadError> {
    let mut keyspace = keyspace(9);
    let mut loader = Loader::new(options);
    let config = Config::default();
    let mut target = Target { keyspace: &mut keyspace, config: &config, now: NOW };
    for (i, piece) in pieces.iter().enumerate() {
        match loader.feed(piece, &mut target)? {
            Fed::More => {}
            Fed::End(end) => {
                assert_eq!((end, i), (piece.len(), pieces.len() - 1));
                let loaded = loader.loaded().clone();
                return Ok((keyspace, loaded));
            }
        }
    }
    panic!("it has no end");
}

/// It may be written on another thread.
const _: () = {
    const fn may_go<T: Send>() {}
    may_go::<Snapshot>();
    may_go::<Loader>();
};

#[test]
fn what_is_saved_is_loaded() {
    let keyspace = strings();
    let bytes = write(&keyspace);
    let (copy, loaded) = load(&[&bytes], LoadOptions::default()).expect("it can be read");
    assert_eq!(copy.digest(), keyspace.digest());
    assert_eq!(loaded.keys, keyspace.total_len());
    assert_eq!(loaded.bytes, bytes.len() as u64);
    assert_eq!(loaded.aux("origin"), Some(&b"abc"[..]));
    assert_eq!(loaded.aux("ctime"), Some(&b"1000"[..]));
}

#[test]
fn it_may_be_cut_anywhere() {
    let keyspace = strings();
    let (bytes, mut random) = (write(&keyspace), Random::new(3));
    for most in [1, 100, 100_000] {
        let (mut rest, mut pieces) = (&bytes[..], Vec::new());
        while !rest.is_empty() {
            let (piece, more) = rest.split_at((1 + random.below(most) as usize).min(rest.len()));
            pieces.push(piece);
            rest = more;
        }
        let (copy, _) = load(&pieces, LoadOptions::default()).expect("it can be read");
        assert_eq!(copy.digest(), keyspace.digest(), "{most}");
    }
}

#[test]
fn keys_whose_time_is_over_can_be_left_out() {
    let bytes = write(&strings());
    let options = LoadOptions { skip_expired: true, ..LoadOptions::default() };
    let (copy, loaded) = load(&[&bytes], options).expect("it can be read");
    assert_eq!(loaded.expired, 200);
    assert_eq!(copy.total_len() + 200, strings().total_len());
}

#[test]
fn what_is_wrong_is_said() {
    let bytes = write(&strings());
    let mut changed = bytes.clone();
    changed[5000] ^= 1;
    let wrong: [(&[u8], &str); 6] = [
        (b"REDIX0011", "it doesn't begin as an RDB does at byte 9"),
        (b"REDIS0099", "RDB version 99 of Redis is not one that can be read at byte 9"),
        (b"VALKEY079", "RDB version 79 of Valkey is not one that can be read at byte 9"),
        (b"REDIS0011\xfe\x05", "there is a database 5, and none of that number here at byte 9"),
        (
            b"REDIS0011\x00\x01k\x01v\x00\x01k\x01v",
            "there is the same key twice at byte 19, in key \"k\"",
        ),
        (&changed, "the checksum doesn't match"),
    ];
    for (bytes, error) in wrong {
        let found =
            load(&[bytes], LoadOptions::default()).expect_err("it can't be read").to_string();
        assert!(found.starts_with(error), "{found}");
    }
}
