//! Random writes, on wires that break and cut what they carry, while nodes change their parts: in the
//! end all agree.

use super::World;
use std::ops::Range;

/// The seeds to try: these, or those that `FOLLOWING_SEEDS=100..1000` names.
fn seeds(usual: Range<u64>) -> Range<u64> {
    let named = std::env::var("FOLLOWING_SEEDS").ok();
    let named = named.as_ref().and_then(|range| range.split_once(".."));
    named.map_or(usual, |(first, end)| {
        first.parse().expect("a number")..end.parse().expect("a number")
    })
}

/// A random write, or a few.
fn write(world: &mut World, node: usize) {
    let key = format!("k{}", world.dice.below(40));
    let number = world.dice.below(1000);
    let soon = world.now.wall_ms() + 1 + world.dice.below(4000);
    if world.dice.below(2) == 0 {
        let command = write_part(world);
        world.say(node, &command);
        return;
    }
    let command = match world.dice.below(24) {
        0..=5 => format!("SET {key} {number}"),
        6 => format!("SET {key} {number} PX {}", 1 + world.dice.below(4000)),
        7 => format!("PEXPIREAT {key} {soon}"),
        8 => format!("INCRBY n{} {number}", world.dice.below(5)),
        9 => format!("APPEND {key} {}", "x".repeat(world.dice.below(300) as usize)),
        10 => format!("DEL {key}"),
        11 => format!("PERSIST {key}"),
        12 => format!("SELECT {}", world.dice.below(3)),
        13 => format!("GETDEL {key}"),
        14 => format!("RENAME {key} k{}", world.dice.below(40)),
        15 => format!("INCRBYFLOAT f{} 0.1", world.dice.below(5)),
        16 => format!("SETRANGE {key} {} abc", world.dice.below(50)),
        17 => format!("COPY {key} k{} REPLACE", world.dice.below(40)),
        18 => format!("MOVE {key} {}", world.dice.below(3)),
        19 => format!("GET {key}"),
        20 => "PUBLISH news hello".into(),
        21 if number < 60 => "FLUSHDB".into(),
        22 if number < 100 => format!("SWAPDB 0 {}", world.dice.below(3)),
        _ => {
            world.say(node, "MULTI");
            for _ in 0..world.dice.below(5) {
                let key = format!("k{}", world.dice.below(40));
                let db = world.dice.below(3);
                world.say(node, &format!("SET {key} {number}"));
                world.say(node, &format!("SELECT {db}"));
                world.say(node, &format!("GETEX {key} PX 3000"));
            }
            "EXEC".into()
        }
    };
    world.say(node, &command);
}

/// A change within a list, a hash, a set, a sorted set or a stream.
fn write_part(world: &mut World) -> String {
    let mut below = |bound| world.dice.below(bound);
    let (n, number, member) = (below(6), below(1000), below(150));
    match below(26) {
        0..=2 => format!("RPUSH l{n} {number} {member} x{number}"),
        3 => format!("LPOP l{n} {}", 1 + below(9)),
        4 => format!("LMOVE l{n} l{} LEFT RIGHT", below(6)),
        5 => format!("LTRIM l{n} 0 {member}"),
        6 | 7 => format!("HSET h{n} f{member} {number} g{member} {}", "v".repeat(member as usize)),
        8 => format!("HPEXPIRE h{n} {} FIELDS 1 f{member}", 1 + below(4000)),
        9 => format!("HDEL h{n} f{member} g{member}"),
        10 => format!("HINCRBYFLOAT h{n} f{member} 0.1"),
        11 | 12 => format!("SADD t{n} {member} m{number} {number}"),
        13 => format!("SPOP t{n} {}", 1 + below(5)),
        14 => format!("SUNIONSTORE t{n} t{} t{}", below(6), below(6)),
        15 | 16 => format!("ZADD z{n} {number}.5 {member} {member} m{number}"),
        17 => format!("ZPOPMIN z{n} {}", 1 + below(5)),
        18 => format!("ZRANGESTORE z{n} z{} 0 {member}", below(6)),
        19 | 20 => format!("XADD x{n} MAXLEN ~ 100 * f {number}"),
        21 => format!("XGROUP CREATE x{n} g{} 0", below(2)),
        22 => format!("XREADGROUP GROUP g{} c{} COUNT 5 STREAMS x{n} >", below(2), below(2)),
        23 => format!("XACK x{n} g{} {}-0", below(2), number),
        24 => format!(
            "PEXPIRE {}{n} {}",
            ["l", "h", "t", "z", "x"][below(5) as usize],
            1 + number * 5
        ),
        _ => format!("BITFIELD b{n} INCRBY u8 {member} {number} SET i5 0 -1"),
    }
}

