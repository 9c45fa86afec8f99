//! What is asked: which requests there are, and how often each.
//!
//! What must never be here: sockets, replies, the bytes of a protocol.

use super::keys::{Keys, Random, Sizes};
use super::replies::Protocol;
use super::template::Template;

/// The named tests: what `-t` takes. Commands as redis-benchmark sends them, but for keys, which
/// are always drawn from the keyspace.
const TESTS: &[(&str, &str)] = &[
    ("ping", "PING"),
    ("set", "SET __rand_key__ __data__"),
    ("get", "GET __rand_key__"),
    ("del", "DEL __rand_key__"),
    ("exists", "EXISTS __rand_key__"),
    ("expire", "EXPIRE __rand_key__ 1000"),
    ("ttl", "TTL __rand_key__"),
    ("incr", "INCR counter:__rand_int__"),
    ("append", "APPEND __rand_key__ __data__"),
    ("lpush", "LPUSH mylist __data__"),
    ("rpush", "RPUSH mylist __data__"),
    ("lpop", "LPOP mylist"),
    ("rpop", "RPOP mylist"),
    ("lrange_100", "LRANGE mylist 0 99"),
    ("sadd", "SADD myset element:__rand_int__"),
    ("spop", "SPOP myset"),
    ("hset", "HSET myhash element:__rand_int__ __data__"),
    ("hget", "HGET myhash element:__rand_int__"),
    ("zadd", "ZADD myzset __rand_int__ element:__rand_int__"),
    ("zpopmin", "ZPOPMIN myzset"),
    (
        "mset",
        "MSET __rand_key__ __data__ __rand_key__ __data__ __rand_key__ __data__ __rand_key__ \
         __data__ __rand_key__ __data__ __rand_key__ __data__ __rand_key__ __data__ __rand_key__ \
         __data__ __rand_key__ __data__ __rand_key__ __data__",
    ),
    (
        "mget",
        "MGET __rand_key__ __rand_key__ __rand_key__ __rand_key__ __rand_key__ __rand_key__ \
         __rand_key__ __rand_key__ __rand_key__ __rand_key__",
    ),
];

/// Commands that look something up, and find it or answer nil.
const LOOKUPS: &[&str] = &[
    "get",
    "getdel",
    "getex",
    "getset",
    "hget",
    "lindex",
    "lpop",
    "rpop",
    "spop",
    "srandmember",
    "zscore",
];

/// What all requests share.
#[derive(Clone, Debug)]
pub(crate) struct Style {
    pub(crate) protocol: Protocol,
    pub(crate) key_prefix: String,
    pub(crate) sizes: Sizes,
    /// Seconds that what is SET lives.
    pub(crate) expire: Option<u32>,
}

/// One kind of request.
#[derive(Clone, Debug)]
pub(crate) struct Op {
    pub(crate) name: String,
    /// Whether it looks something up: then a reply is a hit or a miss.
    pub(crate) looks_up: bool,
    template: Template,
}

impl Op {
    fn new(name: &str, command: &str, template: Template) -> Self {
        let word = command.split_whitespace().next().unwrap_or_default().to_ascii_lowercase();
        Op { name: name.to_owned(), looks_up: LOOKUPS.contains(&&*word), template }
    }
}

/// Requests, each as often as its weight says.
#[derive(Clone, Debug)]
pub(crate) struct Workload {
    pub(crate) name: String,
    pub(crate) ops: Vec<Op>,
    /// For each, the sum of the weights up to it and with it.
    bounds: Vec<u64>,
}

impl Workload {
    /// One of the named tests.
    pub(crate) fn test(style: &Style, name: &str) -> Result<Self, String> {
        let lower = name.to_ascii_lowercase();
        let op = named(style, &lower)?;
        Ok(Self::new(lower, vec![(op, 1)]))
    }

    /// SET and GET in this ratio; a part that is 0 is left out.
    pub(crate) fn mix(style: &Style, sets: u32, gets: u32) -> Result<Self, String> {
        let mut ops = Vec::new();
        for (name, weight) in [("set", sets), ("get", gets)] {
            if weight > 0 {
                ops.push((named(style, name)?, u64::from(weight)));
            }
        }
        Ok(Self::new(format!("set:get {sets}:{gets}"), ops))
    }

    /// Commands as they were typed, each as often as any other.
    pub(crate) fn commands(style: &Style, lines: &[String]) -> Result<Self, String> {
        if style.protocol != Protocol::Resp {
            return Err("--command is for --protocol resp".into());
        }
        let op = |line: &String| Ok((Op::new(line, line, Template::resp(style, line)?), 1));
        let ops = lines.iter().map(op).collect::<Result<Vec<_>, String>>()?;
        let name = if lines.len() == 1 { lines[0].clone() } else { "commands".into() };
        Ok(Self::new(name, ops))
    }

    fn new(name: String, ops: Vec<(Op, u64)>) -> Self {
        let mut sum = 0;
        let bounds = ops.iter().map(|(_, weight)| {
            sum += weight;
            sum
        });
        Workload {
            name,
            bounds: bounds.collect(),
            ops: ops.into_iter().map(|(op, _)| op).collect(),
        }
    }

