//! How large the small forms of values may become, by the settings.

use crate::config::{Config, Id};
use crate::types::{BlockLimits, Limits, Packed, SetLimits};

#[derive(Clone, Copy, Debug)]
pub(super) struct Forms {
    pub(super) hash: Limits,
    pub(super) list: Packed,
    pub(super) set: SetLimits,
    pub(super) sorted_set: Limits,
    pub(super) stream: BlockLimits,
}

impl Forms {
    pub(super) fn of(config: &Config) -> Self {
        let number = |id| config.number(id).unsigned_abs();
        let size = |id| usize::try_from(config.number(id)).unwrap_or(usize::MAX);
        let limits = |entries, bytes| Limits { entries: size(entries), bytes: size(bytes) };
        Forms {
            hash: limits(Id::HashMaxListpackEntries, Id::HashMaxListpackValue),
            list: Packed::of(config.number(Id::ListMaxListpackSize)),
            set: SetLimits {
                integers: size(Id::SetMaxIntsetEntries),
                list: limits(Id::SetMaxListpackEntries, Id::SetMaxListpackValue),
            },
            sorted_set: limits(Id::ZsetMaxListpackEntries, Id::ZsetMaxListpackValue),
            stream: BlockLimits {
                entries: number(Id::StreamNodeMaxEntries),
                bytes: number(Id::StreamNodeMaxBytes),
            },
        }
    }
}
