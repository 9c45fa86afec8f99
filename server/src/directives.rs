//! From directives to settings: which are taken, which change nothing here, which are refused.
//!
//! What Larder knows stands in `cache_core::config::PARAMS`; what redis.conf knows besides stands
//! in [`OTHERS`], so that an ordinary redis.conf starts and what it asks in vain is said aloud.
//! What must never be here: reading files or arguments; acting on a setting.

use crate::config_file::Directive;
use cache_core::config::{Config, Id, Kind, Param};
use std::fmt;

/// The most addresses that `bind` takes (as in Redis).
const BIND_LIMIT: usize = 16;

/// What becomes of a directive that redis.conf knows and Larder has no setting for.
#[derive(Clone, Copy, Debug)]
enum Verdict {
    /// It tunes something that Larder does its own way: taken, and said in the log.
    NoEffect,
    /// It may say one of these (which ask for nothing); anything else is not supported yet.
    Only(&'static [&'static str]),
    /// Not supported yet, whatever it says.
    NotYet,
}

use Verdict::{NoEffect, NotYet, Only};

/// Directives of redis.conf and valkey.conf that Larder has no setting for.
static OTHERS: &[(&str, Verdict)] = &[
    // Persistence.
    ("aof-rewrite-incremental-fsync", NoEffect),
    ("rdb-del-sync-files", NoEffect),
    ("rdb-save-incremental-fsync", NoEffect),
    ("rdb-version-check", NoEffect),
    ("sanitize-dump-payload", NoEffect),
    // The process.
    ("daemonize", Only(&["no"])),
    ("supervised", Only(&["no", "auto"])),
    ("pidfile", NoEffect),
    ("syslog-enabled", Only(&["no"])),
    ("syslog-ident", NoEffect),
    ("syslog-facility", NoEffect),
    ("always-show-logo", NoEffect),
    ("set-proc-title", NoEffect),
    ("proc-title-template", NoEffect),
    ("locale-collate", NoEffect),
    ("oom-score-adj", Only(&["no"])),
    ("oom-score-adj-values", NoEffect),
    ("disable-thp", NoEffect),
    ("crash-log-enabled", NoEffect),
    ("crash-memcheck-enabled", NoEffect),
    ("server-cpulist", Only(&[""])),
    ("bio-cpulist", Only(&[""])),
    ("aof-rewrite-cpulist", Only(&[""])),
    ("bgsave-cpulist", Only(&[""])),
    ("ignore-warnings", NoEffect),
    // The network.
    ("unixsocket", Only(&[""])),
    ("unixsocketperm", NoEffect),
    ("unixsocketgroup", NoEffect),
    ("bind-source-addr", Only(&[""])),
    ("socket-mark-id", Only(&["0"])),
    ("mptcp", Only(&["no"])),
    ("tls-port", Only(&["0"])),
    ("tls-cluster", Only(&["no"])),
    ("tls-replication", Only(&["no"])),
    ("tls-cert-file", NotYet),
    ("tls-key-file", NotYet),
    ("tls-key-file-pass", NotYet),
    ("tls-client-cert-file", NotYet),
    ("tls-client-key-file", NotYet),
    ("tls-ca-cert-file", NotYet),
    ("tls-ca-cert-dir", NotYet),
    ("tls-auth-clients", NotYet),
    ("tls-protocols", NotYet),
    ("tls-ciphers", NotYet),
    ("tls-ciphersuites", NotYet),
    ("io-threads", Only(&["1"])),
    ("io-threads-do-reads", NoEffect),
    ("max-new-connections-per-cycle", NoEffect),
    ("maxmemory-clients", Only(&["0", "0%"])),
    // Access.
    ("user", NotYet),
    ("aclfile", Only(&[""])),
    ("acllog-max-len", NoEffect),
    ("acl-pubsub-default", NoEffect),
    ("rename-command", NotYet),
    ("enable-protected-configs", Only(&["no"])),
    ("enable-module-command", Only(&["no"])),
    ("loadmodule", NotYet),
    // Cluster.
    ("cluster-enabled", Only(&["no"])),
    ("cluster-config-file", NoEffect),
    ("cluster-node-timeout", NoEffect),
    // What is watched.
    ("latency-tracking-info-percentiles", NoEffect),
    // How data is laid out and freed, which Larder does its own way.
    ("activerehashing", NoEffect),
    ("activedefrag", NoEffect),
    ("active-expire-effort", NoEffect),
    ("maxmemory-eviction-tenacity", NoEffect),
    ("lazyfree-lazy-eviction", NoEffect),
    ("lazyfree-lazy-expire", NoEffect),
    ("lazyfree-lazy-server-del", NoEffect),
    ("lazyfree-lazy-user-del", NoEffect),
    ("lazyfree-lazy-user-flush", NoEffect),
    ("dynamic-hz", NoEffect),
    ("jemalloc-bg-thread", NoEffect),
    ("lua-time-limit", NoEffect),
    ("busy-reply-threshold", NoEffect),
    ("propagation-error-behavior", NoEffect),
];

