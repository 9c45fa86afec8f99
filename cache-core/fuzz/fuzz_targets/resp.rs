//! Any bytes from any client: no panic, the same answers however they are cut, replies that can be
//! read back, and bounded memory.
#![no_main]

use cache_core::node::Run;
use cache_core::protocol::Value;
use cache_core::{Budget, Config, ConnId, Node, Now, Peer};
use libfuzzer_sys::fuzz_target;

const NOW: Now = Now::from_millis(1_767_225_600_000);

fn node() -> (Node, ConnId) {
    let mut config = Config::default();
    // A long argument is as good as a very long one, and the fuzzer has a limit of its own.
    for (name, value) in [("proto-max-bulk-len", "65536"), ("maxmemory", "8mb")] {
        config.set(name, value).expect("a good setting");
    }
    let mut node = Node::new(config, 1, NOW);
    let conn = node.handle_connect(NOW, Peer::default()).expect("room");
    (node, conn)
}

/// What the bytes are answered with when they come in pieces of at most `cut`.
fn answers(bytes: &[u8], cut: usize) -> Vec<u8> {
    let (mut node, conn) = node();
    for piece in bytes.chunks(cut.max(1)) {
        let _ = node.handle_bytes(conn, piece);
        while node.run(NOW, Budget::default(), &mut ()) == Run::More {}
    }
    node.sendable(conn).bytes.to_vec()
}

fuzz_target!(|input: &[u8]| {
    let Some((&cut, bytes)) = input.split_first() else { return };
    let whole = answers(bytes, usize::MAX);
    assert_eq!(whole, answers(bytes, usize::from(cut)), "a cut of {cut} changes the answers");
    let mut rest = &whole[..];
    while let Some((_, used)) = Value::parse(rest).expect("our own replies can be read") {
        rest = &rest[used..];
    }
    assert!(rest.is_empty(), "a reply without its end");
});
