//! The process's limit on file descriptors, which bounds how many clients there can be.
//!
//! What must never be here: limits that the core keeps.

use std::fmt;

/// Descriptors kept for everything that isn't a Redis client: listeners, the log, the event loop,
/// HTTP's connections.
const RESERVED: u64 = 64 + crate::http::CONNECTIONS as u64;

/// Fewer clients than wanted are possible.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct TooFew {
    wanted: u64,
    /// How many are.
    pub(crate) possible: u64,
}

impl fmt::Display for TooFew {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let TooFew { wanted, possible } = self;
        write!(
            f,
            "The limit on open files allows {possible} clients, not the {wanted} of maxclients; \
             raise it to {} (ulimit -n, LimitNOFILE in systemd)",
            wanted + RESERVED
        )
    }
}

/// Raises the limit on file descriptors, as far as it may be raised, so that so many clients fit.
pub(crate) fn allow_clients(wanted: u64) -> Result<(), TooFew> {
    // Where the limit can't be read there is none that we could keep to.
    let limit = rlimit::increase_nofile_limit(wanted + RESERVED).unwrap_or(u64::MAX);
    fits(wanted, limit)
}

/// Raises the limit on file descriptors so that so many connections to a server fit.
pub(crate) fn allow_connections(wanted: u64) -> Result<(), String> {
    /// Standard streams, event loops, alarms.
    const OTHERS: u64 = 1024;
    match rlimit::increase_nofile_limit(wanted + OTHERS) {
        Ok(limit) if limit < wanted + OTHERS => Err(format!(
            "the limit on open files allows {} connections, not {wanted}; raise it (ulimit -n)",
            limit.saturating_sub(OTHERS)
        )),
        _ => Ok(()),
    }
}

fn fits(wanted: u64, limit: u64) -> Result<(), TooFew> {
    if limit >= wanted + RESERVED {
        return Ok(());
    }
    Err(TooFew { wanted, possible: limit.saturating_sub(RESERVED).max(1) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_reserved_is_not_for_clients() {
        assert_eq!(fits(100, 100 + RESERVED), Ok(()));
        let too_few = fits(1000, 100 + RESERVED).unwrap_err();
        assert_eq!(too_few.possible, 100);
        assert!(too_few.to_string().contains("100 clients, not the 1000"));
        assert_eq!(fits(10, 5).unwrap_err().possible, 1);
    }
}
