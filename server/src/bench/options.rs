//! The command line of `larder bench`, and the plan that comes of it.
//!
//! Names are those of redis-benchmark, memtier_benchmark and wrk2 where these have them. What must
//! never be here: anything that runs.

use super::keys::{Distribution, MAX_KEYS, Sizes};
use super::replies::Protocol;
use super::workload::{Style, Workload};
use clap::{ArgAction, Args};
use std::path::PathBuf;
use std::time::Duration;

/// The most connections: one address has no more ports than this.
const MAX_CLIENTS: u32 = 60_000;
/// The most requests in flight on a connection.
const MAX_PIPELINE: u32 = 100_000;
/// Requests in flight on a connection while keys are loaded, at the least.
const PREFILL_PIPELINE: u32 = 64;
/// A run takes so long when nothing else is said.
const DURATION: f64 = 10.0;
/// Where the password may stand instead of on the command line, as for redis-cli.
const PASSWORD: &str = "REDISCLI_AUTH";

/// What was asked on the command line.
#[derive(Args, Clone, Debug)]
#[command(disable_help_flag = true)]
pub(crate) struct Options {
    /// The server's name or address
    #[arg(short = 'h', long, default_value = "127.0.0.1")]
    pub(crate) host: String,
    /// The server's port [default: 6379, or 11211 for Memcached]
    #[arg(short, long)]
    port: Option<u16>,
    /// The password; better in the variable REDISCLI_AUTH, since others see command lines
    #[arg(short = 'a', long)]
    password: Option<String>,
    /// The user of the password
    #[arg(long)]
    user: Option<String>,
    /// The protocol to speak
    #[arg(long, value_enum, default_value_t = Protocol::Resp)]
    protocol: Protocol,

    /// Connections, all threads together
    #[arg(short, long, value_name = "N", default_value_t = 50,
          value_parser = clap::value_parser!(u32).range(1..=i64::from(MAX_CLIENTS)))]
    clients: u32,
    /// Requests in flight on each connection
    #[arg(short = 'P', long, value_name = "N", default_value_t = 1,
          value_parser = clap::value_parser!(u32).range(1..=i64::from(MAX_PIPELINE)))]
    pipeline: u32,
    /// Threads of the load generator; one is enough for a server with one
    #[arg(long, value_name = "N", default_value_t = 1,
          value_parser = clap::value_parser!(u32).range(1..=256))]
    threads: u32,

    /// How many requests to send
    #[arg(short = 'n', long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    requests: Option<u64>,
    /// How long to send [default: 10, unless there is -n]
    #[arg(long, value_name = "SECONDS", value_parser = positive)]
    duration: Option<f64>,
    /// Send so many requests a second, whether or not the server keeps up, and count latency from
    /// when each was due; without it, connections send as soon as they have their replies
    #[arg(long, value_name = "PER_SECOND", value_parser = positive)]
    rate: Option<f64>,

    /// With --rate: requests come so many at a time
    #[arg(long, value_name = "N", default_value_t = 1, requires = "rate",
          value_parser = clap::value_parser!(u64).range(1..=1_000_000))]
    burst: u64,

    /// Tests to run one after the other, such as set,get
    #[arg(short = 't', long, value_name = "NAMES", value_delimiter = ',')]
    tests: Vec<String>,
    /// SETs to GETs of a mix [default: 1:10, unless there is -t or --command]
    #[arg(long, value_name = "SET:GET", value_parser = ratio, conflicts_with_all = ["tests", "command"])]
    ratio: Option<(u32, u32)>,
    /// Any command, with __rand_key__, __rand_int__ (its digits alone) and __data__ in it; may be
    /// given several times, for a mix
    #[arg(long, value_name = "LINE", conflicts_with = "tests")]
    command: Vec<String>,

    /// How many keys there are
    #[arg(short = 'r', long, value_name = "N", default_value_t = 1_000_000,
          value_parser = clap::value_parser!(u64).range(1..=MAX_KEYS))]
    keyspace: u64,
    /// What keys begin with; twelve digits follow
    #[arg(long, value_name = "TEXT", default_value = "key:")]
    key_prefix: String,
    /// How keys are drawn: uniform, zipf:EXPONENT or sequential
    #[arg(long, value_name = "LAW", default_value = "uniform")]
    distribution: Distribution,
    /// Bytes of a value, or a range such as 8-64
    #[arg(short = 'd', long, value_name = "BYTES", default_value = "64")]
    data_size: Sizes,
    /// Let what is SET live for so long
    #[arg(long, value_name = "SECONDS", value_parser = clap::value_parser!(u32).range(1..))]
    expire: Option<u32>,
    /// SET every key of the keyspace first
    #[arg(long)]
    prefill: bool,
    /// Where keys and sizes are drawn from: the same seed, the same requests
    #[arg(long, value_name = "NUMBER", default_value_t = 1)]
    seed: u64,

    /// Write the results as JSON to a file; to standard output, instead of the table, for -
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    /// Print this help
    #[arg(long, action = ArgAction::Help)]
    help: Option<bool>,
}

