//! What the core promises, whatever comes in.

mod effects;
mod fields;
mod groups;
mod hostile;
mod keyspace;
mod library;
mod pressure;
mod snapshots;
mod story;
mod streams;
mod tracking;
mod turns;
mod waiting;

use cache_core::config::Config;
use cache_core::node::{Action, Durability, Load, Run};
use cache_core::protocol::request;
use cache_core::time::Timeout;
use cache_core::{Budget, ConnId, Node, Now, Peer};
use proptest::prelude::*;
use story::{Step, steps};

const START: Now = Now::from_millis(1_767_225_600_000);

/// A node with these settings, and a client.
fn node(settings: &[(&str, &str)]) -> (Node, ConnId) {
    let mut config = Config::default();
    for (name, value) in settings {
        config.set(name, value).expect("a good setting");
    }
    let mut node = Node::new(config, 1, START);
    let conn = node.handle_connect(START, Peer::default()).expect("room");
    (node, conn)
}

/// A node with two clients, and time.
#[derive(Clone)]
struct World {
    node: Node,
    conns: [ConnId; 2],
    now: Now,
    /// All that each client was sent.
    heard: [Vec<u8>; 2],
}

impl World {
    fn new(seed: u64) -> Self {
        let mut node = Node::new(Config::default(), seed, START);
        let conns = [(); 2].map(|()| node.handle_connect(START, Peer::default()).expect("room"));
        World { node, conns, now: START, heard: Default::default() }
    }

    /// Plays a step, its bytes cut into pieces of at most `cut`.
    fn play(&mut self, step: &Step, cut: usize) {
        match step {
            Step::Wait(ms) => {
                self.now.mono_us += ms * 1000;
                self.now.wall_us += ms * 1000;
                self.settle();
            }
            Step::Say(client, bytes) => {
                for piece in bytes.chunks(cut.max(1)) {
                    let _ = self.node.handle_bytes(self.conns[*client], piece);
                    self.settle();
                }
            }
        }
    }

    fn settle(&mut self) {
        while self.node.run(self.now, Budget::default(), &mut ()) == Run::More {}
        self.listen();
    }

