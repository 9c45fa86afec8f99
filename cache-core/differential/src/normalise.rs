//! What may differ between two servers that are both right: a short list, with reasons.

use cache_core::protocol::Value;

use crate::story::{self, Words};

/// What is done to a reply before it is compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Rule {
    /// Nothing.
    Exact,
    /// Elements are sorted.
    Unordered,
    /// Elements are sorted by twos when they lie side by side, as RESP2 has them.
    UnorderedPairs,
    /// Only how many there are, and which are nil, counts.
    Shape,
    /// A cursor and what was found by one call: sorted when both found all, else nothing counts.
    Scan,
    /// Floats may differ in their last digits.
    Near,
    /// All errors are one.
    Faults,
    /// Whether it is an error, and which, counts; else nothing.
    Errors,
}

/// The commands whose replies are not compared to the byte.
const RULES: &[(Rule, &str, &[&str])] = &[
    (
        Rule::Unordered,
        "an order that follows from hashing, or from how a set lies in memory",
        &[
            "keys",
            "hkeys",
            "hvals",
            "smembers",
            "sinter",
            "sunion",
            "sdiff",
            "pubsub|channels",
            "pubsub|shardchannels",
        ],
    ),
    (
        Rule::Shape,
        "Valkey's depends on what a value has been before, Larder's on what it is",
        &["object|encoding"],
    ),
    (
        Rule::UnorderedPairs,
        "the same, of pairs",
        &["hgetall", "pubsub|numsub", "pubsub|shardnumsub"],
    ),
    (
        Rule::Shape,
        "chosen at random",
        &["randomkey", "hrandfield", "srandmember", "zrandmember", "spop"],
    ),
    (
        Rule::Near,
        "Valkey adds floats of 80 bits, Larder adds decimals exactly",
        &["incrbyfloat", "hincrbyfloat"],
    ),
    (
        Rule::Faults,
        "of two faults in one command either may be told",
        &["copy", "xsetid", "geosearch", "geosearchstore"],
    ),
    (Rule::Scan, "cursors are each server's own", &["scan", "hscan", "sscan", "zscan"]),
    (
        Rule::Errors,
        "numbers of clients, and facts about memory and use",
        &[
            "client|id",
            "client|getredir",
            "hello",
            "memory|usage",
            "object|idletime",
            "object|freq",
        ],
    ),
];

/// Whether both replies to a command say the same. `queued`: the commands that EXEC ran.
pub(crate) fn same(words: &Words, queued: &[Words], ours: &Value, theirs: &Value) -> bool {
    if let (Value::Array(ours), Value::Array(theirs)) = (ours, theirs)
        && !queued.is_empty()
    {
        let pairs = || ours.iter().zip(theirs).zip(queued);
        return ours.len() == theirs.len()
            && pairs().all(|((ours, theirs), words)| same(words, &[], ours, theirs));
    }
    let name = story::name(words);
    let rule = rule(&name);
    match (rule, ours, theirs) {
        (Rule::Near | Rule::Faults, Value::Error(_), Value::Error(_)) => return true,
        (Rule::Near, Value::Bulk(ours), Value::Bulk(theirs)) => return near(ours, theirs),
        (Rule::Near, Value::Error(_), Value::Bulk(theirs)) => return near(b"inf", theirs),
        (_, Value::Error(ours), Value::Error(theirs)) => return cut(ours) == cut(theirs),
        (Rule::Scan, ..) => return same_scan(words, ours, theirs),
        _ => {}
    }
    let layout = |value: &Value| match value {
        Value::Bulk(name) => name.starts_with(b"radix-tree-"),
        _ => false,
    };
    if name == "xinfo|stream" {
        return same_but(layout, ours, theirs);
    }
    // A reply's text for people shows floats that are no numbers as equal, too.
    format!("{:?}", normal(rule, ours)) == format!("{:?}", normal(rule, theirs))
}

fn rule(name: &str) -> Rule {
    let found = RULES.iter().find(|(.., names)| names.contains(&name));
    found.map_or(Rule::Exact, |(rule, ..)| *rule)
}