/// What to do, all of it valid.
#[derive(Clone, Debug)]
pub(crate) struct Plan {
    pub(crate) host: String,
    pub(crate) port: u16,
    pub(crate) style: Style,
    /// AUTH's arguments.
    pub(crate) login: Vec<String>,
    pub(crate) clients: u32,
    pub(crate) threads: u32,
    pub(crate) keyspace: u64,
    pub(crate) seed: u64,
    pub(crate) runs: Vec<Run>,
    pub(crate) json: Option<PathBuf>,
}

/// One run of a plan.
#[derive(Clone, Debug)]
pub(crate) struct Run {
    pub(crate) workload: Workload,
    pub(crate) distribution: Distribution,
    pub(crate) pipeline: u32,
    pub(crate) requests: Option<u64>,
    pub(crate) duration: Option<Duration>,
    /// Requests a second, and how many come at once.
    pub(crate) rate: Option<(f64, u64)>,
    /// Whether it loads the keys for those that follow, which need every one.
    pub(crate) prefill: bool,
}

impl Options {
    /// What these options ask for.
    ///
    /// # Errors
    /// Some don't go together, or name what isn't there; the text says which.
    pub(crate) fn plan(self) -> Result<Plan, String> {
        let style = Style {
            protocol: self.protocol,
            key_prefix: self.key_prefix.clone(),
            sizes: self.data_size,
            expire: self.expire,
        };
        if self.threads > self.clients {
            let Options { threads, clients, .. } = self;
            return Err(format!("--threads {threads}: more than the {clients} of --clients"));
        }
        if self.key_prefix.contains(|c: char| c.is_whitespace() || c.is_control()) {
            return Err(
                "--key-prefix: Memcached's keys have no blanks, and so have none here".into()
            );
        }
        let duration = match (self.duration, self.requests) {
            (None, None) => Some(DURATION),
            (duration, _) => duration,
        };
        let run = |workload| Run {
            workload,
            distribution: self.distribution,
            pipeline: self.pipeline,
            requests: self.requests,
            duration: duration.map(Duration::from_secs_f64),
            rate: self.rate.map(|rate| (rate, self.burst)),
            prefill: false,
        };
        let mut runs = Vec::new();
        if self.prefill {
            let load = Run {
                distribution: Distribution::Sequential,
                pipeline: self.pipeline.max(PREFILL_PIPELINE),
                requests: Some(self.keyspace),
                duration: None,
                rate: None,
                prefill: true,
                ..run(Workload::mix(&style, 1, 0)?)
            };
            runs.push(load);
        }
        if !self.tests.is_empty() {
            for test in &self.tests {
                runs.push(run(Workload::test(&style, test)?));
            }
        } else if !self.command.is_empty() {
            runs.push(run(Workload::commands(&style, &self.command)?));
        } else {
            let (sets, gets) = self.ratio.unwrap_or((1, 10));
            runs.push(run(Workload::mix(&style, sets, gets)?));
        }
        let login = self.login()?;
        let usual = if self.protocol == Protocol::Resp { 6379 } else { 11211 };
        Ok(Plan {
            host: self.host,
            port: self.port.unwrap_or(usual),
            style,
            login,
            clients: self.clients,
            threads: self.threads,
            keyspace: self.keyspace,
            seed: self.seed,
            runs,
            json: self.json,
        })
    }

    fn login(&self) -> Result<Vec<String>, String> {
        if self.protocol != Protocol::Resp {
            return match (&self.user, &self.password) {
                (None, None) => Ok(Vec::new()),
                _ => Err("--user and --password are for --protocol resp".into()),
            };
        }
        let from_env = || std::env::var(PASSWORD).ok().filter(|password| !password.is_empty());
        match (self.user.clone(), self.password.clone().or_else(from_env)) {
            (Some(_), None) => Err(format!("--user needs --password or {PASSWORD}")),
            (user, password) => Ok(user.into_iter().chain(password).collect()),
        }
    }
}

fn positive(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(number) if number > 0.0 && number <= 1e9 => Ok(number),
        _ => Err("a number above 0, and a thousand million at most".into()),
    }
}