    fn listen(&mut self) {
        for (conn, heard) in self.conns.iter().zip(&mut self.heard) {
            let bytes = self.node.sendable(*conn).bytes.to_vec();
            self.node.handle_sent(self.now, *conn, bytes.len());
            heard.extend(bytes);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, ..ProptestConfig::default() })]

    #[test]
    fn any_split_of_the_input_gives_the_same_output(story in steps(), cut in 1usize..9) {
        let (mut whole, mut cut_up) = (World::new(7), World::new(7));
        for step in &story {
            whole.play(step, usize::MAX);
            cut_up.play(step, cut);
        }
        prop_assert_eq!(&whole.heard, &cut_up.heard);
        prop_assert_eq!(whole.node.digest(), cut_up.node.digest());
    }

    #[test]
    fn a_clone_goes_on_to_the_same_bytes(story in steps(), at in 0usize..64) {
        let mut original = World::new(7);
        let at = at.min(story.len());
        for step in &story[..at] {
            original.play(step, usize::MAX);
        }
        let mut clone = original.clone();
        let before = original.node.digest();
        for step in &story[at..] {
            original.play(step, usize::MAX);
        }
        // What the original did since must not show in the clone.
        prop_assert_eq!(clone.node.digest(), before);
        for step in &story[at..] {
            clone.play(step, usize::MAX);
        }
        prop_assert_eq!(&clone.heard, &original.heard);
        prop_assert_eq!(clone.node.digest(), original.node.digest());
    }

    #[test]
    fn effects_replayed_give_an_equal_digest(story in steps(), cut in 1usize..64) {
        let mut world = World::new(7);
        world.node.record_effects();
        let mut effects = Vec::new();
        for step in &story {
            world.play(step, usize::MAX);
            while let Some(store) = world.node.poll_store() {
                prop_assert_eq!(store.offset, effects.len() as u64);
                effects.extend(store.bytes);
                world.node.handle_stored(effects.len() as u64);
            }
        }
        // Another seed: another order in memory, the same data.
        let mut replica = Node::new(Config::default(), 8, START);
        let peer = Peer { replay: true, ..Peer::default() };
        let link = replica.handle_connect(START, peer).expect("room");
        for piece in effects.chunks(cut) {
            replica.replay(START, link, piece, &mut ());
        }
        prop_assert_eq!(replica.digest(), world.node.digest(), "{}", String::from_utf8_lossy(&effects));
        prop_assert!(replica.sendable(link).bytes.is_empty());
    }

    /// As when a log is rewritten: the data as it stands, then the effects from there on.
    #[test]
    fn a_dump_and_what_follows_give_an_equal_digest(
        story in steps(), at in 0usize..64, cut in 1usize..64
    ) {
        let mut world = World::new(7);
        world.node.record_effects();
        let mut log = Vec::new();
        let at = at.min(story.len());
        for (i, step) in story.iter().enumerate() {
            if i == at {
                while world.node.poll_store().is_some() {}
                log.clear();
                let dumped: Result<(), ()> = world.node.dump(|block| {
                    log.extend_from_slice(block);
                    Ok(())
                });
                prop_assert!(dumped.is_ok());
            }
            world.play(step, usize::MAX);
            while let Some(store) = world.node.poll_store() {
                log.extend(store.bytes);
            }
        }
        // Much later: what the log doesn't say expired has not expired.
        let later = Now { mono_us: START.mono_us * 2, wall_us: START.wall_us * 2 };
        let mut restored = Node::new(Config::default(), 8, later);
        restored.begin_load(later);
        for piece in log.chunks(cut) {
            prop_assert!(restored.handle_loaded(later, Load::Bytes(piece), &mut ()));
        }
        prop_assert_eq!(restored.digest(), world.node.digest(), "{}", String::from_utf8_lossy(&log));
        prop_assert!(restored.handle_loaded(later, Load::Done, &mut ()));
    }

    #[test]
    fn a_small_budget_gives_the_same_output_as_a_large_one(story in steps()) {
        let (mut large, mut small) = (World::new(7), World::new(7));
        for step in &story {
            large.play(step, usize::MAX);
            match step {
                Step::Say(client, bytes) => {
                    let _ = small.node.handle_bytes(small.conns[*client], bytes);
                }
                Step::Wait(ms) => {
                    small.now.mono_us += ms * 1000;
                    small.now.wall_us += ms * 1000;
                }
            }
            // With a smaller background KEYS lets others go on in between, and sees what they do.
            let budget = Budget { commands: 1, background: 1000 };
            while small.node.run(small.now, budget, &mut ()) == Run::More {}
            small.listen();
        }
        prop_assert_eq!(&large.heard, &small.heard);
    }
}

/// What the node counts of its input and its data must not depend on where the input was cut.
#[test]
fn counters_do_not_tell_how_the_input_was_cut() {
    let big = "x".repeat(1000);
    let said = [
        &["CLIENT", "PAUSE", "1", "WRITE"][..],
        &["SET", "a", &big],
        &["DEL", "a"],
        &["CLIENT", "LIST"],
        &["INFO", "memory", "clients"],
    ]
    .map(request::encode)
    .concat();
    let heard = [usize::MAX, 100, 1].map(|cut| {
        let mut world = World::new(7);
        world.play(&Step::Say(0, said.clone()), cut);
        world.play(&Step::Wait(2), cut);
        world.play(&Step::Say(1, request::encode(["CLIENT", "LIST"])), cut);
        world.heard.map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
    });
    assert!(heard[0][0].contains("used_memory_peak:11"), "{heard:?}");
    assert!(heard[0][1].contains(&format!("tot-net-in={} ", said.len())), "{heard:?}");
    assert_eq!(heard[0], heard[1]);
    assert_eq!(heard[0], heard[2]);
}

