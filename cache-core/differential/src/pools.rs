//! Where arguments come from: small pools, so that commands meet what others have left, and the
//! edges of each type.

use cache_core::commands::Flags;

use crate::random::Random;
use crate::story::DATABASES;
use crate::table::{Arg, Kind};

/// 1 January 2026, in seconds and milliseconds.
pub(crate) const EPOCH_S: u64 = 1_767_225_600;
pub(crate) const EPOCH_MS: u64 = EPOCH_S * 1000;

/// Letters that keys begin with, by the group of commands that makes them.
const HOMES: &[(&str, char)] = &[
    ("string", 's'),
    ("hash", 'h'),
    ("list", 'l'),
    ("set", 't'),
    ("sorted-set", 'z'),
    ("stream", 'x'),
    ("bitmap", 'b'),
    ("hyperloglog", 'p'),
    ("geo", 'g'),
];
/// Keys of each letter.
const KEYS: usize = 6;
/// So many of them are waited for.
const WAITED: usize = 2;

/// What no number is, or is only just.
const ODD_NUMBERS: &[&str] = &[
    "",
    " 1",
    "1 ",
    "+1",
    "01",
    "-0",
    "x",
    "1x",
    "0x10",
    "1.5",
    "1e2",
    "9223372036854775808",
    "-9223372036854775809",
    "18446744073709551616",
    "nan",
    "--1",
    "-",
];
const EDGES: &[&str] =
    &["9223372036854775807", "-9223372036854775808", "-9223372036854775807", "4294967296", "-1"];
const VALUES: &[&str] = &[
    "0",
    "1",
    "-1",
    "10",
    "42",
    "3.0",
    "2.5",
    "-0.1",
    "1e3",
    "a",
    "b",
    "abc",
    "abcd",
    "hello world",
    "ohmytext",
    "mynewtext",
    "9223372036854775807",
    "-9223372036854775808",
    "9223372036854775806",
    "1e308",
    "",
    "\r\n",
    "\0\u{1}\u{7f}",
    "\"q\\",
];
const FLOATS: &[&str] = &[
    "0",
    "1",
    "-1",
    "1.5",
    "2.25",
    "-0.1",
    "0.1",
    "3",
    "1e3",
    "1e-3",
    "inf",
    "-inf",
    "+inf",
    "infinity",
    "nan",
    "1e308",
    "-1e308",
    "1e400",
    "1e-400",
    "17179869184.5",
    "9007199254740993",
    "0.30000000000000004",
    "x",
    "",
    " 1",
    "1 ",
    "0x1p3",
    "100",
    "5",
    "7.0",
];
const PATTERNS: &[&str] = &[
    "*", "s*", "?1", "[a-h]*", "[^s]?", "h[0-2]", "m*", "f?", "c*", "\\*", "[", "[a", "*1*", "",
    "**", "c[0-1]", "[!a]*",
];
const SCORES: &[&str] =
    &["-inf", "+inf", "(1", "(-1", "0", "1", "2", "5", "(2.5", "(inf", "nan", "x", "("];
const LEX: &[&str] = &["-", "+", "[m1", "(m3", "[", "(", "[m7", "m1", "", "[zz", "(m"];
const IDS: &[&str] = &[
    "-",
    "+",
    "0",
    "0-0",
    "0-1",
    "1-1",
    "1-*",
    "2",
    "5-5",
    "(1-1",
    "(0",
    "(-",
    "1767225600000-0",
    "1767225600000-1",
    "1767225600000",
    "18446744073709551615-18446744073709551615",
    "18446744073709551615",
    "x",
    "1-",
    "1-1-1",
    "-1",
];
const ENCODINGS: &[&str] = &["u8", "i8", "u1", "i64", "u63", "u64", "i16", "u4", "i0", "x8", "i5"];

