//! The command logs: commands that took long, came in long or were answered at length.
//!
//! The engine has no clock: how long a command took is what the host's stopwatch showed (see
//! [`Observer::stopwatch_ns`](crate::Observer::stopwatch_ns)), and without one nothing is slow.

use super::conn::Connection;
use crate::commands::{Flags, Role, Spec};
use crate::config::{Config, Id};
use crate::protocol::Args;
use alloc::collections::VecDeque;
use alloc::string::String;
use alloc::vec::Vec;

/// Why a command is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reason {
    Slow,
    LargeRequest,
    LargeReply,
}

/// A command that was kept.
#[derive(Clone, Debug)]
pub(crate) struct Logged {
    pub(crate) id: u64,
    pub(crate) unix_secs: u64,
    /// Microseconds, or bytes.
    pub(crate) value: u64,
    pub(crate) args: Vec<Vec<u8>>,
    pub(crate) addr: String,
    pub(crate) name: String,
}

/// Arguments of a command that are kept, the last of which may say how many there are more.
const ARGS_LIMIT: usize = 32;
/// Bytes of an argument that are kept.
const ARG_LIMIT: usize = 128;
/// Of commands that can't take long only one in so many is timed.
const SELDOM: u64 = 64;
/// Unless one asks for commands faster than this, in microseconds.
const FAST_US: i64 = 1000;
/// What is longer than this takes time to copy, in bytes.
const LONG_ARGS: usize = 64 * 1024;

#[derive(Clone, Debug, Default)]
struct Log {
    /// The latest last.
    entries: VecDeque<Logged>,
    /// How many have been kept.
    count: u64,
    /// From which value on a command is kept; negative: none is.
    threshold: i64,
    /// The most that are kept.
    most: usize,
}

impl Log {
    fn wants(&self, value: u64) -> bool {
        u64::try_from(self.threshold).is_ok_and(|threshold| value >= threshold) && self.most > 0
    }
}

#[derive(Clone, Debug, Default)]
pub(crate) struct CommandLogs {
    logs: [Log; 3],
    /// No log wants a command whose request and reply are shorter than this, in bytes.
    least_bytes: u64,
}

impl CommandLogs {
    pub(crate) fn settings_changed(&mut self, config: &Config) {
        let settings = [
            (Id::CommandlogExecutionSlowerThan, Id::CommandlogSlowExecutionMaxLen),
            (Id::CommandlogRequestLargerThan, Id::CommandlogLargeRequestMaxLen),
            (Id::CommandlogReplyLargerThan, Id::CommandlogLargeReplyMaxLen),
        ];
        for (log, (threshold, most)) in self.logs.iter_mut().zip(settings) {
            log.threshold = config.number(threshold);
            log.most = usize::try_from(config.number(most)).unwrap_or(usize::MAX);
        }
        let [_, request, reply] = &self.logs;
        let least = |log: &Log| u64::try_from(log.threshold).unwrap_or(u64::MAX);
        self.least_bytes = least(request).min(least(reply));
    }

    /// Whether a command may be worth keeping whose request or reply has so many bytes.
    #[cfg_attr(not(target_arch = "wasm32"), inline(always))]
    pub(super) fn may_want(&self, bytes: u64) -> bool {
        bytes >= self.least_bytes
    }

    /// Whether a command is to be timed that has been called so many times.
    #[cfg_attr(not(target_arch = "wasm32"), inline(always))]
    pub(super) fn times(&self, spec: &Spec, args: Args<'_>, calls: u64) -> bool {
        let quick = spec.flags.contains(Flags::FAST) || spec.is(Role::QUICK);
        !quick || calls.is_multiple_of(SELDOM) || self.times_quick(args)
    }

    fn times_quick(&self, args: Args<'_>) -> bool {
        (0..FAST_US).contains(&self.logs[0].threshold) || args.total_len() > LONG_ARGS
    }

    /// Keeps a command if it is worth it. `redacted`: a bit for each argument that nobody may see.
    pub(super) fn note(
        &mut self,
        reason: Reason,
        value: u64,
        unix_secs: u64,
        conn: &Connection,
        args: Args<'_>,
        redacted: u64,
    ) {
        let log = &mut self.logs[reason as usize];
        if !log.wants(value) {
            return;
        }
        let entry = Logged {
            id: log.count,
            unix_secs,
            value,
            args: shortened(args, redacted),
            addr: conn.addr.clone(),
            name: conn.name.clone(),
        };
        log.count += 1;
        log.entries.push_back(entry);
        while log.entries.len() > log.most {
            log.entries.pop_front();
        }
    }

    /// The commands that were kept, the latest first.
    pub(crate) fn entries(&self, reason: Reason) -> impl ExactSizeIterator<Item = &Logged> {
        self.logs[reason as usize].entries.iter().rev()
    }

    pub(crate) fn clear(&mut self, reason: Reason) {
        self.logs[reason as usize].entries.clear();
    }
}

/// What stands for an argument that nobody may see.
pub(super) const REDACTED: &[u8] = b"(redacted)";

/// The arguments, but for those that nobody may see.
pub(super) fn visible(args: Args<'_>, redacted: u64) -> impl Iterator<Item = &[u8]> {
    let hidden = move |i: usize| i < 64 && redacted >> i & 1 == 1;
    args.iter().enumerate().map(move |(i, arg)| if hidden(i) { REDACTED } else { arg })
}

fn shortened(args: Args<'_>, redacted: u64) -> Vec<Vec<u8>> {
    let most = if args.len() > ARGS_LIMIT { ARGS_LIMIT - 1 } else { ARGS_LIMIT };
    let mut kept: Vec<Vec<u8>> = visible(args, redacted)
        .take(most)
        .map(|arg| match arg.get(..ARG_LIMIT) {
            Some(start) if arg.len() > ARG_LIMIT => {
                let more = alloc::format!("... ({} more bytes)", arg.len() - ARG_LIMIT);
                [start, more.as_bytes()].concat()
            }
            _ => arg.to_vec(),
        })
        .collect();
    if args.len() > kept.len() {
        let more = args.len() - kept.len();
        kept.push(alloc::format!("... ({more} more arguments)").into_bytes());
    }
    kept
}