fn say(node: &mut Node, conn: ConnId, args: &[&str]) -> Option<String> {
    let reply = node.request(START, conn, args, &mut ())?;
    Some(String::from_utf8(reply).expect("a reply in ASCII"))
}

#[test]
fn replies_wait_until_their_effects_are_stored() {
    let mut node = Node::new(Config::default(), 1, START);
    node.record_effects();
    node.set_durability(Durability::Stored);
    let writer = node.handle_connect(START, Peer::default()).expect("room");
    let reader = node.handle_connect(START, Peer::default()).expect("room");
    assert_eq!(say(&mut node, writer, &["PING"]).as_deref(), Some("+PONG\r\n"));
    assert_eq!(say(&mut node, writer, &["SETNX", "a", "1"]), None);
    // A read of what isn't safe yet waits too.
    assert_eq!(say(&mut node, reader, &["GET", "a"]), None);

    let store = node.poll_store().expect("an effect");
    assert!(node.sendable(writer).bytes.is_empty());
    node.handle_stored(store.offset + store.bytes.len() as u64 - 1);
    assert!(node.sendable(writer).bytes.is_empty(), "one byte short");
    node.handle_stored(store.offset + store.bytes.len() as u64);
    assert_eq!(node.sendable(writer).bytes, b":1\r\n");
    assert_eq!(node.sendable(reader).bytes, b"$1\r\n1\r\n");
}

#[test]
fn replies_wait_until_replicas_have_their_effects() {
    let mut node = Node::new(Config::default(), 1, START);
    node.record_effects();
    node.set_durability(Durability::Replicated);
    let conn = node.handle_connect(START, Peer::default()).expect("room");
    assert_eq!(say(&mut node, conn, &["SETNX", "a", "1"]), None);
    node.handle_stored(node.effects_offset());
    assert!(node.sendable(conn).bytes.is_empty());
    node.handle_replicated(node.effects_offset());
    assert_eq!(node.sendable(conn).bytes, b":1\r\n");
}

#[test]
fn writes_are_refused_while_effects_cannot_be_stored() {
    let mut node = Node::new(Config::default(), 1, START);
    node.record_effects();
    let conn = node.handle_connect(START, Peer::default()).expect("room");
    assert_eq!(say(&mut node, conn, &["PFADD", "p", "x"]).as_deref(), Some(":1\r\n"));
    while node.poll_store().is_some() {}
    node.handle_store_failed("no space left on device");
    // A read that would keep what it computed answers all the same.
    assert_eq!(say(&mut node, conn, &["PFCOUNT", "p"]).as_deref(), Some(":1\r\n"));
    assert!(node.poll_store().is_none());
    let refused = say(&mut node, conn, &["SETNX", "a", "1"]).expect("an answer");
    assert!(refused.starts_with("-MISCONF"), "{refused}");
    assert_eq!(say(&mut node, conn, &["GET", "a"]).as_deref(), Some("$-1\r\n"));
    node.handle_replicated(0);
    let refused = say(&mut node, conn, &["SETNX", "a", "1"]).expect("an answer");
    assert!(refused.starts_with("-MISCONF"), "a replica is no disk: {refused}");
    node.handle_stored(0);
    assert_eq!(say(&mut node, conn, &["SETNX", "a", "1"]).as_deref(), Some(":1\r\n"));
}

#[test]
fn while_data_is_loaded_commands_are_told_so() {
    let mut source = Node::new(Config::default(), 1, START);
    source.record_effects();
    let conn = source.handle_connect(START, Peer::default()).expect("room");
    say(&mut source, conn, &["SETNX", "a", "1"]);
    let effects = source.poll_store().expect("an effect").bytes;

    let mut node = Node::new(Config::default(), 2, START);
    let client = node.handle_connect(START, Peer::default()).expect("room");
    node.begin_load(START);
    node.handle_loaded(START, Load::Bytes(&effects[..20]), &mut ());
    let refused = say(&mut node, client, &["GET", "a"]).expect("an answer");
    assert!(refused.starts_with("-LOADING "), "{refused}");
    assert_eq!(say(&mut node, client, &["ECHO", "x"]).as_deref(), Some("$1\r\nx\r\n"));
    let info = say(&mut node, client, &["INFO", "persistence"]).expect("an answer");
    assert!(info.contains("\r\nloading:1\r\n"), "{info}");
    node.handle_loaded(START, Load::Bytes(&effects[20..]), &mut ());
    node.handle_loaded(START, Load::Failed("a bad sector"), &mut ());
    assert!(say(&mut node, client, &["GET", "a"]).is_some_and(|r| r.starts_with("-LOADING")));
    node.handle_loaded(START, Load::Done, &mut ());
    assert_eq!(say(&mut node, client, &["GET", "a"]).as_deref(), Some("$1\r\n1\r\n"));
}