fn normal(rule: Rule, value: &Value) -> Value {
    let sorted = |items: &[Value]| {
        let mut items = items.to_vec();
        items.sort_by_cached_key(|item| format!("{item:?}"));
        items
    };
    match (rule, value) {
        (_, Value::Error(_)) => value.clone(),
        (Rule::Unordered, Value::Array(items)) => Value::Array(sorted(items)),
        (Rule::Unordered, Value::Set(items)) => Value::Set(sorted(items)),
        (Rule::UnorderedPairs, Value::Array(items)) => {
            let mut pairs: Vec<_> =
                items.chunks(2).map(|pair| Value::Array(pair.to_vec())).collect();
            pairs.sort_by_cached_key(|pair| format!("{pair:?}"));
            Value::Array(pairs)
        }
        (Rule::Unordered | Rule::UnorderedPairs, Value::Map(pairs)) => {
            let mut pairs = pairs.clone();
            pairs.sort_by_cached_key(|pair| format!("{pair:?}"));
            Value::Map(pairs)
        }
        (Rule::Shape, Value::Array(items)) => {
            Value::Array(items.iter().map(|i| normal(rule, i)).collect())
        }
        (Rule::Shape, Value::Set(items)) => {
            Value::Set(items.iter().map(|i| normal(rule, i)).collect())
        }
        (Rule::Shape, Value::Bulk(_) | Value::Double(_)) => Value::Integer(0),
        (Rule::Errors, _) => Value::Null,
        _ => value.clone(),
    }
}

/// A call that began at the beginning and after which nothing is left has found all there is.
fn same_scan(words: &Words, ours: &Value, theirs: &Value) -> bool {
    let parts = |value: &Value| match value {
        Value::Array(parts) => match parts.as_slice() {
            [Value::Bulk(cursor), Value::Array(found)] => Some((cursor.clone(), found.clone())),
            _ => None,
        },
        _ => None,
    };
    let (Some((our_end, ours)), Some((their_end, theirs))) = (parts(ours), parts(theirs)) else {
        return ours == theirs;
    };
    let has = |option: &[u8]| words.iter().any(|word| word.eq_ignore_ascii_case(option));
    let (at, by) = match story::name(words).as_str() {
        "scan" => (1, 1),
        "zscan" if !has(b"NOSCORES") => (2, 2),
        "hscan" if !has(b"NOVALUES") => (2, 2),
        _ => (2, 1),
    };
    let scores = by == 2 && story::name(words) == "zscan";
    let whole = words.get(at).is_some_and(|w| w == b"0") && our_end == b"0" && their_end == b"0";
    let sorted = |found: &[Value]| {
        let mut found: Vec<Vec<Value>> = found.chunks(by).map(<[Value]>::to_vec).collect();
        // In a large sorted set Valkey shows scores to ZSCAN with 17 digits, elsewhere with as few as
        // it takes.
        for score in found.iter_mut().filter(|_| scores).filter_map(|pair| pair.get_mut(1)) {
            if let Some(number) = score.as_text().and_then(|text| text.parse().ok()) {
                *score = Value::Double(number);
            }
        }
        found.sort_by_cached_key(|item| format!("{item:?}"));
        found
    };
    !whole || sorted(&ours) == sorted(&theirs)
}

/// Whether two maps, or the lists that RESP2 has for them, are the same but for the values of some
/// names: XINFO STREAM tells how a stream lies in memory.
fn same_but(leave_out: impl Fn(&Value) -> bool, ours: &Value, theirs: &Value) -> bool {
    let kept = |value: &Value| -> Vec<String> {
        let pairs: Vec<(Value, Value)> = match value {
            Value::Map(pairs) => pairs.clone(),
            Value::Array(items) => {
                let pair = |pair: &[Value]| Some((pair.first()?.clone(), pair.get(1)?.clone()));
                items.chunks(2).filter_map(pair).collect()
            }
            other => vec![(other.clone(), Value::Null)],
        };
        pairs.iter().filter(|(name, _)| !leave_out(name)).map(|pair| format!("{pair:?}")).collect()
    };
    kept(ours) == kept(theirs)
}

