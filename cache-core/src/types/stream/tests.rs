//! A stream against plain maps.

use super::*;
use crate::random::Random;
use alloc::collections::BTreeMap;
use alloc::format;
use alloc::vec;
use proptest::prelude::*;

type Strings = Vec<(Vec<u8>, Vec<u8>)>;

#[derive(Clone, Debug)]
enum Op {
    /// Adds one so far behind the last: milliseconds, and a seq.
    Push(u64, u64, Strings),
    Remove(u16),
    Trim(Trim),
    Range(u16, u16),
}

fn strings() -> impl Strategy<Value = Strings> {
    let name = prop::sample::select(vec![&b"a"[..], b"b", b"1"]).prop_map(<[u8]>::to_vec);
    let value = prop_oneof![
        any::<i64>().prop_map(|number| format!("{number}").into_bytes()),
        (0i64..300).prop_map(|number| format!("{number}").into_bytes()),
        prop::sample::select(vec![&b""[..], b"same", b"7"]).prop_map(<[u8]>::to_vec),
        prop::collection::vec(any::<u8>(), 0..150),
    ];
    let same = value.clone().prop_map(|value| vec![(b"a".to_vec(), value)]);
    prop_oneof![3 => same, 1 => prop::collection::vec((name, value), 1..4)]
}

fn op() -> impl Strategy<Value = Op> {
    let ms = prop_oneof![3 => Just(0), 3 => 1u64..100, 1 => Just(1u64 << 63)];
    let keep = prop_oneof![
        (0u64..40).prop_map(Keep::Last),
        (0u64..2000, 0u64..3).prop_map(|(ms, seq)| Keep::From(StreamId { ms, seq })),
    ];
    let trim = (keep, any::<bool>(), prop_oneof![Just(0u64), 1u64..10]).prop_map(
        |(keep, approximate, limit)| Trim {
            keep,
            approximate,
            limit: limit * u64::from(approximate),
        },
    );
    prop_oneof![
        12 => (ms, 0u64..4, strings()).prop_map(|(ms, seq, fields)| Op::Push(ms, seq, fields)),
        4 => any::<u16>().prop_map(Op::Remove),
        1 => trim.prop_map(Op::Trim),
        2 => (any::<u16>(), any::<u16>()).prop_map(|(from, to)| Op::Range(from, to)),
    ]
}

#[derive(Clone, Debug, Default)]
struct Model {
    entries: BTreeMap<StreamId, Strings>,
    last: StreamId,
    deleted: StreamId,
    added: u64,
}

fn read(entry: &Entry<'_>) -> (StreamId, Strings) {
    let fields: Strings =
        entry.fields().map(|(name, value)| (name.to_vec(), value.to_vec())).collect();
    assert_eq!(fields.len(), entry.len as usize);
    (entry.id, fields)
}

fn push(stream: &mut Stream, id: StreamId, fields: &Strings, limits: BlockLimits) {
    let bytes = fields.iter().map(|(name, value)| (name.len() + value.len()) as u64).sum();
    stream.push(id, fields.iter().map(|(name, value)| (&name[..], &value[..])), bytes, limits);
}

impl Model {
    fn id(&self, of: u16) -> StreamId {
        let at = (usize::from(of) * (self.entries.len() + 1)) >> 16;
        self.entries.keys().nth(at).copied().unwrap_or(self.last)
    }

    fn play(&mut self, op: &Op, stream: &mut Stream, limits: BlockLimits) {
        match op {
            Op::Push(ms, seq, fields) => {
                let ms = self.last.ms.saturating_add(*ms);
                let seq = if ms == self.last.ms { self.last.seq + 1 + seq } else { *seq };
                let id = StreamId { ms, seq };
                push(stream, id, fields, limits);
                self.entries.insert(id, fields.clone());
                self.last = id;
                self.added += 1;
            }
            Op::Remove(of) => {
                let id = self.id(*of);
                let removed = self.entries.remove(&id).is_some();
                assert_eq!(stream.remove(id), removed);
                assert!(!stream.remove(id));
                if removed {
                    self.deleted = self.deleted.max(id);
                }
            }
            Op::Trim(trim) => {
                let wanted = match trim.keep {
                    Keep::Last(count) => self.entries.len().saturating_sub(count as usize),
                    Keep::From(id) => self.entries.range(..id).count(),
                };
                let trimmed = stream.trim(*trim) as usize;
                if trim.approximate {
                    assert!(trimmed <= wanted && (trim.limit == 0 || trimmed as u64 <= trim.limit));
                } else {
                    assert_eq!(trimmed, wanted);
                }
                (0..trimmed).for_each(|_| drop(self.entries.pop_first()));
            }
            Op::Range(from, to) => {
                let (from, to) = (self.id(*from), self.id(*to));
                let expected: Vec<_> =
                    self.entries.iter().filter(|(id, _)| (from..=to).contains(*id)).collect();
                let found: Vec<_> = stream.range(from, to).map(|e| read(&e)).collect();
                assert!(found.iter().map(|(id, fields)| (id, fields)).eq(expected.iter().copied()));
                let back: Vec<_> = stream.range_back(from, to).map(|e| read(&e)).collect();
                assert!(back.iter().rev().eq(&found));
            }
        }
    }