#[test]
fn half_a_log_and_no_log_are_not_taken_for_a_whole_one() {
    for (bytes, good) in [
        (&b"*3\r\n$3\r\nSET\r\n$1\r\na\r\n$1\r\n1\r\n"[..], true),
        (b"*3\r\n$3\r\nSET\r\n$1\r\na\r\n$1\r\n", false),
        (b"*1\r\n%5\r\n", false),
        // What could never have been recorded: not all that follows would mean the same.
        (b"*2\r\n$6\r\nSELECT\r\n$2\r\n16\r\n*3\r\n$3\r\nSET\r\n$1\r\na\r\n$1\r\n1\r\n", false),
        (b"NOSUCH\r\n", false),
        (b"MULTI\r\nSET a 1\r\nINCRBY a x\r\nEXEC\r\n", false),
        (b"MULTI\r\nSET a 1\r\nEXEC\r\n", true),
        (b"MULTI\r\nSET a 1\r\n", false),
        (b"", true),
    ] {
        let mut node = Node::new(Config::default(), 2, START);
        let client = node.handle_connect(START, Peer::default()).expect("room");
        node.begin_load(START);
        let obeyed = node.handle_loaded(START, Load::Bytes(bytes), &mut ());
        let whole = node.handle_loaded(START, Load::Done, &mut ());
        assert_eq!(obeyed && whole, good, "{}", String::from_utf8_lossy(bytes));
        let reply = say(&mut node, client, &["GET", "a"]).expect("an answer");
        assert_eq!(reply.starts_with("-LOADING"), !good, "{reply}");
    }
}

#[test]
fn clocks_may_jump() {
    let (mut node, conn) = node(&[]);
    say(&mut node, conn, &["SETNX", "a", "1"]);
    say(&mut node, conn, &["PEXPIRE", "a", "1000"]);
    let ttl = |node: &mut Node, now| {
        let reply = node.request(now, conn, &["PTTL", "a"], &mut ()).expect("an answer");
        String::from_utf8(reply).expect("a reply in ASCII")
    };
    // The wall clock is set back: the key lives longer. It is set forward: the key is gone.
    let back = Now { wall_us: START.wall_us - 5_000_000, ..START };
    assert_eq!(ttl(&mut node, back), ":6000\r\n");
    let forward = Now { wall_us: START.wall_us + 5_000_000, mono_us: 0 };
    assert_eq!(ttl(&mut node, forward), ":-2\r\n");
    assert_eq!(ttl(&mut node, Now::default()), ":-2\r\n");
    assert_eq!(ttl(&mut node, Now { mono_us: u64::MAX, wall_us: u64::MAX }), ":-2\r\n");
}

