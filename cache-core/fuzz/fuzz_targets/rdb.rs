//! Any bytes as a snapshot: no panic, the same outcome however they are cut, and what was loaded can be
//! saved and loaded again.
#![no_main]

use cache_core::node::Load;
use cache_core::{Config, Node, Now};
use libfuzzer_sys::fuzz_target;

const NOW: Now = Now::from_millis(1_767_225_600_000);

fn node(seed: u64) -> Node {
    let mut config = Config::default();
    // The fuzzer is to come past it.
    config.set("rdbchecksum", "no").expect("a good setting");
    Node::new(config, seed, NOW)
}

/// What comes of these bytes, in pieces of at most `cut`: whether they could be read, to the end, and
/// what was loaded.
fn loaded(bytes: &[u8], cut: usize) -> (bool, bool, Node) {
    let mut node = node(1);
    node.begin_load(NOW);
    let good = bytes.chunks(cut.max(1)).all(|p| node.handle_loaded(NOW, Load::Bytes(p), &mut ()));
    let whole = good && node.handle_loaded(NOW, Load::Done, &mut ());
    (good, whole, node)
}

fn saved(node: &Node) -> Vec<u8> {
    let mut snapshot = node.snapshot(NOW);
    std::iter::from_fn(|| snapshot.next_block()).flatten().collect()
}

fuzz_target!(|input: &[u8]| {
    let Some((&cut, rest)) = input.split_first() else { return };
    let mut bytes = b"REDIS0011".to_vec();
    // Some have a head of their own.
    if rest.starts_with(b"REDIS") || rest.starts_with(b"VALKEY") {
        bytes.clear();
    }
    bytes.extend_from_slice(rest);
    let (good, whole, node) = loaded(&bytes, usize::MAX);
    let (good_cut, whole_cut, node_cut) = loaded(&bytes, cut.into());
    assert_eq!((good, whole), (good_cut, whole_cut), "a cut of {cut} changes the outcome");
    assert_eq!(node.digest(), node_cut.digest(), "a cut of {cut} changes the data");
    if whole {
        let (_, whole, copy) = loaded(&saved(&node), 1000);
        assert!(whole && copy.digest() == node.digest(), "what is saved is not what is loaded");
    }
});
