//! Streams and their groups: what was given to whom comes out equal wherever it is replayed.

use super::{START, World};
use crate::story::{Step, steps_of};
use cache_core::node::Load;
use cache_core::{Config, Node, Now, Peer};
use proptest::prelude::*;

/// On few keys and groups, so that they meet.
const COMMANDS: &[&str] = &[
    "XADD k * F V",
    "XADD k * F V N N",
    "XADD l * F V",
    "XADD k 1767225600500-* F V",
    "XADD k MAXLEN ~ 5 * F V",
    "XADD k MAXLEN 5 * F V",
    "XADD k NOMKSTREAM MINID ~ 1767225600500 LIMIT 3 * F V",
    "XTRIM k MAXLEN ~ 3",
    "XTRIM k MINID 1767225601000",
    "XDEL k 1767225600000-0 1767225600000-1",
    "XDEL k 1767225600500-0 1767225600000-2",
    "XSETID k 1767225699999-9 ENTRIESADDED N MAXDELETEDID 1767225600000-1",
    "XGROUP CREATE k g $ MKSTREAM",
    "XGROUP CREATE k h 0 MKSTREAM ENTRIESREAD N",
    "XGROUP CREATE l g 0 MKSTREAM",
    "XGROUP SETID k g 0",
    "XGROUP SETID k g $ ENTRIESREAD 3",
    "XGROUP DESTROY k h",
    "XGROUP CREATECONSUMER k g V",
    "XGROUP DELCONSUMER k g c",
    "XREADGROUP GROUP g c COUNT 2 STREAMS k >",
    "XREADGROUP GROUP g d STREAMS k l > >",
    "XREADGROUP GROUP g d BLOCK N STREAMS k >",
    "XREADGROUP GROUP h d NOACK COUNT 1 STREAMS k >",
    "XREADGROUP GROUP g c STREAMS k 0",
    "XREADGROUP GROUP h e COUNT 3 STREAMS k >",
    "XREAD BLOCK N STREAMS k l $ +",
    "XREAD COUNT 2 STREAMS k 0",
    "XACK k g 1767225600000-0 1767225600000-1",
    "XCLAIM k g e 0 1767225600000-0 1767225600000-2 FORCE",
    "XCLAIM k g e 100 1767225600000-1 IDLE N RETRYCOUNT N JUSTID",
    "XCLAIM k h c 0 1767225600000-0 1767225600000-0 FORCE LASTID 1767225600000-3",
    "XAUTOCLAIM k g f N 0 COUNT 2",
    "XAUTOCLAIM k g c 0 0 JUSTID",
    "XPENDING k g",
    "XPENDING k g IDLE N - + 10 c",
    "XINFO STREAM k FULL",
    "XINFO CONSUMERS k g",
    "XRANGE k - +",
    "XREVRANGE k + - COUNT 2",
    "CONFIG SET stream-node-max-entries 3",
    "CONFIG SET stream-node-max-entries 100",
    "MULTI",
    "EXEC",
    "DEL k",
    "COPY k l REPLACE",
    "RENAME k l",
    "SET l V",
    "PEXPIRE k N",
];

/// Those that don't wait.
fn at_once() -> Vec<&'static str> {
    COMMANDS.iter().copied().filter(|command| !command.contains("BLOCK")).collect()
}

fn effects_of(world: &mut World, out: &mut Vec<u8>) {
    while let Some(store) = world.node.poll_store() {
        out.extend(store.bytes);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, ..ProptestConfig::default() })]

    #[test]
    fn effects_give_an_equal_digest(story in steps_of(COMMANDS.to_vec()), cut in 1usize..64) {
        let mut world = World::new(7);
        world.node.record_effects();
        let mut effects = Vec::new();
        for step in &story {
            world.play(step, usize::MAX);
            effects_of(&mut world, &mut effects);
        }
        // Its clock shows less than when the effects were recorded.
        let mut replica = Node::new(Config::default(), 8, START);
        let link = replica.handle_connect(START, Peer { replay: true, ..Peer::default() });
        let link = link.expect("room");
        for piece in effects.chunks(cut) {
            replica.replay(START, link, piece, &mut ());
        }
        let shown = String::from_utf8_lossy(&effects);
        prop_assert_eq!(replica.digest(), world.node.digest(), "{}", shown);
        prop_assert!(!replica.sendable(link).close, "{}", shown);
    }

    #[test]
    fn a_dump_and_what_follows_give_an_equal_digest(
        story in steps_of(COMMANDS.to_vec()), at in 0usize..48
    ) {
        let mut world = World::new(7);
        world.node.record_effects();
        let (mut log, at) = (Vec::new(), at.min(story.len()));
        for (i, step) in story.iter().enumerate() {
            if i == at {
                log.clear();
                let dumped: Result<(), ()> = world.node.dump(|block| {
                    log.extend_from_slice(block);
                    Ok(())
                });
                prop_assert!(dumped.is_ok());
            }
            world.play(step, usize::MAX);
            effects_of(&mut world, &mut log);
        }
        let later = Now { mono_us: START.mono_us * 2, wall_us: START.wall_us * 2 };
        let mut restored = Node::new(Config::default(), 8, later);
        restored.begin_load(later);
        let obeyed = restored.handle_loaded(later, Load::Bytes(&log), &mut ());
        let shown = String::from_utf8_lossy(&log);
        prop_assert!(obeyed && restored.handle_loaded(later, Load::Done, &mut ()), "{}", shown);
        prop_assert_eq!(restored.digest(), world.node.digest(), "{}", shown);
    }

    #[test]
    fn neither_a_cut_nor_a_clone_shows(story in steps_of(at_once()), at in 0usize..48) {
        let (mut whole, mut cut) = (World::new(7), World::new(7));
        for (i, step) in story.iter().enumerate() {
            whole.play(step, usize::MAX);
            if i == at {
                // The one that goes on is the clone.
                let clone = cut.clone();
                let digest = cut.node.digest();
                cut.play(step, 3);
                prop_assert_eq!(clone.node.digest(), digest);
                cut = clone;
            }
            cut.play(step, 3);
        }
        prop_assert_eq!(&whole.heard, &cut.heard);
        prop_assert_eq!(whole.node.digest(), cut.node.digest());
    }
}