/// The cycle keeps to `hz` and wakes for no key: whoever asks in between meets what has run out.
#[test]
fn what_runs_out_between_two_cycles_is_met_by_whoever_asks() {
    let at = |ms: u64| Now { mono_us: ms * 1000, wall_us: START.wall_us + ms * 1000 };
    let mut node = Node::new(Config::default(), 1, at(0));
    let conn = node.handle_connect(at(0), Peer::default()).expect("room");
    let set = |node: &mut Node, key, ms| {
        node.request(at(0), conn, &["SET", key, "v", "PX", ms], &mut ()).expect("an answer")
    };
    set(&mut node, "met", "230");
    set(&mut node, "swept", "240");
    let found = |node: &Node| (node.stats().expired, node.stats().expired_by_cycle);
    assert_eq!(node.poll_timeout(), Some(Timeout::Housekeeping(300_000)));
    let reply = node.request(at(250), conn, &["GET", "met"], &mut ()).expect("an answer");
    assert_eq!((reply.as_slice(), found(&node)), (&b"$-1\r\n"[..], (1, 0)));
    assert_eq!(node.keyspace().len(0), 1, "nobody has asked for the other");
    assert_eq!(node.poll_timeout(), Some(Timeout::Housekeeping(300_000)));
    // Called late, the cycle makes up for what it should have done.
    assert_eq!(node.run(at(310), Budget::default(), &mut ()), Run::Idle);
    assert_eq!((found(&node), node.keyspace().len(0)), ((2, 1), 0));
    assert_eq!(node.poll_timeout(), None);
}

/// Between the queueing of a write and its EXEC.
#[test]
fn a_transaction_is_refused_for_what_happened_since_it_was_queued() {
    type Happens = fn(&mut Node);
    let happen: [(&str, Happens); 3] = [
        ("OOM", |node| node.configure("maxmemory", "1").expect("a good setting")),
        ("LOADING", |node| node.begin_load(START)),
        ("MISCONF", |node| node.handle_store_failed("no space left on device")),
    ];
    for (code, happens) in happen {
        let mut node = Node::new(Config::default(), 1, START);
        node.configure("maxmemory-policy", "noeviction").expect("a good setting");
        let conn = node.handle_connect(START, Peer::default()).expect("room");
        say(&mut node, conn, &["SET", "a", "1"]);
        for command in [&["MULTI"][..], &["ECHO", "x"], &["SET", "a", "2"], &["ECHO", "x"]] {
            say(&mut node, conn, command);
        }
        happens(&mut node);
        let refused = say(&mut node, conn, &["EXEC"]).expect("an answer");
        let expected = format!("-EXECABORT Transaction discarded because of: {code} ");
        assert!(refused.starts_with(&expected), "{refused}");
        let value = node.keyspace().get(0, b"a").and_then(|entry| entry.as_string());
        assert_eq!(value, Some(&b"1"[..]), "{code}");
        assert_eq!(say(&mut node, conn, &["EXEC"]).as_deref(), Some("-ERR EXEC without MULTI\r\n"));
        // What neither reads nor writes is none the worse for it.
        for command in [&["MULTI"][..], &["ECHO", "x"]] {
            say(&mut node, conn, command);
        }
        assert_eq!(say(&mut node, conn, &["EXEC"]).as_deref(), Some("*1\r\n$1\r\nx\r\n"));
    }
}

#[test]
fn while_the_node_sleeps_nobody_is_served() {
    let (mut node, sleeper) = node(&[("enable-debug-command", "yes")]);
    say(&mut node, sleeper, &["CONFIG", "SET", "latency-monitor-threshold", "100"]);
    let other = node.handle_connect(START, Peer::default()).expect("room");
    assert_eq!(say(&mut node, sleeper, &["DEBUG", "SLEEP", "0.5"]), None);
    assert_eq!(say(&mut node, other, &["PING"]), None);
    let awake = Now { mono_us: START.mono_us + 500_000, wall_us: START.wall_us + 500_000 };
    assert_eq!(node.poll_timeout(), Some(Timeout::Deadline(awake.mono_us)));
    while node.run(awake, Budget::default(), &mut ()) == Run::More {}
    assert_eq!(node.sendable(sleeper).bytes, b"+OK\r\n");
    assert_eq!(node.sendable(other).bytes, b"+PONG\r\n");
    let latest = node.request(awake, other, &["LATENCY", "LATEST"], &mut ()).expect("a reply");
    assert!(latest.ends_with(b"command\r\n:1767225600\r\n:500\r\n:500\r\n:500\r\n:1\r\n"));
}
