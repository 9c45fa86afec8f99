//! What clients asked and heard, and whether all of it can be true.
//!
//! Values of registers are unique, so whoever reads one says which write it saw. A node may answer like
//! one copy of the data that everyone shares (linearizability; decided for unique values in one pass:
//! Gibbons and Korach, "Testing Shared Memories", SIAM J. Comput. 26, 1997), a replica like an earlier
//! moment of it that never goes back. When a primary loses what it need not keep, an age ends: what was
//! read before no longer counts, but for what must have survived. What must never be here: a node.

use super::network::Machine;
use crate::random::mix;

/// Names a value, and so the write of it; 0 is that nothing was ever written.
pub(crate) type ValueId = u32;

/// Something that a client asked for.
#[derive(Clone, Copy, Debug)]
struct Op {
    began_us: u64,
    /// `None`: nobody knows what became of it.
    ended_us: Option<u64>,
    value: ValueId,
    is_write: bool,
    node: Machine,
    /// Which start of the node.
    boot: u32,
    age: u32,
}

/// Names something that was asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct OpId {
    pub(crate) key: u32,
    at: u32,
}

/// An age that has ended: when, and what of it may be gone.
#[derive(Clone, Copy, Debug)]
struct Lost {
    /// What was acknowledged up to this moment must be there still.
    kept_us: u64,
}

#[derive(Clone, Debug)]
pub(crate) struct History {
    /// For each key, in the order in which they began.
    keys: Vec<Vec<Op>>,
    /// For each value which key it is of, and where its write stands.
    values: Vec<(u32, u32)>,
    lost: Vec<Lost>,
    primary: Machine,
}

/// The text of a value: some are long.
pub(crate) fn text(value: ValueId) -> Vec<u8> {
    let dice = mix(u64::from(value) + 1);
    let len = match dice % 400 {
        0 => 60_000,
        1..=12 => 3_000,
        _ => 40,
    };
    let mut text = format!("v{value}.").into_bytes();
    let tail = (dice >> 32) as usize % len;
    let filler = (0..tail).map(|at| b'a' + ((dice >> (at % 48)) % 23) as u8);
    text.extend(filler);
    text
}

/// Which value a text is; `None`: none that was ever written.
pub(crate) fn value_of(bytes: &[u8]) -> Option<ValueId> {
    let end = bytes.iter().position(|&byte| byte == b'.')?;
    let digits = std::str::from_utf8(bytes.get(1..end)?).ok()?;
    let value = digits.parse().ok()?;
    (text(value) == bytes).then_some(value)
}

impl History {
    pub(crate) fn new(keys: u32, primary: Machine) -> Self {
        let keys = vec![Vec::new(); keys as usize];
        History { keys, values: vec![(u32::MAX, 0)], lost: Vec::new(), primary }
    }

    pub(crate) fn len(&self) -> usize {
        self.keys.iter().map(Vec::len).sum()
    }

    fn age(&self) -> u32 {
        self.lost.len() as u32
    }

    /// A write of a value that nobody has written before.
    pub(crate) fn begin_write(
        &mut self,
        now_us: u64,
        key: u32,
        (node, boot): (Machine, u32),
    ) -> (OpId, ValueId) {
        let value = self.values.len() as ValueId;
        let at = self.keys[key as usize].len() as u32;
        self.values.push((key, at));
        let age = self.age();
        let op = Op { began_us: now_us, ended_us: None, value, is_write: true, node, boot, age };
        self.keys[key as usize].push(op);
        (OpId { key, at }, value)
    }

    pub(crate) fn end_write(&mut self, now_us: u64, id: OpId) {
        let age = self.age();
        let op = &mut self.keys[id.key as usize][id.at as usize];
        // An answer that was under way when the primary lost its data says nothing of the next age.
        if op.age == age {
            op.ended_us = Some(now_us);
        }
    }

    /// A read that has ended. What was read in an age that has ended meanwhile is left out.
    ///
    /// # Errors
    /// What is wrong with the value at first sight.
    pub(crate) fn read(
        &mut self,
        (began_us, ended_us): (u64, u64),
        key: u32,
        (node, boot): (Machine, u32),
        bytes: Option<&[u8]>,
    ) -> Result<(), String> {
        let value = match bytes {
            None => 0,
            Some(bytes) => {
                let known = value_of(bytes).filter(|value| {
                    self.values.get(*value as usize).is_some_and(|(of, _)| *of == key)
                });
                known.ok_or_else(|| {
                    let shown = super::record::shown(bytes);
                    format!("node {node} has {shown} for key {key}, which nobody has written there")
                })?
            }
        };
        let age = self.age();
        let ended_us = Some(ended_us);
        let op = Op { began_us, ended_us, value, is_write: false, node, boot, age };
        self.keys[key as usize].push(op);
        Ok(())
    }