    /// Appends the next request; gives which of `ops` it is.
    #[inline]
    pub(crate) fn encode(&self, keys: &mut Keys, random: &mut Random, out: &mut Vec<u8>) -> usize {
        let op = match &*self.bounds {
            [_] => 0,
            bounds => {
                let drawn = random.below(bounds[bounds.len() - 1]);
                bounds.iter().take_while(|bound| **bound <= drawn).count()
            }
        };
        self.ops[op].template.encode(keys, random, out);
        op
    }
}

/// The requests of a named test.
fn named(style: &Style, name: &str) -> Result<Op, String> {
    let template = match style.protocol {
        Protocol::Resp => {
            let Some((_, line)) = TESTS.iter().find(|(test, _)| *test == name) else {
                let known: Vec<&str> = TESTS.iter().map(|(test, _)| *test).collect();
                return Err(format!("no test is called `{name}`; there are {}", known.join(", ")));
            };
            match style.expire {
                Some(seconds) if name == "set" => {
                    Template::resp(style, &format!("{line} EX {seconds}"))?
                }
                _ => Template::resp(style, line)?,
            }
        }
        Protocol::Memcached => Template::memcached(style, name)?,
    };
    Ok(Op::new(name, name, template))
}

#[cfg(test)]
mod tests {
    use super::super::keys::Distribution;
    use super::*;
    use cache_core::protocol::Value;

    fn style(protocol: Protocol, sizes: &str) -> Style {
        let sizes = sizes.parse().unwrap();
        Style { protocol, key_prefix: "k:".into(), sizes, expire: None }
    }

    fn encoded(workload: &Workload, times: usize) -> String {
        let mut keys = Keys::new(1000, Distribution::Sequential);
        let (mut random, mut out) = (Random::new(1, 0), Vec::new());
        for _ in 0..times {
            workload.encode(&mut keys, &mut random, &mut out);
        }
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn requests_are_well_formed() {
        let resp = style(Protocol::Resp, "3");
        assert_eq!(
            encoded(&Workload::test(&resp, "GET").unwrap(), 2),
            "*2\r\n$3\r\nGET\r\n$14\r\nk:000000000000\r\n*2\r\n$3\r\nGET\r\n$14\r\nk:000000000001\r\n"
        );
        assert_eq!(
            encoded(&Workload::mix(&Style { expire: Some(9), ..resp.clone() }, 1, 0).unwrap(), 1),
            "*5\r\n$3\r\nSET\r\n$14\r\nk:000000000000\r\n$3\r\nabc\r\n$2\r\nEX\r\n$1\r\n9\r\n"
        );
        let line = "SET \"a b\" x__data__y__rand_int____data__".to_owned();
        assert_eq!(
            encoded(&Workload::commands(&resp, &[line]).unwrap(), 1),
            "*3\r\n$3\r\nSET\r\n$3\r\na b\r\n$20\r\nxabcy000000000000abc\r\n"
        );
        let memcached = style(Protocol::Memcached, "3");
        assert_eq!(
            encoded(&Workload::test(&memcached, "set").unwrap(), 1),
            "set k:000000000000 0 0 3\r\nabc\r\n"
        );
        assert_eq!(
            encoded(&Workload::test(&memcached, "get").unwrap(), 1),
            "get k:000000000000\r\n"
        );
    }

    #[test]
    fn lengths_follow_the_values() {
        let resp = style(Protocol::Resp, "0-120");
        let lines = ["ECHO -__data__-__data__".to_owned()];
        let text = encoded(&Workload::commands(&resp, &lines).unwrap(), 500);
        let (mut rest, mut requests) = (text.as_bytes(), 0);
        while let Some((_, length)) = Value::parse(rest).unwrap() {
            (rest, requests) = (&rest[length..], requests + 1);
        }
        assert_eq!((rest.len(), requests), (0, 500));
    }

    #[test]
    fn every_test_is_a_command() {
        let resp = style(Protocol::Resp, "3");
        for (name, _) in TESTS {
            assert!(encoded(&Workload::test(&resp, name).unwrap(), 1).starts_with('*'), "{name}");
        }
        let error = Workload::test(&resp, "gte").unwrap_err();
        assert!(error.contains("`gte`") && error.contains("get, "), "{error}");
        assert!(Workload::test(&style(Protocol::Memcached, "3"), "incr").is_err());
        assert!(Workload::commands(&resp, &["GET \"".into()]).is_err());
        assert!(Workload::commands(&resp, &[String::new()]).is_err());
    }

    #[test]
    fn hits_are_of_lookups() {
        let resp = style(Protocol::Resp, "3");
        let looks_up = |workload: Workload| workload.ops.iter().all(|op| op.looks_up);
        assert!(looks_up(Workload::test(&resp, "get").unwrap()));
        assert!(looks_up(Workload::test(&style(Protocol::Memcached, "3"), "get").unwrap()));
        assert!(!looks_up(Workload::test(&resp, "set").unwrap()));
        assert!(looks_up(Workload::commands(&resp, &["hGet h __rand_int__".into()]).unwrap()));
    }

    #[test]
    fn a_mix_keeps_its_ratio() {
        let workload = Workload::mix(&style(Protocol::Resp, "3"), 1, 9).unwrap();
        let text = encoded(&workload, 10_000);
        let sets = text.matches("SET").count();
        assert!((850..1150).contains(&sets), "{sets}");
    }
}
