//! Every setting, in one table: name, kind, default, whether it may change while running, summary.
//!
//! CONFIG GET/SET, the options of `larder serve`, its `--help` and the configuration file are all
//! read from [`PARAMS`]. Names and defaults are those of redis.conf. What must never be here: what
//! a setting does; that stands where it is used.

mod events;
mod output;
mod params;
mod primary;
mod saving;

pub(crate) use events::Class;
pub use output::OutputLimit;
pub use params::{Id, PARAMS};
pub use saving::{SavePoint, ShutdownWish};

use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use output::{parse_output_limits, show_output_limits};
use saving::{parse_save_points, show_save_points};

/// What values a setting takes.
#[derive(Clone, Copy, Debug)]
pub enum Kind {
    /// A whole number in a range.
    Int {
        /// The least value.
        min: i64,
        /// The greatest value.
        max: i64,
    },
    /// A number of bytes, as `100mb` or `1gb`.
    Memory {
        /// The least value.
        min: i64,
    },
    /// `yes` or `no`.
    Bool,
    /// One of a few words.
    Enum(&'static [&'static str]),
    /// Any text.
    Text,
    /// Limits by class of client: `class hard soft seconds ...`.
    OutputLimits,
    /// A host and a port, or nobody: empty, or `no one`.
    Primary,
    /// Letters for classes of keyspace notifications.
    Events,
    /// When to save: pairs of seconds and changes.
    SavePoints,
    /// A file's name without a directory.
    FileName,
    /// `default`, or words that say how to end.
    Shutdown,
}

/// One setting's row.
#[derive(Clone, Copy, Debug)]
pub struct Param {
    /// Which one it is.
    pub id: Id,
    /// The directive's name in redis.conf.
    pub name: &'static str,
    /// What values it takes.
    pub kind: Kind,
    /// The value when nothing is said, as one would write it.
    pub default: &'static str,
    /// Whether CONFIG SET may change it.
    pub mutable: bool,
    /// One sentence for `--help`.
    pub summary: &'static str,
}

impl Param {
    /// The name that the setting had before it was renamed, which still holds.
    pub fn old_name(&self) -> Option<&'static str> {
        params::OLD_NAMES.iter().find(|(id, _)| *id == self.id).map(|(_, name)| *name)
    }
}

/// A setting's value.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Setting {
    Number(i64),
    Word(u8),
    Text(String),
}

/// A value that a setting does not take.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigError {
    /// The setting's name as it was given.
    pub name: String,
    /// What is wrong and what would be right.
    pub reason: String,
}

impl core::fmt::Display for ConfigError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "'{}': {}", self.name, self.reason)
    }
}

impl core::error::Error for ConfigError {}

/// Which keys make room when memory is full (`maxmemory-policy`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Policy {
    /// Least recently used, among keys with a TTL.
    VolatileLru,
    /// Least frequently used, among keys with a TTL.
    VolatileLfu,
    /// Any key with a TTL.
    VolatileRandom,
    /// The key with the shortest time to live.
    VolatileTtl,
    /// Least recently used.
    AllkeysLru,
    /// Least frequently used.
    AllkeysLfu,
    /// Any key.
    AllkeysRandom,
    /// What the policy of our own thinks least worth its place, among keys with a TTL.
    VolatileAdaptive,
    /// What the policy of our own thinks least worth its place.
    AllkeysAdaptive,
    /// None: writes are refused.
    NoEviction,
}

impl Policy {
    const ALL: [Policy; 10] = [
        Policy::VolatileLru,
        Policy::VolatileLfu,
        Policy::VolatileRandom,
        Policy::VolatileTtl,
        Policy::AllkeysLru,
        Policy::AllkeysLfu,
        Policy::AllkeysRandom,
        Policy::VolatileAdaptive,
        Policy::AllkeysAdaptive,
        Policy::NoEviction,
    ];

    /// Whether only keys with a TTL may go.
    pub fn is_volatile(self) -> bool {
        matches!(
            self,
            Self::VolatileLru
                | Self::VolatileLfu
                | Self::VolatileRandom
                | Self::VolatileTtl
                | Self::VolatileAdaptive
        )
    }

    /// Whether it is the policy of our own.
    pub fn is_adaptive(self) -> bool {
        matches!(self, Self::VolatileAdaptive | Self::AllkeysAdaptive)
    }

    /// Whether it goes by how long keys have not been used, and nothing else.
    pub fn is_lru(self) -> bool {
        matches!(self, Self::VolatileLru | Self::AllkeysLru)
    }

    /// Whether how often a key is used counts, rather than how recently.
    pub fn is_lfu(self) -> bool {
        matches!(self, Self::VolatileLfu | Self::AllkeysLfu)
    }
}

/// The settings of one node.
#[derive(Clone, Debug)]
pub struct Config {
    settings: Vec<Setting>,
    output_limits: [OutputLimit; 3],
    save_points: Vec<SavePoint>,
    events: Class,
}