/// A clock that is set back makes no id smaller than the last.
#[test]
fn ids_go_on_when_the_clock_is_set_back() {
    let mut node = Node::new(Config::default(), 1, START);
    let conn = node.handle_connect(START, Peer::default()).expect("room");
    let mut add = |now: Now| {
        let reply = node.request(now, conn, &["XADD", "s", "*", "a", "1"], &mut ());
        String::from_utf8(reply.expect("an answer")).expect("ASCII")
    };
    let back = Now { wall_us: START.wall_us - 5_000_000, ..START };
    assert_eq!(add(START), "$15\r\n1767225600000-0\r\n");
    assert_eq!(add(back), "$15\r\n1767225600000-1\r\n");
    assert_eq!(add(Now::default()), "$15\r\n1767225600000-2\r\n");
    let ahead = Now { mono_us: u64::MAX, wall_us: u64::MAX };
    assert_eq!(add(ahead), "$18\r\n4611686018427387-0\r\n");
}

/// What takes a long time for who names it again and again, and numbers that no good client sends.
#[test]
fn hostile_numbers_are_taken_or_refused() {
    let mut node = Node::new(Config::default(), 1, START);
    let conn = node.handle_connect(START, Peer::default()).expect("room");
    let mut say = |args: &[&str]| {
        let reply = node.request(START, conn, args, &mut ()).expect("an answer");
        String::from_utf8(reply).expect("ASCII")
    };
    say(&["XADD", "s", "1-1", "a", "1"]);
    say(&["XGROUP", "CREATE", "s", "g", "0"]);
    say(&["XREADGROUP", "GROUP", "g", "c", "COUNT", "9223372036854775807", "STREAMS", "s", ">"]);
    let max = "9223372036854775807";
    for (args, expected) in [
        (&["XAUTOCLAIM", "s", "g", "c", max, "0"][..], "*3\r\n$3\r\n0-0\r\n*0\r\n*0\r\n"),
        (
            &["XAUTOCLAIM", "s", "g", "c", "0", "0", "COUNT", "576460752303423487", "JUSTID"],
            "*3\r\n$3\r\n0-0\r\n*1\r\n$3\r\n1-1\r\n*0\r\n",
        ),
        (&["XPENDING", "s", "g", "IDLE", max, "-", "+", max], "*0\r\n"),
        (
            &["XRANGE", "s", "-", "+", "COUNT", max],
            "*1\r\n*2\r\n$3\r\n1-1\r\n*2\r\n$1\r\na\r\n$1\r\n1\r\n",
        ),
        (&["XTRIM", "s", "MAXLEN", "~", max, "LIMIT", max], ":0\r\n"),
        (
            &["XCLAIM", "s", "g", "c", "0", "1-1", "RETRYCOUNT", max, "JUSTID"],
            "*1\r\n$3\r\n1-1\r\n",
        ),
        (&["XCLAIM", "s", "g", "c", "0", "1-1", "JUSTID"], "*1\r\n$3\r\n1-1\r\n"),
        (&["XSETID", "s", "2-0", "ENTRIESADDED", max], "+OK\r\n"),
        (&["XADD", "s", "3-0", "a", "1"], "$3\r\n3-0\r\n"),
        (
            &["XINFO", "STREAM", "s", "FULL", "COUNT", max, "x"],
            "-ERR unknown subcommand or wrong number of arguments for 'STREAM'. Try XINFO HELP.\r\n",
        ),
    ] {
        assert_eq!(say(args), expected, "{args:?}");
    }
    let mut args = vec!["XCLAIM", "s", "g", "c", "0"];
    args.extend([max, "1-1", "3-0", "FORCE"].iter().cycle().take(3));
    args.extend(["1-1"].iter().cycle().take(20_000));
    args.extend(["FORCE", "RETRYCOUNT", "1"]);
    assert!(say(&args).starts_with("*20002\r\n"), "one is not there");
}

#[test]
fn a_story_of_groups_reaches_them() {
    use proptest::strategy::ValueTree;
    use proptest::test_runner::TestRunner;
    let mut runner = TestRunner::deterministic();
    let mut given = 0;
    for _ in 0..100 {
        let story = steps_of(COMMANDS.to_vec()).new_tree(&mut runner).expect("a story").current();
        let mut world = World::new(7);
        world.node.record_effects();
        let mut effects = Vec::new();
        for step in &story {
            world.play(step, usize::MAX);
            effects_of(&mut world, &mut effects);
            assert!(matches!(step, Step::Say(..) | Step::Wait(_)));
        }
        given += usize::from(String::from_utf8_lossy(&effects).contains("XCLAIM"));
    }
    assert!(given > 15, "{given}");
}