fn ratio(text: &str) -> Result<(u32, u32), String> {
    let parsed = text
        .split_once(':')
        .and_then(|(sets, gets)| Some((sets.parse().ok()?, gets.parse().ok()?)));
    parsed.filter(|ratio| *ratio != (0, 0)).ok_or_else(|| "two numbers, such as 1:10".into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::{Command, FromArgMatches};

    fn plan(line: &str) -> Result<Plan, String> {
        let command = Options::augment_args(Command::new("bench").no_binary_name(true));
        let words = line.split_whitespace().map(|word| word.replace('~', " "));
        let matches = command.try_get_matches_from(words).map_err(|e| e.to_string())?;
        Options::from_arg_matches(&matches).map_err(|e| e.to_string())?.plan()
    }

    fn names(plan: &Plan) -> Vec<&str> {
        plan.runs.iter().map(|run| &*run.workload.name).collect()
    }

    #[test]
    fn defaults_are_a_mix_for_ten_seconds() {
        let plan = plan("").unwrap();
        assert_eq!((&*plan.host, plan.port, plan.clients), ("127.0.0.1", 6379, 50));
        assert_eq!(names(&plan), ["set:get 1:10"]);
        assert_eq!(plan.runs[0].duration, Some(Duration::from_secs(10)));
        assert_eq!(plan.runs[0].requests, None);
    }

    #[test]
    fn short_options_are_redis_benchmarks() {
        let plan =
            plan("-h cache -p 7000 -a secret -c 8 -P 16 -n 500 -r 10 -d 3 -t set,GET").unwrap();
        assert_eq!((&*plan.host, plan.port, plan.clients, plan.keyspace), ("cache", 7000, 8, 10));
        assert_eq!(plan.login, ["secret"]);
        assert_eq!(names(&plan), ["set", "get"]);
        let run = &plan.runs[1];
        assert_eq!((run.pipeline, run.requests, run.duration), (16, Some(500), None));
        assert_eq!(plan.style.sizes, Sizes { least: 3, most: 3 });
    }

    #[test]
    fn loading_is_a_run_of_its_own() {
        let plan =
            plan("--prefill -r 77 --ratio 0:1 --rate 1000 --duration 0.5 --expire 9").unwrap();
        assert_eq!(names(&plan), ["set:get 1:0", "set:get 0:1"]);
        let [load, run] = &*plan.runs else { panic!("two runs") };
        assert_eq!((load.requests, load.pipeline, load.rate), (Some(77), 64, None));
        assert!(load.prefill && load.duration.is_none());
        assert_eq!((run.rate, run.duration), (Some((1000.0, 1)), Some(Duration::from_millis(500))));
    }

    #[test]
    fn memcached_has_its_own_port() {
        assert_eq!(plan("--protocol memcached").unwrap().port, 11211);
        assert_eq!(plan("--protocol memcached -p 1").unwrap().port, 1);
    }

    #[test]
    fn commands_are_mixed() {
        let plan = plan("--command GET~__rand_key__ --command PING").unwrap();
        assert_eq!(names(&plan), ["commands"]);
        assert_eq!(plan.runs[0].workload.ops.len(), 2);
    }

    #[test]
    fn mistakes_name_the_option() {
        for (line, part) in [
            ("-c 0", "--clients"),
            ("-P 0", "--pipeline"),
            ("-n 0", "--requests"),
            ("-r 0", "--keyspace"),
            ("--rate 0", "--rate"),
            ("--rate nan", "--rate"),
            ("--burst 5", "--rate"),
            ("--duration 0", "--duration"),
            ("--ratio 0:0", "--ratio"),
            ("--ratio 5", "--ratio"),
            ("--distribution zipf:x", "--distribution"),
            ("-d 64-8", "--data-size"),
            ("-t gte", "gte"),
            ("-t get --ratio 1:1", "--ratio"),
            ("-t get --command PING", "--command"),
            ("--threads 9 -c 8", "--threads"),
            ("--key-prefix a~b", "--key-prefix"),
            ("--protocol memcached -a x", "--password"),
            ("--protocol memcached -t incr", "incr"),
            ("--user me", "--password"),
            ("--rte 5", "--rate"),
        ] {
            let error = plan(line).err().unwrap_or_else(|| panic!("`{line}` is taken"));
            assert!(error.contains(part), "`{line}` should tell of {part}: {error}");
        }
    }

    #[test]
    fn help_is_long_only() {
        assert!(plan("--help").unwrap_err().contains("--keyspace"));
    }
}