impl Default for Config {
    fn default() -> Self {
        let mut config = Config {
            settings: Vec::with_capacity(PARAMS.len()),
            output_limits: Default::default(),
            save_points: Vec::new(),
            events: Class::empty(),
        };
        for param in PARAMS {
            config.settings.push(Setting::Text(String::new()));
            let set = config.set(param.name, param.default);
            debug_assert!(set.is_ok(), "default of {}: {set:?}", param.name);
        }
        config
    }
}

impl Config {
    /// The defaults, but for `maxmemory-policy`.
    pub(crate) fn with_policy(policy: Policy, max_bytes: u64) -> Self {
        let mut config = Config::default();
        config.settings[Id::MaxmemoryPolicy as usize] = Setting::Word(policy as u8);
        let max_bytes = if max_bytes == u64::MAX { 0 } else { max_bytes };
        config.settings[Id::Maxmemory as usize] =
            Setting::Number(i64::try_from(max_bytes).unwrap_or(i64::MAX));
        config
    }

    /// The row of a setting by its name, or by the one that it once had, in any case.
    pub fn param(name: &str) -> Option<&'static Param> {
        let is = |known: &str| known.eq_ignore_ascii_case(name);
        PARAMS.iter().find(|p| is(p.name) || p.old_name().is_some_and(is))
    }

    /// Changes a setting, from the text that a person writes.
    ///
    /// # Errors
    /// No such setting, or a value that it does not take. Nothing is changed then.
    pub fn set(&mut self, name: &str, value: &str) -> Result<(), ConfigError> {
        let fail = |reason: String| ConfigError { name: name.to_string(), reason };
        let param = Self::param(name).ok_or_else(|| fail("no such setting".to_string()))?;
        let within = |number: i64, min: i64, max: i64| match (min..=max).contains(&number) {
            true => Ok(Setting::Number(number)),
            false => Err(fail(format!("argument must be between {min} and {max} inclusive"))),
        };
        let setting = match param.kind {
            Kind::Int { min, max } => {
                let number = crate::numbers::parse_i64(value.as_bytes())
                    .ok_or_else(|| fail("argument couldn't be parsed into an integer".into()))?;
                within(number, min, max)?
            }
            Kind::Memory { min } => {
                let bytes = parse_memory(value)
                    .ok_or_else(|| fail("argument must be a memory value".into()))?;
                within(bytes, min, i64::MAX)?
            }
            Kind::Bool => match value.to_ascii_lowercase().as_str() {
                "yes" => Setting::Number(1),
                "no" => Setting::Number(0),
                _ => return Err(fail("argument must be 'yes' or 'no'".into())),
            },
            Kind::Enum(words) => {
                let index = words.iter().position(|w| w.eq_ignore_ascii_case(value));
                Setting::Word(index.ok_or_else(|| {
                    fail(format!("argument(s) must be one of the following: {}", words.join(", ")))
                })? as u8)
            }
            Kind::Text => Setting::Text(value.to_string()),
            Kind::FileName => match value {
                "" => return Err(fail(format!("{} can't be empty", param.name))),
                _ if value.contains(['/', '\\', '\0', '\n']) || matches!(value, "." | "..") => {
                    return Err(fail(format!("{} can't be a path, just a filename", param.name)));
                }
                _ => Setting::Text(value.to_string()),
            },
            Kind::Shutdown => {
                let wish = ShutdownWish::parse(value).ok_or_else(|| {
                    let words = "default, save, nosave, now, force";
                    fail(format!("argument(s) must be one of the following: {words}"))
                })?;
                Setting::Text(wish.show())
            }
            Kind::SavePoints => {
                self.save_points = parse_save_points(value)
                    .ok_or_else(|| fail("Invalid save parameters".into()))?;
                Setting::Text(show_save_points(&self.save_points))
            }
            Kind::Primary => Setting::Text(
                primary::parse(value)
                    .ok_or_else(|| fail("argument must be a host and a port".into()))?,
            ),
            Kind::OutputLimits => {
                self.output_limits =
                    parse_output_limits(self.output_limits, value).map_err(fail)?;
                Setting::Text(show_output_limits(&self.output_limits))
            }
            Kind::Events => {
                self.events = Class::parse(value).ok_or_else(|| {
                    fail("Invalid event class character. Use 'Ag$lshzxeKEtmdn'.".into())
                })?;
                Setting::Text(self.events.letters())
            }
        };
        self.settings[param.id as usize] = setting;
        Ok(())
    }

    /// A setting as CONFIG GET shows it.
    pub fn get(&self, param: &Param) -> String {
        match (&self.settings[param.id as usize], param.kind) {
            (Setting::Word(index), Kind::Enum(words)) => words[usize::from(*index)].to_string(),
            (Setting::Number(n), Kind::Bool) => if *n == 1 { "yes" } else { "no" }.to_string(),
            (Setting::Number(n), _) => n.to_string(),
            (Setting::Word(n), _) => n.to_string(),
            (Setting::Text(text), _) => text.clone(),
        }
    }

    /// The value of a number, memory or yes/no setting (1 is yes); 0 for the others.
    pub fn number(&self, id: Id) -> i64 {
        match self.settings[id as usize] {
            Setting::Number(n) => n,
            _ => 0,
        }
    }

    /// The value of a text setting; empty for the others.
    pub fn text(&self, id: Id) -> &str {
        match &self.settings[id as usize] {
            Setting::Text(text) => text,
            _ => "",
        }
    }

    /// The value of a one-of-a-few-words setting; empty for the others.
    pub fn word(&self, id: Id) -> &'static str {
        match (&self.settings[id as usize], PARAMS[id as usize].kind) {
            (Setting::Word(index), Kind::Enum(words)) => words[usize::from(*index)],
            _ => "",
        }
    }

    /// `maxmemory-policy`.
    pub fn policy(&self) -> Policy {
        match self.settings[Id::MaxmemoryPolicy as usize] {
            Setting::Word(index) => Policy::ALL[usize::from(index)],
            _ => Policy::NoEviction,
        }
    }

    /// `notify-keyspace-events`.
    pub(crate) fn events(&self) -> Class {
        self.events
    }

    /// `save`: when a snapshot is made.
    pub fn save_points(&self) -> &[SavePoint] {
        &self.save_points
    }

    /// `client-output-buffer-limit` of ordinary clients.
    pub fn normal_output_limit(&self) -> OutputLimit {
        self.output_limits[0]
    }

    /// `client-output-buffer-limit` of replicas and of clients that monitor.
    pub fn replica_output_limit(&self) -> OutputLimit {
        self.output_limits[1]
    }

    /// `client-output-buffer-limit` of subscribers.
    pub fn pubsub_output_limit(&self) -> OutputLimit {
        self.output_limits[2]
    }
}