    fn check(&self, stream: &Stream) {
        stream.log.check();
        let all: Vec<_> = stream.range(StreamId::MIN, StreamId::MAX).map(|e| read(&e)).collect();
        assert!(all.iter().map(|(id, fields)| (id, fields)).eq(&self.entries));
        let counters = (stream.len(), stream.last_id(), stream.deleted_id(), stream.added());
        assert_eq!(counters, (all.len() as u64, self.last, self.deleted, self.added));
        let ends = [stream.first(), stream.last()].map(|entry| entry.map(|entry| entry.id));
        let own = [self.entries.first_key_value(), self.entries.last_key_value()];
        assert_eq!(ends, own.map(|entry| entry.map(|(id, _)| *id)));
        for id in self.entries.keys() {
            assert_eq!(stream.get(*id).map(|entry| entry.id), Some(*id));
            let next = id.next().filter(|next| !self.entries.contains_key(next));
            assert!(next.is_none_or(|next| stream.get(next).is_none()));
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: if cfg!(miri) { 2 } else { 300 },
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn it_does_what_a_sorted_map_does(
        story in prop::collection::vec(op(), 1..if cfg!(miri) { 20 } else { 120 }),
        entries in 0u64..8,
        bytes in prop_oneof![Just(0u64), Just(300), Just(4096)],
        at in 0usize..100,
    ) {
        let limits = BlockLimits { entries, bytes };
        let (mut stream, mut model) = (Stream::EMPTY, Model::default());
        let mut kept = None;
        for (step, op) in story.iter().enumerate() {
            if step == at {
                kept = Some((stream.clone(), model.clone()));
            }
            model.play(op, &mut stream, limits);
            model.check(&stream);
        }
        // What was done since doesn't show in a clone.
        if let Some((stream, model)) = kept {
            model.check(&stream);
        }
    }
}

fn numbered(count: u64, limits: BlockLimits) -> Stream {
    let mut stream = Stream::EMPTY;
    for ms in 1..=count {
        let value = format!("value:{ms}").into_bytes();
        push(&mut stream, StreamId { ms, seq: 0 }, &vec![(b"field".to_vec(), value)], limits);
    }
    stream
}

const LIMITS: BlockLimits = BlockLimits { entries: 100, bytes: 4096 };

#[test]
fn blocks_are_cut_by_both_limits() {
    assert_eq!(numbered(1000, LIMITS).blocks(), 10);
    assert_eq!(numbered(1000, BlockLimits { entries: 7, bytes: 4096 }).blocks(), 143);
    // So many are in Valkey's.
    let stream = numbered(1000, BlockLimits { entries: 0, bytes: 400 });
    assert_eq!(stream.blocks(), 50);
    // No setting makes a block that takes long to look through.
    assert_eq!(numbered(20_000, BlockLimits { entries: 0, bytes: 0 }).blocks(), 7);
}

#[test]
fn an_approximate_trim_takes_whole_blocks() {
    let trim = |keep, limit| Trim { keep, approximate: true, limit };
    let mut stream = numbered(1000, LIMITS);
    assert_eq!(stream.trim(trim(Keep::Last(950), 0)), 0);
    assert_eq!(stream.trim(trim(Keep::Last(850), 0)), 100);
    assert_eq!(stream.trim(trim(Keep::Last(0), 250)), 200);
    assert_eq!(stream.trim(trim(Keep::From(StreamId { ms: 450, seq: 0 }), 0)), 100);
    assert_eq!(stream.trim(Trim { approximate: false, ..trim(Keep::Last(1), 0) }), 599);
    assert_eq!(stream.first().map(|entry| entry.id.ms), Some(1000));
    assert_eq!(stream.trim(trim(Keep::Last(0), 0)), 1);
    assert_eq!((stream.len(), stream.first_id(), stream.last_id().ms), (0, StreamId::MIN, 1000));
}

#[test]
fn entries_are_packed() {
    let stream = numbered(100_000, LIMITS);
    assert!(stream.size() < 100_000 * 19, "{}", stream.size());
    // What all of them say is said once.
    let mut stream = Stream::EMPTY;
    for ms in 1..=100_000 {
        let number = format!("{}", ms % 100).into_bytes();
        let fields = vec![(b"what".to_vec(), b"click".to_vec()), (b"much".to_vec(), number)];
        push(&mut stream, StreamId { ms, seq: 0 }, &fields, LIMITS);
    }
    assert!(stream.size() < 100_000 * 8, "{}", stream.size());
}

#[test]
fn what_nobody_uses_goes_by_and_by() {
    let mut stream = numbered(10_000, LIMITS);
    for name in [&b"g"[..], b"h"] {
        stream.add_group(name, StreamId::MIN, None);
        let ids: Vec<_> = (1..10_000).map(|ms| StreamId { ms, seq: 0 }).collect();
        for number in 0..3u64 {
            let consumer = format!("{number}").into_bytes();
            let number =
                stream.edit_group(name, |g| g.add_consumer(&consumer, 0).0).expect("there");
            stream.deliver(name, &ids, number, true, 5);
        }
    }
    let clone = stream.clone();
    assert!(stream.size() > 2 * 10_000 * (40 + 16));
    let mut steps = 0;
    while stream.drop_some() {
        steps += 1;
    }
    // The clone has the groups.
    assert!(steps <= 4, "{steps}");
    let (mut stream, mut steps) = (clone, 0);
    while stream.drop_some() {
        steps += 1;
    }
    assert!(steps > 300, "{steps}");
    assert_eq!(stream.log.size(), 0);
}

/// Who has what, by id: a consumer's name, a time, a count.
type Deliveries = BTreeMap<StreamId, (u64, u64, u64)>;

#[test]
fn a_group_does_what_a_map_does() {
    let mut random = Random::new(11);
    let mut group = Group::new(b"g", StreamId::MIN, None);
    let mut model = Deliveries::new();
    for step in 0..20_000u64 {
        let id = StreamId { ms: random.below(500), seq: 0 };
        let name = random.below(5);
        let text = format!("consumer:{name}").into_bytes();
        match random.below(100) {
            0 => {
                let had = model.values().filter(|(consumer, ..)| *consumer == name).count() as u64;
                let there = group.number(&text).is_some();
                assert_eq!(group.remove_consumer(&text), there.then_some(had));
                model.retain(|_, (consumer, ..)| *consumer != name);
            }
            1..50 => assert_eq!(group.acknowledge(id), model.remove(&id).is_some()),
            _ => {
                let (consumer, _) = group.add_consumer(&text, step);
                group.give(Pending { id, at_ms: step, count: step % 7, consumer });
                model.insert(id, (name, step, step % 7));
            }
        }
        if step % 50 == 0 {
            check_group(&group, &model);
        }
    }
    for name in 0..5 {
        group.remove_consumer(format!("consumer:{name}").as_bytes());
    }
    assert_eq!(group.size(), Group::new(b"g", StreamId::MIN, None).size());
}

fn check_group(group: &Group, model: &Deliveries) {
    let all: Vec<_> = group
        .pending()
        .iter()
        .map(|p| (p.id, (group.name_of(p.consumer).to_vec(), p.at_ms, p.count)))
        .collect();
    let name = |number: u64| format!("consumer:{number}").into_bytes();
    assert!(
        all.into_iter().eq(model.iter().map(|(id, (n, at, count))| (*id, (name(*n), *at, *count))))
    );
    let names: Vec<_> = group.consumers().filter_map(|(_, c)| c).map(|c| &c.name).collect();
    assert!(names.is_sorted());
    for (_, consumer) in group.consumers() {
        let consumer = consumer.expect("a consumer");
        let own = model.iter().filter(|(_, (n, ..))| name(*n) == *consumer.name).map(|(id, _)| id);
        assert!(consumer.pending.iter().eq(own));
    }
    let consumers = group.consumers().filter_map(|(_, c)| c);
    let sizes: u64 = consumers.map(|c| 112 + c.name.len() as u64 + c.pending.size()).sum();
    assert_eq!(group.size(), 192 + 1 + sizes + group.pending().size());
}
