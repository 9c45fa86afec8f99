//! What was given to whom, as effects.
//!
//! Each delivery is recorded as XCLAIM with its time and count, so that it comes out equal whenever it
//! is read; how far the group is, as XGROUP SETID.

use crate::node::Cx;
use crate::observer::Observer;
use crate::protocol::Frame;
use crate::types::{Pending, StreamGroup, StreamId};
use alloc::vec::Vec;

/// Ids that one effect carries.
const IDS: usize = 512;

/// Effects of one command, which belong together.
#[derive(Debug)]
pub(super) struct Effects<'a> {
    key: &'a [u8],
    group: &'a [u8],
    all: Vec<Frame>,
}

impl<'a> Effects<'a> {
    pub(super) fn new(key: &'a [u8], group: &'a [u8]) -> Self {
        Effects { key, group, all: Vec::new() }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.all.is_empty()
    }

    pub(super) fn consumer_made(&mut self, consumer: &[u8]) {
        let args = [b"XGROUP", &b"CREATECONSUMER"[..], self.key, self.group, consumer];
        self.all.push(args.into_iter().collect());
    }

    pub(super) fn acknowledged(&mut self, ids: &[StreamId]) {
        for ids in ids.chunks(IDS) {
            let mut frame: Frame = [b"XACK", self.key, self.group].into_iter().collect();
            ids.iter().for_each(|id| frame.push(id.text().as_ref()));
            self.all.push(frame);
        }
    }

    /// Entries were given to a consumer.
    pub(super) fn given(&mut self, consumer: &[u8], given: &[Pending]) {
        let alike = |a: &Pending, b: &Pending| (a.at_ms, a.count) == (b.at_ms, b.count);
        for given in given.chunk_by(alike).flat_map(|given| given.chunks(IDS)) {
            let Some(Pending { at_ms, count, .. }) = given.first() else { continue };
            let mut frame: Frame =
                [b"XCLAIM", self.key, self.group, consumer, b"0"].into_iter().collect();
            given.iter().for_each(|pending| frame.push(pending.id.text().as_ref()));
            let (mut at, mut times) = (itoa::Buffer::new(), itoa::Buffer::new());
            let (at, times) = (at.format(*at_ms), times.format(*count));
            for word in ["TIME", at, "RETRYCOUNT", times, "FORCE", "JUSTID"] {
                frame.push(word.as_bytes());
            }
            self.all.push(frame);
        }
    }

    /// The group is elsewhere now.
    pub(super) fn moved(&mut self, group: &StreamGroup) {
        let (mut read, last) = (itoa::Buffer::new(), group.last.text());
        let read = group.read.map_or("-1", |count| read.format(count));
        let args = [b"XGROUP", &b"SETID"[..], self.key, self.group, last.as_ref()];
        self.all.push(args.into_iter().chain([&b"ENTRIESREAD"[..], read.as_bytes()]).collect());
    }

    /// Records them in place of the command, as one.
    pub(super) fn record<O: Observer>(self, cx: &mut Cx<'_, O>) {
        let together = self.all.len() > 1 && !cx.in_exec;
        if together {
            cx.state.effects.begin_transaction();
        }
        for frame in &self.all {
            cx.effect(frame.args().iter());
        }
        if together {
            cx.state.effects.end_transaction();
        }
        cx.no_effect();
    }
}