/// Settings, and what is worth saying about how they came to be.
#[derive(Debug)]
pub(crate) struct Settings {
    /// The settings.
    pub(crate) config: Config,
    /// Directives that change nothing, for the log.
    pub(crate) without_effect: Vec<String>,
}

/// A directive that can't be followed.
#[derive(Debug)]
pub(crate) struct DirectiveError {
    directive: Directive,
    reason: String,
}

impl fmt::Display for DirectiveError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.directive, self.reason)
    }
}

/// The names of the directives that are known and have no setting.
pub(crate) fn other_names() -> impl Iterator<Item = &'static str> {
    OTHERS.iter().map(|(name, _)| *name)
}

/// Follows directives in their order; later ones win.
pub(crate) fn apply(directives: &[Directive]) -> Result<Settings, DirectiveError> {
    let mut settings = Settings { config: Config::default(), without_effect: Vec::new() };
    let mut save_points = String::new();
    for directive in directives {
        let applied = match Config::param(&directive.name) {
            Some(param) if param.id == Id::Save => {
                // The first one takes the place of the defaults, later ones are added.
                let more = directive.words.join(" ");
                save_points = if more.is_empty() { more } else { format!("{save_points} {more}") };
                settings.config.set(param.name, &save_points).map_err(|error| error.reason)
            }
            Some(param) => set(&mut settings.config, param, directive),
            None => judge(directive).map(|taken| settings.without_effect.extend(taken)),
        };
        applied.map_err(|reason| DirectiveError { directive: directive.clone(), reason })?;
    }
    Ok(settings)
}

fn set(config: &mut Config, param: &Param, directive: &Directive) -> Result<(), String> {
    let words = directive.words.len();
    match (param.id, param.kind) {
        (Id::Bind, _) if words > BIND_LIMIT => {
            return Err(format!("takes at most {BIND_LIMIT} addresses, not {words}"));
        }
        (Id::Bind, _) | (_, Kind::OutputLimits | Kind::SavePoints | Kind::Primary) => {}
        (_, Kind::Shutdown) if words > 0 => {}
        _ if words != 1 => return Err(format!("takes one value, not {words}")),
        _ => {}
    }
    config.set(param.name, &directive.words.join(" ")).map_err(|error| error.reason)
}

