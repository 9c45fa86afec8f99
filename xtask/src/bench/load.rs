//! Running `larder bench` and reading its figures.

use std::fs::{self, File};
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use serde_json::Value;

use super::peers::{Peer, Server};
use crate::proc::Running;
use crate::{paths, sh};

/// No load takes longer than this.
const LIMIT: Duration = Duration::from_secs(15 * 60);

/// Milliseconds.
#[derive(Clone, Copy)]
pub(crate) struct Latency {
    pub(crate) p50: f64,
    pub(crate) p99: f64,
    pub(crate) p999: f64,
    pub(crate) p9999: f64,
    pub(crate) max: f64,
}

impl Latency {
    /// The better of two, each figure for itself.
    pub(crate) fn best(self, other: Self) -> Self {
        Self {
            p50: self.p50.min(other.p50),
            p99: self.p99.min(other.p99),
            p999: self.p999.min(other.p999),
            p9999: self.p9999.min(other.p9999),
            max: self.max.min(other.max),
        }
    }
}

/// What one load met.
#[derive(Clone, Copy)]
pub(crate) struct Figures {
    pub(crate) answered: f64,
    /// Requests a second.
    pub(crate) rate: f64,
    pub(crate) latency: Latency,
    /// With a rate: milliseconds after they were due that 99 of 100 requests had left.
    pub(crate) late: Option<f64>,
    /// With a rate: how many never left.
    pub(crate) unsent: f64,
}

/// A load under way; ended when dropped.
pub(crate) struct Load {
    process: Running,
    name: String,
}

impl Load {
    /// Starts one. `name` tells its files from those of others at the same time.
    pub(crate) fn start(peer: &Peer, server: &Server, name: &str, args: &str) -> Result<Self> {
        Self::start_with(peer, server, name, args.split(' '))
    }

    fn start_with<'a>(
        peer: &Peer,
        server: &Server,
        name: &str,
        args: impl Iterator<Item = &'a str>,
    ) -> Result<Self> {
        let name = format!("bench-load-{name}");
        let (json, log) = (scratch(&name, "json")?, File::create(scratch(&name, "log")?)?);
        let mut command = sh::plain(paths::larder());
        command.args(["bench", "-p", &server.port.to_string(), "--protocol", peer.protocol]);
        command.args(args).arg("--json").arg(json);
        command.stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log);
        Ok(Self { process: Running::start(&mut command)?, name })
    }

    /// Waits for its end.
    pub(crate) fn finish(mut self) -> Result<Figures> {
        let status = self.process.wait(Some(LIMIT), |_| {})?;
        let log = scratch(&self.name, "log")?;
        if !status.success() {
            bail!("larder bench failed, {status}; see {}", log.display());
        }
        let text = fs::read_to_string(scratch(&self.name, "json")?)?;
        let json: Value = serde_json::from_str(&text).context("the figures are no JSON")?;
        let run = json["runs"].as_array().and_then(|runs| runs.last()).context("no run")?;
        let number = |value: &Value, name: &str| {
            value[name].as_f64().with_context(|| format!("the figures lack {name}: {text}"))
        };
        if number(run, "errors")? > 0.0 || number(run, "unanswered")? > 0.0 {
            bail!("not all was answered well; see {}", log.display());
        }
        let latency = &run["latency_us"];
        let millis = |name| Ok::<_, anyhow::Error>(number(latency, name)? / 1000.0);
        Ok(Figures {
            answered: number(run, "answered")?,
            rate: number(run, "requests_per_second")?,
            latency: Latency {
                p50: millis("p50")?,
                p99: millis("p99")?,
                p999: millis("p99.9")?,
                p9999: millis("p99.99")?,
                max: millis("max")?,
            },
            late: run["late_us"]["p99"].as_f64().map(|micros| micros / 1000.0),
            unsent: number(run, "unsent")?,
        })
    }
}

/// Starts a load and waits for its end.
pub(crate) fn run(peer: &Peer, server: &Server, args: &str) -> Result<Figures> {
    Load::start(peer, server, "main", args)?.finish()
}

/// As [`run`], sending one command in place of a named test.
pub(crate) fn run_command(
    peer: &Peer,
    server: &Server,
    command: &str,
    args: &str,
) -> Result<Figures> {
    let args = args.split(' ').chain(["--command", command]);
    Load::start_with(peer, server, "main", args)?.finish()
}

/// Sets every key there is to be, with values of so many bytes; `more` is put on the command line.
pub(crate) fn fill(
    peer: &Peer,
    server: &Server,
    keys: u32,
    value: u32,
    more: &str,
) -> Result<Figures> {
    let args =
        format!("--distribution sequential --ratio 1:0 -r {keys} -n {keys} -d {value} -P 64{more}");
    run(peer, server, &args).context("cannot fill it")
}

fn scratch(name: &str, ending: &str) -> Result<std::path::PathBuf> {
    Ok(paths::scratch()?.join(format!("{name}.{ending}")))
}
