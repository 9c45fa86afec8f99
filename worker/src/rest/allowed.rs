//! Which commands the door lets through.
//!
//! Read from the core's command table where the table says it; named here is only what has no
//! meaning over HTTP, where a connection ends with its request.

use crate::auth::Access;
use cache_core::commands::{self, Flags, Group, Spec};
use cache_core::protocol::Args;

/// Commands about a connection that lasts.
const NEEDS_A_CONNECTION: [&str; 10] = [
    "auth",
    "client|pause",
    "client|reply",
    "client|tracking",
    "hello",
    "monitor",
    "psync",
    "quit",
    "reset",
    "shutdown",
];

/// Commands that only read but look at every key, which a token meant for browsers must not.
const TOO_MUCH_FOR_READ_ONLY: [&str; 2] = ["keys", "scan"];

/// Commands without data that a read-only token may send.
const HARMLESS: [&str; 2] = ["ping", "echo"];

/// Says why a command is not let through, as the error to answer with. Commands that don't exist
/// are let through: the node has the right words for them.
pub(super) fn refusal(args: Args<'_>, access: Access) -> Option<String> {
    let spec = find(args);
    if let Some(reason) = spec.and_then(unsuitable) {
        return Some(reason);
    }
    let readable = match spec {
        Some(spec) if HARMLESS.contains(&spec.name) => true,
        Some(spec) => {
            spec.flags.contains(Flags::READONLY) && !TOO_MUCH_FOR_READ_ONLY.contains(&spec.name)
        }
        None => false,
    };
    if access == Access::ReadOnly && !readable {
        let name = String::from_utf8_lossy(args.at(0)).to_ascii_lowercase();
        let name: String = name.chars().take(64).collect();
        return Some(format!("NOPERM this user has no permissions to run the '{name}' command"));
    }
    None
}

/// The row of a command or, if it has one, of its subcommand.
fn find(args: Args<'_>) -> Option<&'static Spec> {
    let sub = || args.get(1).and_then(|sub| commands::find(&[args.at(0), b"|", sub].concat()));
    sub().or_else(|| commands::find(args.at(0)))
}

fn unsuitable(spec: &'static Spec) -> Option<String> {
    let name = spec.name.replace('|', " ").to_ascii_uppercase();
    if spec.group == Group::Transactions {
        return Some(format!(
            "ERR {name} is not available over HTTP: send the commands of a transaction to /multi-exec"
        ));
    }
    // XREAD and its like wait only when they are told to, and find at once that nobody may.
    let waits_if_told = spec.syntax.contains("[BLOCK ");
    if spec.flags.contains(Flags::BLOCKING) && !waits_if_told {
        return Some(format!("ERR {name} waits, which is not available over HTTP"));
    }
    if spec.name.ends_with("subscribe") || NEEDS_A_CONNECTION.contains(&spec.name) {
        return Some(format!(
            "ERR {name} is not available over HTTP, where a connection ends with its request"
        ));
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use cache_core::protocol::Frame;

    fn refused(line: &str, access: Access) -> Option<String> {
        let frame: Frame = line.split(' ').collect();
        refusal(frame.args(), access)
    }

    #[test]
    fn what_needs_a_lasting_connection_is_refused() {
        for line in
            ["MULTI", "watch k", "SUBSCRIBE c", "punsubscribe", "HELLO 3", "client REPLY off"]
        {
            assert!(refused(line, Access::Full).unwrap().contains("not available"), "{line}");
        }
        for line in ["BLPOP l 1", "bzmpop 0 1 z MIN", "BLMOVE a b LEFT LEFT 0"] {
            assert!(refused(line, Access::Full).unwrap().contains("not available"), "{line}");
        }
        for line in ["XREAD STREAMS s 0", "XREADGROUP GROUP g c STREAMS s >"] {
            assert_eq!(refused(line, Access::Full), None, "{line}");
        }
        for line in ["GET k", "PUBLISH c m", "CLIENT ID", "CONFIG GET *", "NOSUCH", "client nosuch"]
        {
            assert_eq!(refused(line, Access::Full), None, "{line}");
        }
    }

    #[test]
    fn a_read_only_token_only_reads() {
        for line in ["GET k", "MGET a b", "HGETALL h", "TTL k", "PING", "exists k"] {
            assert_eq!(refused(line, Access::ReadOnly), None, "{line}");
        }
        for line in ["SET k v", "DEL k", "FLUSHALL", "KEYS *", "SCAN 0", "CONFIG GET *", "NOSUCH"] {
            let error = refused(line, Access::ReadOnly).unwrap();
            assert!(error.starts_with("NOPERM "), "{line}: {error}");
        }
    }
}