/// Judges a directive that has no setting; gives its name when it changes nothing.
fn judge(directive: &Directive) -> Result<Option<String>, String> {
    let Some((name, verdict)) = OTHERS.iter().find(|(name, _)| *name == directive.name) else {
        return Err("no such directive; `larder serve --help` lists those that there are".into());
    };
    let value = directive.words.join(" ");
    match verdict {
        NoEffect => Ok(Some((*name).to_string())),
        Only(values) if values.iter().any(|v| v.eq_ignore_ascii_case(&value)) => Ok(None),
        Only(values) => {
            let values: Vec<String> = values
                .iter()
                .map(|v| if v.is_empty() { "\"\"".to_string() } else { (*v).to_string() })
                .collect();
            Err(format!("not supported yet; only {} is", values.join(" or ")))
        }
        NotYet => Err("not supported yet".into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config_file::Origin;

    fn directive(line: &[&str]) -> Directive {
        Directive {
            name: line[0].to_string(),
            words: line[1..].iter().map(|w| (*w).to_string()).collect(),
            origin: Origin::Option,
        }
    }

    fn error(line: &[&str]) -> String {
        apply(&[directive(line)]).unwrap_err().to_string()
    }

    #[test]
    fn tables_do_not_overlap() {
        for (i, (name, _)) in OTHERS.iter().enumerate() {
            assert!(OTHERS[..i].iter().all(|(other, _)| other != name), "{name} stands twice");
            assert!(Config::param(name).is_none(), "{name} is a setting");
        }
    }

    #[test]
    fn later_directives_win_and_limits_add_up() {
        let lines = [
            directive(&["port", "1"]),
            directive(&["port", "2"]),
            directive(&["bind", "127.0.0.1", "-::1"]),
            directive(&["client-output-buffer-limit", "normal", "1", "1", "1"]),
            directive(&["client-output-buffer-limit", "pubsub", "2", "2", "2"]),
        ];
        let config = apply(&lines).unwrap().config;
        assert_eq!(config.number(Id::Port), 2);
        assert_eq!(config.text(Id::Bind), "127.0.0.1 -::1");
        assert_eq!(config.normal_output_limit().hard, 1);
        assert_eq!(config.pubsub_output_limit().hard, 2);
    }

    #[test]
    fn save_points_take_the_place_of_the_defaults_and_add_up() {
        let points = |lines: &[&[&str]]| {
            let lines: Vec<Directive> = lines.iter().map(|line| directive(line)).collect();
            apply(&lines).unwrap().config.text(Id::Save).to_string()
        };
        assert_eq!(points(&[]), "3600 1 300 100 60 10000");
        assert_eq!(points(&[&["save", "900", "1"], &["save", "60 5"]]), "900 1 60 5");
        assert_eq!(points(&[&["save", "900", "1"], &["save", ""]]), "");
        assert_eq!(points(&[&["save"], &["save", "1", "2", "3", "4"]]), "1 2 3 4");
    }

    #[test]
    fn what_asks_for_nothing_is_taken() {
        let lines = [
            directive(&["save", ""]),
            directive(&["io-threads", "1"]),
            directive(&["replicaof", "NO", "ONE"]),
            directive(&["activerehashing", "yes"]),
        ];
        assert_eq!(apply(&lines).unwrap().without_effect, ["activerehashing"]);
    }

    #[test]
    fn a_primary_is_a_host_and_a_port() {
        let primary = |words: &[&str]| {
            let settings = apply(&[directive(&[&["replicaof"], words].concat())]).unwrap();
            settings.config.text(Id::Replicaof).to_string()
        };
        assert_eq!(primary(&["localhost", "6380"]), "localhost 6380");
        assert_eq!(primary(&["localhost 6380"]), "localhost 6380");
        assert_eq!(primary(&["no", "one"]), "");
        for wrong in
            [&["replicaof", "localhost"][..], &["slaveof", "a", "b"], &["slaveof", "a", "1", "2"]]
        {
            assert!(
                error(wrong).ends_with("argument must be a host and a port"),
                "{}",
                error(wrong)
            );
        }
    }

    #[test]
    fn errors_name_option_and_value() {
        assert_eq!(
            error(&["maxmemory", "lots"]),
            "option --maxmemory lots: argument must be a memory value"
        );
        assert_eq!(
            error(&["daemonize", "yes"]),
            "option --daemonize yes: not supported yet; only no is"
        );
        assert_eq!(error(&["save", "900"]), "option --save 900: Invalid save parameters");
        assert_eq!(error(&["port", "1", "2"]), "option --port 1 2: takes one value, not 2");
        assert!(error(&["prot", "1"]).starts_with("option --prot 1: no such directive"));
        assert!(error(&["port", "70000"]).contains("between 0 and 65535"));
    }
}
