//! `cargo xtask compat`: the commands and settings of Larder beside those of a real Valkey, as
//! `docs/compatibility.md`.

mod facts;
mod page;
mod reasons;

use std::fs;
use std::io::{Read, Write};
use std::net::TcpStream;

use anyhow::{Context, Result, bail};
use cache_core::node::{ConnId, Peer};
use cache_core::protocol::{Value, request};
use cache_core::{Config, Node, Now};

use crate::job::Job;
use crate::tools::Group;
use crate::valkey::{Clock, Valkey};
use crate::{paths, setup};
use facts::{Ask, FIELDS, Facts};

const PAGE: &str = "docs/compatibility.md";

/// What is not the same in both.
struct Difference<'a> {
    command: &'a str,
    field: &'static str,
    ours: &'a str,
    theirs: &'a str,
    reason: Option<&'static str>,
}

/// Compares, and writes the page, or only checks that it is up to date. Fails when something
/// differs for no stated reason.
pub(crate) fn run(job: &mut Job, check: bool) -> Result<()> {
    setup::ensure(&[Group::Valkey])?;
    let mut valkey = Valkey::start(&Clock::Real)?;
    let theirs = Facts::of(&mut Wire::connect(&valkey)?)?;
    let version = valkey.version().to_owned();
    valkey.end()?;
    let ours = Facts::of(&mut Engine::new()?)?;
    let differences = compare(&ours, &theirs);
    let text = page::page(&ours, &theirs, &version, &differences);
    let mut amiss: Vec<String> = differences
        .iter()
        .filter(|d| d.reason.is_none())
        .map(|d| format!("{}: {}\n  here  {}\n  there {}", d.command, d.field, d.ours, d.theirs))
        .collect();
    amiss.extend(reasons::idle(&differences));
    let file = paths::root().join(PAGE);
    if check {
        let old = fs::read_to_string(&file).unwrap_or_default();
        if old != text {
            amiss.push(format!("{PAGE} is out of date; `cargo xtask compat` writes it"));
        }
    } else {
        fs::write(&file, &text).with_context(|| format!("cannot write {PAGE}"))?;
    }
    for line in &amiss {
        job.say(line)?;
    }
    let commands = ours.commands.keys().filter(|name| theirs.commands.contains_key(*name)).count();
    job.remark(&format!("{commands} of {} commands", theirs.commands.len()));
    if amiss.is_empty() { Ok(()) } else { bail!("{} places; see {PAGE}", amiss.len()) }
}

/// All that differs in commands that both have.
fn compare<'a>(ours: &'a Facts, theirs: &'a Facts) -> Vec<Difference<'a>> {
    let mut differences = Vec::new();
    for (name, our) in &ours.commands {
        let Some(their) = theirs.commands.get(name) else { continue };
        for field in FIELDS {
            let (ours, theirs) = (our.field(field), their.field(field));
            if ours != theirs {
                let reason = reasons::of_difference(name, field);
                differences.push(Difference { command: name, field, ours, theirs, reason });
            }
        }
    }
    differences
}

/// The engine itself.
struct Engine {
    node: Node,
    now: Now,
    conn: ConnId,
}

impl Engine {
    fn new() -> Result<Self> {
        let now = Now::default();
        let mut node = Node::new(Config::default(), 1, now);
        let conn = node.handle_connect(now, Peer::default()).ok().context("no connection")?;
        let mut engine = Self { node, now, conn };
        engine.ask(&["HELLO", "3"])?;
        Ok(engine)
    }
}

impl Ask for Engine {
    fn ask(&mut self, command: &[&str]) -> Result<Value> {
        let bytes = self.node.request(self.now, self.conn, command, &mut ());
        whole(&bytes.context("no reply")?)?.context("half a reply")
    }
}

/// A real server.
struct Wire {
    stream: TcpStream,
}

impl Wire {
    fn connect(server: &Valkey) -> Result<Self> {
        let mut wire = Self { stream: server.connect()? };
        wire.ask(&["HELLO", "3"])?;
        Ok(wire)
    }
}

impl Ask for Wire {
    fn ask(&mut self, command: &[&str]) -> Result<Value> {
        self.stream.write_all(&request::encode(command))?;
        let (mut bytes, mut chunk) = (Vec::new(), vec![0; 1 << 16]);
        loop {
            match self.stream.read(&mut chunk)? {
                0 => bail!("the server has closed the connection"),
                n => bytes.extend_from_slice(&chunk[..n]),
            }
            if let Some(value) = whole(&bytes)? {
                return Ok(value);
            }
        }
    }
}

/// The one reply that the bytes hold, once they hold all of it.
fn whole(bytes: &[u8]) -> Result<Option<Value>> {
    let parsed = Value::parse(bytes).map_err(|error| anyhow::anyhow!("{error:?}"))?;
    match parsed {
        Some((Value::Error(text), _)) => bail!("it answers {text}"),
        Some((value, used)) if used == bytes.len() => Ok(Some(value)),
        Some(_) => bail!("more than one reply"),
        None => Ok(None),
    }
}
