//! The record of a run: every event is counted and digested, and kept until it is fetched.
//!
//! What must never be here: anything that makes events.

use crate::counters::{Counters, LatencyWindow};
use crate::event::{Event, EventKind};
use siphasher::sip::SipHasher13;
use std::collections::VecDeque;
use std::hash::{Hash, Hasher};

/// The most events that wait to be fetched. Past it the oldest are dropped and counted; digest and
/// counters still know them.
pub const MAX_UNDRAINED: u32 = 1 << 16;

/// A hasher that sees the same bytes whatever the platform: `Hash` writes lengths and the variants
/// of enums as `usize` and `isize`, and whole numbers in the machine's own order.
#[derive(Clone, Debug, Default)]
pub(crate) struct TraceHasher(SipHasher13);

impl Hasher for TraceHasher {
    fn finish(&self) -> u64 {
        self.0.finish()
    }

    fn write(&mut self, bytes: &[u8]) {
        self.0.write(bytes);
    }

    fn write_u8(&mut self, n: u8) {
        self.0.write(&[n]);
    }

    fn write_u32(&mut self, n: u32) {
        self.0.write(&n.to_le_bytes());
    }

    fn write_u64(&mut self, n: u64) {
        self.0.write(&n.to_le_bytes());
    }

    fn write_i64(&mut self, n: i64) {
        self.0.write(&n.to_le_bytes());
    }

    fn write_usize(&mut self, n: usize) {
        self.write_u64(n as u64);
    }

    fn write_isize(&mut self, n: isize) {
        self.write_i64(n as i64);
    }
}

/// Where all events go.
#[derive(Clone, Debug, Default)]
pub(crate) struct Recorder {
    hasher: TraceHasher,
    waiting: VecDeque<Event>,
    dropped: u64,
    recorded: u64,
    pub(crate) counters: Counters,
    pub(crate) latencies: LatencyWindow,
}

impl Recorder {
    pub(crate) fn record(&mut self, at_us: u64, kind: EventKind) {
        self.counters.count(&kind);
        if let EventKind::RequestDone { latency_us, .. } = kind {
            self.latencies.add(at_us, latency_us);
        }
        let event = Event { at_us, kind };
        event.hash(&mut self.hasher);
        self.recorded += 1;
        if self.waiting.len() >= MAX_UNDRAINED as usize {
            self.waiting.pop_front();
            self.dropped += 1;
        }
        self.waiting.push_back(event);
    }

    pub(crate) fn drain(&mut self) -> Vec<Event> {
        self.waiting.drain(..).collect()
    }

    pub(crate) fn waiting(&self) -> impl Iterator<Item = &Event> {
        self.waiting.iter()
    }

    pub(crate) fn dropped(&self) -> u64 {
        self.dropped
    }

    pub(crate) fn recorded(&self) -> u64 {
        self.recorded
    }

    pub(crate) fn digest(&self) -> u64 {
        self.hasher.finish()
    }
}