/// Reads `1024`, `1k`, `1kb`, `1m`, `1mb`, `1g`, `1gb`, `1b`, in any case, as redis.conf does.
fn parse_memory(text: &str) -> Option<i64> {
    let text = text.to_ascii_lowercase();
    let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let unit: i64 = match &text[digits.len()..] {
        "" | "b" => 1,
        "k" => 1000,
        "kb" => 1 << 10,
        "m" => 1_000_000,
        "mb" => 1 << 20,
        "g" => 1_000_000_000,
        "gb" => 1 << 30,
        _ => return None,
    };
    let number = digits.parse::<i64>().ok().filter(|&n| n >= 0)?;
    number.checked_mul(unit)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_index_the_table_and_names_are_unique() {
        for (i, param) in PARAMS.iter().enumerate() {
            assert_eq!(param.id as usize, i);
            assert!(PARAMS[..i].iter().all(|p| p.name != param.name));
        }
        assert_eq!(params::POLICIES.len(), Policy::ALL.len());
        for policy in Policy::ALL {
            assert_eq!(Config::with_policy(policy, 1).policy(), policy);
        }
    }

    #[test]
    fn defaults_read_back() {
        let config = Config::default();
        for param in PARAMS {
            let shown = config.get(param);
            assert!(Config::default().set(param.name, &shown).is_ok(), "{}: {shown}", param.name);
        }
        assert_eq!(config.pubsub_output_limit().soft_secs, 60);
        assert_eq!(config.policy(), Policy::AllkeysAdaptive);
    }

    #[test]
    fn what_would_shut_everyone_out_is_refused() {
        let mut config = Config::default();
        for (name, least) in
            [("client-query-buffer-limit", 1 << 20), ("proto-max-bulk-len", 1 << 16)]
        {
            for refused in ["0", "1", "60kb"] {
                let error = config.set(name, refused).expect_err("too little");
                assert!(error.reason.contains(&format!("between {least} and")), "{error}");
            }
            assert_eq!(config.set(name, &format!("{least}")), Ok(()));
        }
    }

    #[test]
    fn save_points_and_file_names() {
        let mut config = Config::default();
        assert_eq!(config.save_points().len(), 3);
        assert_eq!(config.set("save", "900 1  60 2"), Ok(()));
        assert_eq!(config.get(Config::param("save").expect("a setting")), "900 1 60 2");
        assert_eq!(config.save_points()[1], SavePoint { secs: 60, changes: 2 });
        for refused in ["900", "0 1", "-1 1", "a b", "1 -1"] {
            assert!(config.set("save", refused).is_err(), "{refused}");
        }
        assert_eq!(config.set("save", ""), Ok(()));
        assert!(config.save_points().is_empty());
        for refused in ["", "a/b", "..", "/etc/passwd"] {
            assert!(config.set("dbfilename", refused).is_err(), "{refused}");
        }
    }

    #[test]
    fn memory_units() {
        assert_eq!(parse_memory("100mb"), Some(100 << 20));
        assert_eq!(parse_memory("1K"), Some(1000));
        assert_eq!(parse_memory("9999999999gb"), None);
        assert_eq!(parse_memory("-1"), None);
        assert_eq!(parse_memory("mb"), None);
    }
}