    /// Which age it is: a read that began in another one is not to be noted.
    pub(crate) fn now_age(&self) -> u32 {
        self.age()
    }

    /// The primary has lost what was not acknowledged by `kept_us`, or may have.
    pub(crate) fn end_age(&mut self, kept_us: u64) {
        self.lost.push(Lost { kept_us });
    }

    fn write_of(&self, value: ValueId) -> Option<&Op> {
        let (key, at) = *self.values.get(value as usize)?;
        self.keys.get(key as usize)?.get(at as usize)
    }

    /// Whether all of it can be true.
    ///
    /// # Errors
    /// What can't.
    pub(crate) fn check(&self) -> Result<(), String> {
        for (key, ops) in self.keys.iter().enumerate() {
            let fail = |what: String| format!("key {key}: {what}");
            for age in 0..=self.age() {
                self.check_order(ops, age).map_err(fail)?;
                self.check_kept(ops, age).map_err(fail)?;
            }
            self.check_replicas(ops).map_err(fail)?;
        }
        Ok(())
    }

    /// The value that a read saw, as its age sees it: 0 stands for whatever was there before.
    fn seen(&self, op: &Op) -> ValueId {
        let of_age = self.write_of(op.value).is_some_and(|write| write.age == op.age);
        if of_age { op.value } else { 0 }
    }

    /// What the primary did in one age was as if done at one moment each.
    fn check_order(&self, ops: &[Op], age: u32) -> Result<(), String> {
        let mut spans: Vec<Span> = Vec::new();
        let at_primary = |op: &&Op| op.node == self.primary && op.age == age;
        for op in ops.iter().filter(at_primary) {
            let value = if op.is_write { op.value } else { self.seen(op) };
            let at = spans.binary_search_by_key(&value, |span| span.value).unwrap_or_else(|at| {
                spans.insert(at, Span::new(value));
                at
            });
            spans[at].add(op)?;
        }
        // Nobody saw what nobody knows to be written: it may never have been.
        spans.retain(|span| span.first_end_us < u64::MAX);
        for span in &spans {
            span.check()?;
        }
        check_spans(&mut spans)
    }

    /// What had to survive the end of an age did.
    fn check_kept(&self, ops: &[Op], age: u32) -> Result<(), String> {
        let Some(lost) = age.checked_sub(1).and_then(|before| self.lost.get(before as usize))
        else {
            return Ok(());
        };
        let mut kept = None;
        let reads = ops.iter().filter(is_read_in(self.primary, age));
        for read in reads.filter(|op| self.seen(op) == 0) {
            let value = *kept.get_or_insert(read.value);
            if value != read.value {
                return Err(format!(
                    "both {value} and {} were there after the same start",
                    read.value
                ));
            }
            let write = self.write_of(value).filter(|write| write.age + 1 == age);
            // What was there when the age before began is older than all that was written in it.
            let known_us = write.map_or(0, |write| write.ended_us.unwrap_or(u64::MAX));
            let newer = |op: &&Op| {
                op.is_write
                    && op.age + 1 == age
                    && (write.is_none() || op.began_us > known_us)
                    && op.ended_us.is_some_and(|ended_us| ended_us <= lost.kept_us)
            };
            let inherited = ops.iter().filter(is_read_in(self.primary, age - 1));
            let mut inherited =
                inherited.filter(|op| self.seen(op) == 0 && op.ended_us <= Some(lost.kept_us));
            if let Some(before) = inherited.next().filter(|_| write.is_none())
                && before.value != value
            {
                let was = before.value;
                return Err(format!("{was} was there at one start, and {value} at the next"));
            }
            if let Some(gone) = ops.iter().find(newer) {
                return Err(format!(
                    "{} was acknowledged at {} us, and had to survive what happened up to {} us; \
                     {value} is there instead",
                    gone.value,
                    gone.ended_us.unwrap_or(0),
                    lost.kept_us
                ));
            }
        }
        Ok(())
    }

