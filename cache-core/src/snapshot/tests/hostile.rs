//! Bytes that lie: whatever they say, an error or a value, and nothing else.

use super::*;
use crate::types::{Data, Hash, List, Member, Set, SortedSet, Stream, Structure};

const SEED: HashSeed = HashSeed::new(1, 2);

/// The payloads of `dump.script`: all forms and ages, and some that lie already.
fn payloads() -> Vec<Vec<u8>> {
    let config = Config::default();
    let script = include_str!("../../../tests/scripts/dump.script");
    let words = script.lines().filter_map(|line| line.strip_prefix("> RESTORE "));
    let payloads = words.filter_map(|line| {
        let words = crate::protocol::words::split(line.as_bytes()).ok()?;
        words.get(2).filter(|payload| payload.len() > 10).cloned()
    });
    payloads
        .filter(|payload| !matches!(read(payload, &config), Err(PayloadError::Footer)))
        .collect()
}

/// A value with the footer that belongs to it.
fn sealed(value: &[u8], version: [u8; 2]) -> Vec<u8> {
    let mut payload = [value, &version].concat();
    let mut sum = checksum::Checksum::default();
    sum.update(&payload);
    payload.extend_from_slice(&sum.value().to_le_bytes());
    payload
}

fn read(payload: &[u8], config: &Config) -> Result<Data, PayloadError> {
    read_payload(payload, config, SEED)
}

/// What was read is a value like any other: it can be written and read again.
fn check(data: &Data, config: &Config) {
    let digest = |data: &Data| {
        let mut out = Vec::new();
        data.value().digest_into(&mut out);
        out
    };
    let again = read(&write_payload(&data.value(), config), config);
    assert_eq!(again.map(|again| digest(&again)), Ok(digest(data)));
}

#[test]
fn a_payload_with_any_bit_changed_is_a_value_or_none() {
    let (config, payloads) = (Config::default(), payloads());
    assert!(payloads.len() > 80, "{}", payloads.len());
    let (mut values, mut others) = (0, 0);
    for payload in payloads {
        let (value, footer) = payload.split_at(payload.len() - 10);
        for bit in 0..value.len() * 8 {
            let mut changed = value.to_vec();
            changed[bit / 8] ^= 1 << (bit % 8);
            match read(&sealed(&changed, [footer[0], footer[1]]), &config) {
                Ok(data) => {
                    values += 1;
                    check(&data, &config);
                }
                Err(error) => {
                    others += 1;
                    assert_eq!(error, PayloadError::Value);
                }
            }
        }
    }
    assert!(values > 1000 && others > 1000, "{values} {others}");
}

#[test]
fn a_payload_that_is_cut_short_is_none() {
    let config = Config::default();
    for payload in payloads() {
        let (value, footer) = payload.split_at(payload.len() - 10);
        let whole = read(&sealed(value, [footer[0], footer[1]]), &config).is_ok();
        for len in 0..value.len() {
            let cut = read(&sealed(&value[..len], [footer[0], footer[1]]), &config);
            assert!(cut.is_err() || !whole, "{len} of {value:?}");
        }
    }
}

/// A file of a few values of every type.
fn file() -> Vec<u8> {
    let mut keyspace = keyspace(1);
    let forms = forms::Forms::of(&Config::default());
    for db in 0..2 {
        put(&mut keyspace, db, b"text", b"hello", Some(2_000_000));
        put(&mut keyspace, db, b"packed", &b"abcdef".repeat(20), None);
    }
    let (mut list, mut set) = (List::new(SEED), Set::new(SEED));
    let (mut sorted, mut hash) = (SortedSet::new(SEED), Hash::new(SEED));
    let mut stream = Stream::new(SEED);
    for i in 0..12u64 {
        let text = format!("{i}");
        list.push(crate::types::End::Last, text.as_bytes());
        set.add(text.as_bytes(), forms.set);
        sorted.change(text.as_bytes(), forms.sorted_set, |_| Some(i as f64 / 4.0));
        hash.set(text.as_bytes(), b"value", forms.hash);
        let id = crate::types::StreamId { ms: i + 1, seq: i % 3 };
        let name: &[u8] = if i % 5 == 0 { b"one" } else { b"name" };
        stream.push(id, [(name, text.as_bytes())].into_iter(), 6, forms.stream);
    }
    hash.set_expiry(b"7", Some(3_000_000));
    stream.add_group(b"group", crate::types::StreamId::MIN, None);
    stream.edit_group(b"group", |group| {
        let (consumer, _) = group.add_consumer(b"ann", 5);
        let id = crate::types::StreamId { ms: 1, seq: 0 };
        group.give(crate::types::Pending { id, at_ms: 5, count: 1, consumer });
    });
    for (key, data) in [
        (&b"list"[..], list.into_data()),
        (b"set", set.into_data()),
        (b"sorted", sorted.into_data()),
        (b"hash", hash.into_data()),
        (b"stream", stream.into_data()),
    ] {
        let probe = keyspace.probe(key);
        match data.as_bytes() {
            Some((kind, bytes)) => {
                keyspace.put(0, &probe, Content::Bytes(kind, bytes), None, 0);
            }
            None => keyspace.put(0, &probe, Content::Object(data), None, 0),
        }
    }
    write(&keyspace)
}

/// What becomes of a file: how many keys are there, and whether it could be read to its end.
fn outcome(bytes: &[u8], config: &Config) -> (Keyspace, Result<Fed, LoadError>) {
    let mut keyspace = keyspace(9);
    let mut target = Target { keyspace: &mut keyspace, config, now: NOW };
    let fed = Loader::new(LoadOptions::default()).feed(bytes, &mut target);
    (keyspace, fed)
}

#[test]
fn a_file_that_is_cut_short_has_no_end() {
    let (bytes, config) = (file(), Config::default());
    for len in 0..bytes.len() {
        let (_, fed) = outcome(&bytes[..len], &config);
        assert_eq!(fed, Ok(Fed::More), "{len}");
    }
    let (keyspace, fed) = outcome(&bytes, &config);
    assert_eq!((fed, keyspace.total_len()), (Ok(Fed::End(bytes.len())), 9));
}

#[test]
fn a_file_with_any_bit_changed_is_found_out_by_its_checksum() {
    let (bytes, config) = (file(), Config::default());
    for bit in (0..bytes.len() * 8).step_by(3) {
        let mut changed = bytes.clone();
        changed[bit / 8] ^= 1 << (bit % 8);
        let (_, fed) = outcome(&changed, &config);
        assert!(!matches!(fed, Ok(Fed::End(_))), "{bit}");
    }
}

#[test]
fn a_file_without_a_checksum_may_have_any_bit_changed() {
    let mut config = Config::default();
    config.set("rdbchecksum", "no").expect("a good setting");
    let (bytes, mut wrong) = (file(), 0);
    for bit in 0..bytes.len() * 8 {
        let mut changed = bytes.clone();
        changed[bit / 8] ^= 1 << (bit % 8);
        let (keyspace, fed) = outcome(&changed, &config);
        assert!(keyspace.total_len() <= 10);
        let _ = keyspace.digest();
        if let Err(error) = fed {
            wrong += 1;
            assert!(error.offset() <= bytes.len() as u64, "{error}");
        }
    }
    assert!(wrong > 1000, "{wrong}");
}