/// Draws a value for one argument of a command of a group.
pub(crate) fn draw(random: &mut Random, command: &str, group: &str, arg: &Arg) -> Vec<u8> {
    match arg.kind {
        Kind::Key if waits(command) => waited(random, group),
        Kind::Key => key(random, group),
        Kind::Integer => integer(random, command, &arg.name),
        Kind::Double => double(random, command, &arg.name),
        Kind::Pattern => random.pick(PATTERNS).as_bytes().to_vec(),
        Kind::UnixTime => unix_time(random, &arg.name),
        _ => text(random, command, &arg.name),
    }
}

/// A key: mostly one that the group's commands make.
pub(crate) fn key(random: &mut Random, group: &str) -> Vec<u8> {
    if random.one_in(400) {
        return Vec::new();
    }
    let home = HOMES.iter().find(|(name, _)| *name == group).filter(|_| !random.one_in(12));
    let (_, letter) = home.unwrap_or_else(|| random.pick(HOMES));
    format!("{letter}{}", random.below(KEYS)).into_bytes()
}

/// Whether a command may wait for its keys.
fn waits(command: &str) -> bool {
    let spec = cache_core::commands::find(command.as_bytes());
    spec.is_some_and(|spec| spec.flags.contains(Flags::BLOCKING))
}

/// A key that somebody may wait for.
fn waited(random: &mut Random, group: &str) -> Vec<u8> {
    let mut key = key(random, group);
    if let Some(number) = key.last_mut() {
        *number = b'0' + random.below(WAITED) as u8;
    }
    key
}

fn some(random: &mut Random, of: &[&str]) -> Vec<u8> {
    random.pick(of).as_bytes().to_vec()
}

fn number<T: ToString + Copy>(n: T) -> Vec<u8> {
    n.to_string().into_bytes()
}

fn small(random: &mut Random) -> Vec<u8> {
    number(random.below(24) as i64 - 12)
}

fn integer(random: &mut Random, command: &str, name: &str) -> Vec<u8> {
    if random.one_in(24) {
        return some(random, ODD_NUMBERS);
    }
    match name {
        // What lies in between would only fill memory.
        "offset" | "len" if !random.one_in(12) => number(random.below(200)),
        "offset" => some(random, &["-1", "9223372036854775807", "4294967296", "8191", "1000"]),
        "bit" => some(random, &["0", "1", "1", "0", "2"]),
        "index" if command == "select" => some(random, &["0", "1", "0", "16", "-1"]),
        "index1" | "index2" | "db" | "destination-db" => match random.below(8) {
            0 => some(random, &["16", "-1", "100"]),
            n => number(n % DATABASES),
        },
        // In a small list Valkey looks at the lower 32 bits alone.
        "index" if command.starts_with('l') => small(random),
        "cursor" => some(random, &["0", "0", "0", "0", "7", "18446744073709551615"]),
        "seconds" | "ttl" => some(
            random,
            &["1", "2", "3", "10", "100", "0", "-1", "9223372036854775", "9223372036854775807"],
        ),
        "milliseconds" if command.starts_with("xread") => {
            some(random, &["1", "5", "20", "100", "-1", "0"])
        }
        "milliseconds" => some(
            random,
            &["1", "5", "50", "500", "2000", "100000", "0", "-1", "9223372036854775807"],
        ),
        // One that is on neither side.
        "client-id" => b"4000000000".to_vec(),
        "protover" => some(random, &["2", "3", "4"]),
        "increment" | "decrement" if random.one_in(6) => some(random, EDGES),
        "count" | "limit" | "numkeys" | "numfields" if random.one_in(2) => number(random.below(6)),
        "count" => some(
            random,
            &[
                "0",
                "1",
                "2",
                "3",
                "10",
                "100",
                "-1",
                "-2",
                "-5",
                "9223372036854775807",
                "-9223372036854775808",
            ],
        ),
        _ if random.one_in(20) => some(random, EDGES),
        _ => small(random),
    }
}