    /// No replica went back while it ran, and none showed what the primary can't have had.
    fn check_replicas(&self, ops: &[Op]) -> Result<(), String> {
        let mut latest: Vec<(Machine, u32, u32, Vec<&Op>)> = Vec::new();
        for op in ops.iter().filter(|op| !op.is_write && op.node != self.primary) {
            if let Some(write) = self.write_of(op.value)
                && op.ended_us.is_some_and(|ended_us| ended_us < write.began_us)
            {
                return Err(format!("node {} had {} before it was written", op.node, op.value));
            }
            let who = (op.node, op.boot, op.age);
            let at = latest.iter().position(|(node, boot, age, _)| (*node, *boot, *age) == who);
            match at {
                Some(at) => latest[at].3.push(op),
                None => latest.push((op.node, op.boot, op.age, vec![op])),
            }
        }
        for (node, _, _, reads) in &mut latest {
            reads.sort_by_key(|op| op.ended_us);
            let mut by_begin: Vec<&Op> = reads.clone();
            by_begin.sort_by_key(|op| op.began_us);
            // The latest beginning among the writes that were seen by reads that had ended.
            let (mut seen_us, mut seen, mut next) = (0, 0, 0);
            for read in by_begin {
                while let Some(ended) =
                    reads.get(next).filter(|op| op.ended_us < Some(read.began_us))
                {
                    let began_us = match self.seen(ended) {
                        0 => 0,
                        value => self.write_of(value).map_or(0, |write| write.began_us),
                    };
                    if began_us > seen_us {
                        (seen_us, seen) = (began_us, ended.value);
                    }
                    next += 1;
                }
                let until_us = match self.seen(read) {
                    0 => 0,
                    value => {
                        self.write_of(value).map_or(0, |write| write.ended_us.unwrap_or(u64::MAX))
                    }
                };
                if until_us < seen_us {
                    return Err(format!(
                        "node {node} went back from {seen} to {} at {} us",
                        read.value, read.began_us
                    ));
                }
            }
        }
        Ok(())
    }
}

/// Picks what the primary was asked for in an age and wrote nothing.
fn is_read_in(primary: Machine, age: u32) -> impl Fn(&&Op) -> bool {
    move |op| op.node == primary && op.age == age && !op.is_write
}

/// A write with all that read it.
#[derive(Clone, Copy, Debug)]
struct Span {
    value: ValueId,
    /// When the write began; `None`: not seen.
    written_us: Option<u64>,
    /// The earliest end of any of them, and the latest beginning.
    first_end_us: u64,
    last_begin_us: u64,
}

impl Span {
    fn new(value: ValueId) -> Self {
        // What was there before all was written before all.
        let (written_us, first_end_us) = if value == 0 { (Some(0), 0) } else { (None, u64::MAX) };
        Span { value, written_us, first_end_us, last_begin_us: 0 }
    }

    fn add(&mut self, op: &Op) -> Result<(), String> {
        if op.is_write {
            self.written_us = Some(op.began_us);
        }
        self.first_end_us = self.first_end_us.min(op.ended_us.unwrap_or(u64::MAX));
        self.last_begin_us = self.last_begin_us.max(op.began_us);
        Ok(())
    }

    fn check(&self) -> Result<(), String> {
        match self.written_us {
            Some(written_us) if written_us <= self.first_end_us => Ok(()),
            _ => Err(format!("{} was read before it was written", self.value)),
        }
    }

    fn is_forward(&self) -> bool {
        self.first_end_us < self.last_begin_us
    }
}

/// Whether spans of one key can follow each other.
fn check_spans(spans: &mut [Span]) -> Result<(), String> {
    spans.sort_by_key(|span| span.first_end_us.min(span.last_begin_us));
    let clash = |a: &Span, b: &Span| {
        Err(format!(
            "{} was there at {} us and at {} us, and {} between at {} us and {} us",
            a.value, a.first_end_us, a.last_begin_us, b.value, b.first_end_us, b.last_begin_us
        ))
    };
    let mut last: Option<Span> = None;
    for &span in spans.iter().filter(|span| span.is_forward()) {
        if let Some(before) = last.filter(|before| span.first_end_us < before.last_begin_us) {
            return clash(&before, &span);
        }
        last = Some(span);
    }
    let forward: Vec<Span> = spans.iter().copied().filter(Span::is_forward).collect();
    for span in spans.iter().filter(|span| !span.is_forward()) {
        // Its whole range must not lie inside of another's.
        let at = forward.partition_point(|other| other.first_end_us < span.last_begin_us);
        let around = at.checked_sub(1).map(|at| &forward[at]);
        if let Some(around) = around.filter(|other| span.first_end_us < other.last_begin_us) {
            return clash(around, span);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests;