fn some_steps(world: &mut World, most: u64) {
    for _ in 0..world.dice.below(most) {
        world.step();
    }
}

/// A primary, a chain of two below it and one beside; wires break at any byte.
fn broken_wires(seed: u64) {
    let settings = [("repl-backlog-size", if seed.is_multiple_of(2) { "1mb" } else { "2kb" })];
    let mut world = World::new(4, seed, &settings);
    world.piece = [7, 50, 400, 100_000][world.dice.below(4) as usize];
    for _ in 0..100 {
        write(&mut world, 0);
    }
    world.follow(1, 0);
    world.follow(2, 1);
    world.follow(3, 0);
    for _ in 0..300 {
        for _ in 0..world.dice.below(6) {
            write(&mut world, 0);
        }
        some_steps(&mut world, 12);
        match world.dice.below(30) {
            0 => world.cut_any(),
            1..=4 => {
                let ms = world.dice.below(700);
                world.advance(ms);
            }
            _ => {}
        }
    }
    world.agree(&[0, 1, 2, 3]);
    // What has run out of time goes everywhere.
    world.pass(5000);
    world.agree(&[0, 1, 2, 3]);
}

#[test]
fn wires_may_break_anywhere() {
    for seed in seeds(0..12) {
        broken_wires(seed);
    }
}

/// The part of the primary moves about; what only one side of a parting has is lost with it, and then
/// all agree again.
fn moving_primary(seed: u64) {
    let mut world = World::new(3, seed, &[]);
    world.piece = [20, 1000, 100_000][world.dice.below(3) as usize];
    let mut primary = 0;
    world.follow(1, 0);
    world.follow(2, 0);
    for round in 0..12 {
        for _ in 0..40 {
            write(&mut world, primary);
            some_steps(&mut world, 8);
        }
        if world.dice.below(2) == 0 {
            world.until("all are up", |w| (0..3).all(|node| node == primary || w.is_up(node)));
        }
        if world.dice.below(3) == 0 {
            world.cut_any();
        }
        let next = (primary + 1 + world.dice.below(2) as usize) % 3;
        world.text(next, "REPLICAOF NO ONE");
        for node in 0..3 {
            // The old one may go on writing for a while.
            if node == primary && world.dice.below(2) == 0 {
                write(&mut world, primary);
            }
            if node != next {
                world.follow(node, next);
            }
        }
        primary = next;
        if round % 3 == 2 {
            let others: Vec<usize> = (0..3).filter(|&node| node != primary).collect();
            world.agree(&[primary, others[0], others[1]]);
        }
        let ms = world.dice.below(2000);
        world.advance(ms);
    }
    let others: Vec<usize> = (0..3).filter(|&node| node != primary).collect();
    world.agree(&[primary, others[0], others[1]]);
}

#[test]
fn the_primary_may_be_another_one_at_any_time() {
    for seed in seeds(100..112) {
        moving_primary(seed);
    }
}

/// Copies of nodes that are handed the same go on to the same, in the middle of anything.
#[test]
fn a_copy_of_everything_goes_on_alike() {
    let mut world = World::new(3, 7, &[]);
    world.piece = 60;
    world.follow(1, 0);
    world.follow(2, 1);
    for _ in 0..60 {
        write(&mut world, 0);
        some_steps(&mut world, 5);
    }
    let mut copy = world.clone();
    for world in [&mut world, &mut copy] {
        for _ in 0..60 {
            write(world, 0);
            some_steps(world, 5);
        }
        world.cut(1, 2);
        world.agree(&[0, 1, 2]);
    }
    assert_eq!(world.nodes[0].digest(), copy.nodes[0].digest());
    assert_eq!(world.offset(2), copy.offset(2));
    assert_eq!(world.log, copy.log);
}