fn near(ours: &[u8], theirs: &[u8]) -> bool {
    let float = |text: &[u8]| std::str::from_utf8(text).ok()?.parse::<f64>().ok();
    match (float(ours), float(theirs)) {
        (Some(ours), Some(theirs)) => {
            ours == theirs || (ours - theirs).abs() <= theirs.abs() * 1e-15
        }
        _ => false,
    }
}

/// Larder repeats no more than 128 bytes of what it was sent in an error.
fn cut(error: &str) -> &str {
    const SHOWN: usize = 100;
    if error.len() <= SHOWN { error } else { error.get(..SHOWN).unwrap_or(error) }
}

/// Makes one of all messages about keys that have changed, since Valkey broadcasts those of a turn
/// together.
pub(crate) fn join_invalidations(values: &mut Vec<Value>) {
    let mut keys = Vec::new();
    values.retain(|value| {
        let Value::Push(items) = value else { return true };
        match items.as_slice() {
            [Value::Bulk(kind), Value::Array(names)] if kind == b"invalidate" => {
                keys.extend(names.iter().map(|name| (format!("{name:?}"), name.clone())));
            }
            [Value::Bulk(kind), all] if kind == b"invalidate" => {
                keys.push((String::new(), all.clone()));
            }
            _ => return true,
        }
        false
    });
    keys.sort_by(|(a, _), (b, _)| a.cmp(b));
    keys.dedup_by(|(a, _), (b, _)| a == b);
    if !keys.is_empty() {
        let head = Value::Bulk(b"invalidate".to_vec());
        let names = keys.into_iter().map(|(_, name)| name);
        values.push(Value::Push([head].into_iter().chain(names).collect()));
    }
}

/// Leaves out messages about sums of floats, which may be too large for one side only.
pub(crate) fn leave_out_sums(values: &mut Vec<Value>) {
    values.retain(|value| {
        let (Value::Push(items) | Value::Array(items)) = value else { return true };
        let channel = items.iter().rev().nth(1).and_then(Value::as_text).unwrap_or_default();
        !(channel.starts_with("__keyevent@") && channel.ends_with("incrbyfloat"))
    });
}

/// Puts messages about keys that have changed before all else.
pub(crate) fn part_invalidations(values: &mut [Value]) {
    values.sort_by_key(|value| match value {
        Value::Push(items) => items.first().and_then(Value::as_text) != Some("invalidate"),
        _ => true,
    });
}

/// Puts messages into one order whose order is each server's own business: those that several patterns
/// of one client match, and the names that UNSUBSCRIBE without any leaves.
pub(crate) fn order_messages(values: &mut [Value]) {
    let mut at = 0;
    while at < values.len() {
        let same = match about(&values[at]) {
            Some(first) => {
                values[at..].iter().take_while(|v| about(v).as_ref() == Some(&first)).count()
            }
            None => 1,
        };
        let run = &mut values[at..at + same];
        let mut names: Vec<Value> = run.iter().filter_map(|v| name_of(v).cloned()).collect();
        names.sort_by_cached_key(|name| format!("{name:?}"));
        for (value, name) in run.iter_mut().zip(names) {
            if let Value::Push(items) | Value::Array(items) = value {
                items[1] = name;
            }
        }
        at += same;
    }
}

/// What a message says but for the name of the pattern or the channel that it is about.
fn about(value: &Value) -> Option<String> {
    let (Value::Push(items) | Value::Array(items)) = value else { return None };
    match items.as_slice() {
        [Value::Bulk(kind), _, channel, text] if kind == b"pmessage" => {
            Some(format!("{channel:?} {text:?}"))
        }
        [Value::Bulk(kind), _, Value::Integer(_)] if kind.ends_with(b"unsubscribe") => {
            Some(format!("{kind:?}"))
        }
        _ => None,
    }
}

fn name_of(message: &Value) -> Option<&Value> {
    match message {
        Value::Push(items) | Value::Array(items) => items.get(1),
        _ => None,
    }
}
