//! Any bytes as a payload of RESTORE, with the footer that belongs to them: no panic, an error or a
//! key; and what DUMP gives of that key makes the same key.
#![no_main]

use cache_core::{Config, ConnId, Node, Now, Peer};
use crc::{CRC_64_REDIS, Crc};
use libfuzzer_sys::fuzz_target;

const NOW: Now = Now::from_millis(1_767_225_600_000);

fn node(seed: u64) -> (Node, ConnId) {
    let mut node = Node::new(Config::default(), seed, NOW);
    let conn = node.handle_connect(NOW, Peer::default()).expect("room");
    (node, conn)
}

/// Whether RESTORE takes a payload.
fn restores(node: &mut Node, conn: ConnId, payload: &[u8]) -> bool {
    let args: [&[u8]; 4] = [b"RESTORE", b"key", b"0", payload];
    let reply = node.request(NOW, conn, &args, &mut ()).expect("a reply");
    assert!(reply == b"+OK\r\n" || reply == b"-ERR Bad data format\r\n", "{reply:?}");
    reply == b"+OK\r\n"
}

fuzz_target!(|input: &[u8]| {
    let Some((&version, value)) = input.split_first() else { return };
    let mut payload = value.to_vec();
    payload.extend_from_slice(&[if version == 80 { 80 } else { version % 14 }, 0]);
    payload.extend_from_slice(&Crc::<u64>::new(&CRC_64_REDIS).checksum(&payload).to_le_bytes());
    let (mut first, conn) = node(1);
    if !restores(&mut first, conn, &payload) {
        assert!(first.keyspace().is_empty());
        return;
    }
    let reply = first.request(NOW, conn, &["DUMP", "key"], &mut ()).expect("a reply");
    if reply == b"$-1\r\n" {
        // Its fields were due and have been swept.
        assert!(first.keyspace().is_empty());
        return;
    }
    let start = reply.iter().position(|&b| b == b'\n').expect("a bulk string") + 1;
    let (mut second, conn) = node(2);
    assert!(restores(&mut second, conn, &reply[start..reply.len() - 2]));
    assert_eq!(first.digest(), second.digest());
});
