//! A connection's output: bytes, and the gates that hold some of them back.

use crate::protocol::{Reply, Resp};
use alloc::collections::VecDeque;

/// What a reply waits for before it may leave.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Gate {
    /// The effects up to this offset must be on the host's disk.
    Stored(u64),
    /// The effects up to this offset must be held by enough replicas.
    Replicated(u64),
    /// The effects up to this offset must be safe in the append log.
    Logged(u64),
}

/// How far the outside has got: what opens gates.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Progress {
    pub(crate) stored: u64,
    pub(crate) replicated: u64,
    pub(crate) logged: u64,
}

impl Gate {
    fn is_open(self, progress: Progress) -> bool {
        match self {
            Gate::Stored(offset) => offset <= progress.stored,
            Gate::Replicated(offset) => offset <= progress.replicated,
            Gate::Logged(offset) => offset <= progress.logged,
        }
    }
}

#[derive(Clone, Debug, Default)]
pub(crate) struct Output {
    pub(crate) reply: Reply,
    /// The position of the reply's first byte in all that this connection was ever sent.
    base: u64,
    /// From which position on bytes are held back, and by what; positions rise.
    gates: VecDeque<(u64, Gate)>,
}

impl Output {
    pub(crate) fn new(resp: Resp) -> Self {
        Output { reply: Reply::new(resp), ..Output::default() }
    }

    pub(crate) fn len(&self) -> usize {
        self.reply.len()
    }

    /// Puts a gate before the bytes from `mark` on (a length of the reply at an earlier moment).
    pub(crate) fn hold_back(&mut self, mark: usize, gate: Gate) {
        if self.gates.back().is_none_or(|&(_, last)| last != gate) {
            self.gates.push_back((self.base + mark as u64, gate));
        }
    }

    /// The bytes that may leave.
    pub(crate) fn sendable(&self, progress: Progress) -> &[u8] {
        let closed = self.gates.iter().find(|(_, gate)| !gate.is_open(progress));
        match closed {
            Some(&(from, _)) => {
                let end = from.saturating_sub(self.base) as usize;
                &self.reply.bytes()[..end.min(self.reply.len())]
            }
            None => self.reply.bytes(),
        }
    }

    /// Takes note that the first `n` bytes have left.
    pub(crate) fn sent(&mut self, n: usize) {
        let n = n.min(self.reply.len());
        self.reply.consume(n);
        self.base += n as u64;
        // A gate behind which bytes have left was open.
        while self.gates.front().is_some_and(|&(from, _)| from < self.base) {
            self.gates.pop_front();
        }
    }
}