fn double(random: &mut Random, command: &str, name: &str) -> Vec<u8> {
    match name {
        // What only a float of 80 bits can hold, or is written in base 16, leads to other data.
        "increment" if command.ends_with("incrbyfloat") => some(
            random,
            &[
                "0.5", "-0.25", "0.1", "3", "-7", "1e3", "1e-3", "inf", "nan", "x", "", " 1", "1 ",
                "5.0",
            ],
        ),
        "timeout" => some(
            random,
            &[
                "0.001",
                "0.01",
                "0.1",
                "0.5",
                "1",
                "0.02",
                "5",
                "1e2",
                "-1",
                "x",
                "inf",
                "nan",
                "1e400",
                "99999999999999",
                "0",
            ],
        ),
        "longitude" | "latitude" if !random.one_in(16) => number(
            (random.below(340_000) as f64 - 170_000.0)
                / if name == "latitude" { 2100.0 } else { 1000.0 },
        ),
        "radius" | "width" | "height" if !random.one_in(16) => number(random.below(9000)),
        // All digits of one that is far too large are told in the error, and not the same ones.
        "longitude" | "latitude" => some(random, &["181", "-86", "inf", "-inf", "nan", "x", "0"]),
        _ if random.one_in(2) => small(random),
        _ => some(random, FLOATS),
    }
}

fn unix_time(random: &mut Random, name: &str) -> Vec<u8> {
    if random.one_in(12) {
        return some(
            random,
            &["0", "-1", "1", "9223372036854775807", "9223372036854775", "x", "1.5"],
        );
    }
    let ms = EPOCH_MS + random.below(200_000) as u64;
    number(if name.contains("milli") { ms } else { ms / 1000 })
}

fn text(random: &mut Random, command: &str, name: &str) -> Vec<u8> {
    let numbered = |random: &mut Random, letter: char, n: usize| {
        format!("{letter}{}", random.below(n)).into_bytes()
    };
    match name {
        "field" | "member" | "element" | "pivot" | "member1" | "member2" if random.one_in(6) => {
            some(random, VALUES)
        }
        "field" => numbered(random, 'f', 10),
        "member" | "element" | "pivot" | "member1" | "member2" if random.one_in(3) => small(random),
        "member" | "element" | "pivot" | "member1" | "member2" => numbered(random, 'm', 12),
        "username" => some(random, &["default", "default", "default", "nosuch", ""]),
        "password" => some(random, &["secret", "secret", "secret", "x", ""]),
        "clientname" => some(random, &["a", "b-1", "", "a b"]),
        "channel" | "shardchannel" => numbered(random, 'c', 4),
        "group" => numbered(random, 'g', 2),
        "consumer" => numbered(random, 'k', 3),
        "offset" => some(
            random,
            &[
                "0",
                "1",
                "7",
                "100",
                "#0",
                "#1",
                "#7",
                "-1",
                "#-1",
                "x",
                "4294967295",
                "9223372036854775807",
            ],
        ),
        "encoding" => some(random, ENCODINGS),
        "libname" | "libver" | "connection-name" => some(random, &["a", "b-1", "", "a b", "é"]),
        "id" | "start" | "end" | "last-id" | "lastid" | "min-idle-time" | "threshold"
        | "max-deleted-id" | "stop"
            if command.starts_with('x') =>
        {
            match random.below(6) {
                0 => some(random, &["$", ">", "*"]),
                1 => number(random.below(10)),
                2 => format!("{}-{}", EPOCH_MS + random.below(3) as u64, random.below(4))
                    .into_bytes(),
                _ => some(random, IDS),
            }
        }
        "min" | "max" | "start" | "stop" | "end" => {
            match (command.contains("lex"), command.contains("score"), random.below(5)) {
                (_, _, 0) => some(random, ODD_NUMBERS),
                (true, ..) => some(random, LEX),
                (_, true, _) | (.., 1) => some(random, SCORES),
                (.., 2) if command == "zrange" || command == "zrangestore" => some(random, LEX),
                _ => small(random),
            }
        }
        // SORT BY and GET.
        "pattern" => {
            some(random, &["s*", "h*->f1", "#", "nosort", "*", "z*", "nosuch*", "h*->", "*->f1"])
        }
        _ => match random.below(40) {
            0 => vec![b'x'; 100],
            1 => vec![b'y'; 1500],
            2 => vec![0, 255, 254, 10, 13],
            n if n < 16 => small(random),
            _ => some(random, VALUES),
        },
    }
}
