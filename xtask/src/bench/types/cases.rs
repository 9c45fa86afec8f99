//! What is measured: values of each type, how they come about, and what is asked of them.

/// Larder is to take at most so much of Valkey's user time, for the commands that have a goal.
const SPEED: Option<f64> = Some(0.5);
/// And so much of its memory.
const MEMORY: Option<f64> = Some(0.8);

/// Values of a type.
pub(super) struct Case {
    pub(super) name: &'static str,
    /// What there is when all is filled in, with `{}` for the number of keys.
    pub(super) what: &'static str,
    /// Keys (or members), as a part of `--keys`.
    pub(super) keys: f64,
    /// Bytes of `__data__`.
    pub(super) data: u32,
    pub(super) fill: &'static [Fill],
    pub(super) memory_goal: Option<f64>,
    pub(super) tests: &'static [Test],
}

/// A command that is sent once for each key in turn, or so many times with keys drawn evenly.
pub(super) struct Fill {
    pub(super) command: &'static str,
    /// How often for each key; `None`: once, in their order.
    pub(super) drawn: Option<u32>,
}

/// A command that is measured.
pub(super) struct Test {
    pub(super) name: &'static str,
    pub(super) command: &'static str,
    pub(super) goal: Option<f64>,
}

const fn each(command: &'static str) -> Fill {
    Fill { command, drawn: None }
}

const fn drawn(command: &'static str, times: u32) -> Fill {
    Fill { command, drawn: Some(times) }
}

/// A command with a goal.
const fn goal(name: &'static str, command: &'static str) -> Test {
    Test { name, command, goal: SPEED }
}

const fn test(name: &'static str, command: &'static str) -> Test {
    Test { name, command, goal: None }
}

pub(super) const CASES: &[Case] = &[
    Case {
        name: "small hashes",
        what: "{} hashes of 5 fields, names of 10 bytes and values of 20",
        keys: 1.0,
        data: 20,
        fill: &[each(
            "HSET __rand_key__ field:0001 __data__ field:0002 __data__ field:0003 __data__ \
             field:0004 __data__ field:0005 __data__",
        )],
        memory_goal: MEMORY,
        tests: &[
            goal("HGET", "HGET __rand_key__ field:0003"),
            goal("HSET", "HSET __rand_key__ field:0003 __data__"),
            test("HGETALL", "HGETALL __rand_key__"),
            test("HINCRBY (new, then again)", "HINCRBY __rand_key__ field:0006 1"),
        ],
    },
    Case {
        name: "large hash",
        what: "one hash of {} fields, names of 18 bytes and values of 20",
        keys: 1.0,
        data: 20,
        fill: &[each("HSET hash field:__rand_int__ __data__")],
        memory_goal: None,
        tests: &[
            goal("HGET", "HGET hash field:__rand_int__"),
            goal("HSET", "HSET hash field:__rand_int__ __data__"),
        ],
    },
    Case {
        name: "large list",
        what: "one list of {} elements of 20 bytes",
        keys: 1.0,
        data: 20,
        fill: &[each("LPUSH list __data__")],
        memory_goal: None,
        tests: &[
            goal("LRANGE 0 99", "LRANGE list 0 99"),
            goal("LPUSH", "LPUSH list __data__"),
            test("RPOP", "RPOP list"),
        ],
    },
    Case {
        name: "small lists",
        what: "{} lists of 5 elements of 20 bytes",
        keys: 0.2,
        data: 20,
        fill: &[each("RPUSH __rand_key__ __data__ __data__ __data__ __data__ __data__")],
        memory_goal: None,
        tests: &[
            goal("LRANGE 0 99", "LRANGE __rand_key__ 0 99"),
            goal("LPUSH (5 to 15)", "LPUSH __rand_key__ __data__"),
            test("RPOP (15 to 5)", "RPOP __rand_key__"),
        ],
    },
    Case {
        name: "large set",
        what: "one set of {} members of 19 bytes",
        keys: 1.0,
        data: 20,
        fill: &[each("SADD set member:__rand_int__")],
        memory_goal: None,
        tests: &[
            test("SISMEMBER", "SISMEMBER set member:__rand_int__"),
            goal("SADD (there)", "SADD set member:__rand_int__"),
            goal("SADD (half new)", "SADD set member:__rand_int__ member__rand_int__"),
        ],
    },
    Case {
        name: "small sets",
        what: "{} sets of 5 members of 10 bytes",
        keys: 0.2,
        data: 20,
        fill: &[each("SADD __rand_key__ memb:00001 memb:00002 memb:00003 memb:00004 memb:00005")],
        memory_goal: None,
        tests: &[
            test("SISMEMBER", "SISMEMBER __rand_key__ memb:00003"),
            goal("SADD (new, 5 to 15)", "SADD __rand_key__ memb:__rand_int__"),
        ],
    },
    Case {
        name: "large sorted set",
        what: "one sorted set of 95 % of {} members of 19 bytes",
        keys: 1.0,
        data: 20,
        fill: &[drawn("ZADD zset __rand_int__ member:__rand_int__", 3)],
        memory_goal: MEMORY,
        tests: &[
            test("ZSCORE", "ZSCORE zset member:__rand_int__"),
            test("ZRANK", "ZRANK zset member:__rand_int__"),
            goal("ZRANGE 0 99", "ZRANGE zset 0 99"),
            goal("ZADD (other scores)", "ZADD zset __rand_int__ member:__rand_int__"),
        ],
    },
    Case {
        name: "small sorted sets",
        what: "{} sorted sets of 5 members of 10 bytes",
        keys: 0.2,
        data: 20,
        fill: &[each(
            "ZADD __rand_key__ 1 memb:00001 2 memb:00002 3 memb:00003 4 memb:00004 5 memb:00005",
        )],
        memory_goal: None,
        tests: &[
            test("ZSCORE", "ZSCORE __rand_key__ memb:00003"),
            goal("ZRANGE 0 99", "ZRANGE __rand_key__ 0 99"),
            goal("ZADD (other scores)", "ZADD __rand_key__ __rand_int__ memb:00003"),
        ],
    },
    Case {
        name: "stream",
        what: "one stream of {} entries, 3 fields with values of 12 bytes",
        keys: 1.0,
        data: 20,
        fill: &[each("XADD stream * temp __rand_int__ wind __rand_int__ station __rand_int__")],
        memory_goal: MEMORY,
        tests: &[
            test("XRANGE, 10 entries", "XRANGE stream - + COUNT 10"),
            goal("XADD", "XADD stream * temp __rand_int__ wind __rand_int__ station __rand_int__"),
        ],
    },
    Case {
        name: "small streams",
        what: "{} streams of 5 entries, 3 fields with values of 12 bytes",
        keys: 0.2,
        data: 20,
        fill: &[drawn(
            "XADD __rand_key__ * temp __rand_int__ wind __rand_int__ station __rand_int__",
            5,
        )],
        memory_goal: None,
        tests: &[goal(
            "XADD (5 to 15)",
            "XADD __rand_key__ * temp __rand_int__ wind __rand_int__ station __rand_int__",
        )],
    },
];
