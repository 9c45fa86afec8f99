//! `cargo xtask crash`: kills a server at any moment, again and again, and looks at what comes back.
//!
//! Each round goes on with the files that the last one left. Three kinds take turns: snapshots (killed
//! while one is written or named, the last whole one must load), the log that is synced before each
//! answer (nothing that was answered may be missing), and the log that is synced once a second (nothing
//! answered more than two seconds before). All while the log is rewritten.

use std::io::{BufRead, BufReader, Write};
use std::net::{Ipv4Addr, TcpStream};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use crate::job::Job;
use crate::proc::Running;
use crate::{paths, serve, sh};

/// The server answers so long after its start at the latest.
const PATIENCE: Duration = Duration::from_secs(120);
/// Commands that are sent at a time.
const BATCH: u64 = 16;
/// Keys beside those that are looked at, so that a save takes its time.
const FILLER: u32 = 20_000;
/// How old an answer may be that `everysec` loses.
const EVERYSEC: Duration = Duration::from_secs(2);

/// What to kill, and how often.
#[derive(clap::Args)]
pub(crate) struct Options {
    /// How many rounds
    #[arg(long, default_value_t = 30)]
    pub(crate) rounds: u32,
    /// Another seed, other moments
    #[arg(long, default_value_t = 1)]
    pub(crate) seed: u64,
    /// A server that is built already
    #[arg(long)]
    pub(crate) program: Option<PathBuf>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Snapshots,
    Always,
    EverySecond,
}

const KINDS: [(Kind, &str, &[&str]); 3] = [
    (Kind::Snapshots, "snapshots", &["--save", "3600 1000000000"]),
    (Kind::Always, "always", &["--save", "", "--appendonly", "yes", "--appendfsync", "always"]),
    (Kind::EverySecond, "everysec", &["--save", "", "--appendonly", "yes"]),
];

/// What is known of the files of one kind.
#[derive(Debug, Default)]
struct Story {
    /// The least that must come back, and the most that can.
    safe: u64,
    sent: u64,
    /// The last that was answered.
    answered: u64,
    /// How many rounds, and how many answers were lost in all.
    rounds: u32,
    lost: u64,
}

/// Kills so often, and fails where something is missing.
pub(crate) fn run(job: &mut Job, options: &Options) -> Result<()> {
    let program = match &options.program {
        Some(program) => std::fs::canonicalize(program)?,
        None => {
            serve::build(job)?;
            paths::larder()
        }
    };
    let dir = paths::scratch()?.join(format!("crash-{}", std::process::id()));
    let mut random = options.seed;
    let mut stories = [Story::default(), Story::default(), Story::default()];
    for round in 0..options.rounds {
        let at = round as usize % KINDS.len();
        let (kind, name, _) = KINDS[at];
        let dir = dir.join(name);
        std::fs::create_dir_all(&dir)?;
        random = random.wrapping_mul(0x5851_f42d_4c95_7f2d).wrapping_add(0x1405_7b7e_f767_814f);
        let lives = Duration::from_millis(random >> 33 & 0x1ff);
        one(&program, &dir, KINDS[at].2, kind, &mut stories[at], lives).with_context(|| {
            format!("round {round}, {name}, after {lives:?}; see {}", dir.display())
        })?;
        if (round + 1) % 100 == 0 {
            job.say(&format!("{} rounds", round + 1))?;
        }
    }
    for ((_, name, _), story) in KINDS.iter().zip(&stories) {
        let Story { rounds, sent, lost, .. } = story;
        job.say(&format!("{name}: {rounds} kills, {sent} writes, {lost} answered ones lost"))?;
    }
    std::fs::remove_dir_all(dir)?;
    Ok(())
}

/// One life of a server, with its end.
fn one(
    program: &Path,
    dir: &Path,
    options: &[&str],
    kind: Kind,
    story: &mut Story,
    lives: Duration,
) -> Result<()> {
    let port = serve::free_port()?;
    let log = std::fs::File::options().create(true).append(true).open(dir.join("log.txt"))?;
    let mut command = sh::plain(program);
    command.args(["serve", "--port", &port.to_string(), "--bind", "127.0.0.1"]);
    command.args(["--http-port", "0", "--dir", "."]).args(options).current_dir(dir);
    command.args(["--enable-debug-command", "yes"]);
    command.stdout(log.try_clone()?).stderr(log);
    let mut server = Running::start(&mut command)?;
    let mut client = Client::connect(port)?;
    let there = client.loaded()?;
    story.rounds += 1;
    if !(story.safe..=story.sent).contains(&there) {
        bail!(
            "{there} is there, of {} that are safe and {} that were sent",
            story.safe,
            story.sent
        );
    }
    // What was answered and is lost may be lost, or it would have been safe.
    story.lost += story.answered.saturating_sub(there);
    (story.safe, story.sent) = (there, there);
    if client.ask("DBSIZE")? == ":0" || there == 0 {
        client.ask(&format!("DEBUG POPULATE {FILLER} filler 100"))?;
        client.ask("SAVE")?;
    }
    let mut answered = vec![(Instant::now(), there)];
    let (since, mut turn) = (Instant::now(), 0);
    let mut saves = client.saves()?;
    while since.elapsed() < lives {
        turn += 1;
        story.sent += BATCH;
        let last = client.add(BATCH)?;
        if last != story.sent {
            bail!("it counts {last}, and not {}", story.sent);
        }
        answered.push((Instant::now(), last));
        match kind {
            Kind::Always => story.safe = last,
            Kind::Snapshots if turn % 8 == 1 => {
                let done = client.saves()?;
                if done > saves {
                    (saves, story.safe) = (done, story.safe.max(client.saving));
                }
                if client.ask("BGSAVE")? == "+Background saving started" {
                    // The one before may have ended just now: it doesn't count for this one.
                    client.saving = last;
                    saves = client.saves()?;
                }
            }
            Kind::EverySecond | Kind::Snapshots => {}
        }
        if kind != Kind::Snapshots && turn % 64 == 32 {
            client.ask("BGREWRITEAOF")?;
        }
    }
    // In the middle of what goes on.
    client.send_adds(BATCH)?;
    story.sent += BATCH;
    let killed = Instant::now();
    server.kill()?;
    if kind == Kind::EverySecond {
        let old = answered.iter().rev().find(|(at, _)| killed.duration_since(*at) > EVERYSEC);
        story.safe = story.safe.max(old.map_or(0, |(_, n)| *n));
    }
    story.answered = answered.last().map_or(0, |(_, n)| *n);
    Ok(())
}

/// A client that counts.
struct Client {
    stream: BufReader<TcpStream>,
    /// What had been counted when the save that is under way began.
    saving: u64,
}

impl Client {
    fn connect(port: u16) -> Result<Self> {
        let since = Instant::now();
        loop {
            match TcpStream::connect((Ipv4Addr::LOCALHOST, port)) {
                Ok(stream) => {
                    stream.set_read_timeout(Some(PATIENCE))?;
                    stream.set_nodelay(true)?;
                    return Ok(Client { stream: BufReader::new(stream), saving: 0 });
                }
                Err(error) if since.elapsed() > PATIENCE => return Err(error.into()),
                Err(_) => std::thread::sleep(Duration::from_millis(2)),
            }
        }
    }

    /// Waits until it has loaded, and gives how far it had counted.
    fn loaded(&mut self) -> Result<u64> {
        let since = Instant::now();
        loop {
            let line = self.ask("INCRBY n 0")?;
            match line.strip_prefix(':') {
                Some(n) => return Ok(n.parse()?),
                None if line.starts_with("-LOADING") && since.elapsed() < PATIENCE => {}
                None => bail!("it answers {line}"),
            }
            std::thread::sleep(Duration::from_millis(1));
        }
    }

    fn send_adds(&mut self, count: u64) -> Result<()> {
        let command = "MULTI\r\nINCR n\r\nSET twin x\r\nEXEC\r\n";
        Ok(self.stream.get_mut().write_all(command.repeat(count as usize).as_bytes())?)
    }

    /// Counts on, and gives how far.
    fn add(&mut self, count: u64) -> Result<u64> {
        self.send_adds(count)?;
        let mut last = 0;
        for _ in 0..count {
            for wanted in ["+OK", "+QUEUED", "+QUEUED", "*2", ":", "+OK"] {
                let line = self.line()?;
                match line.strip_prefix(wanted) {
                    Some("") => {}
                    Some(n) if wanted == ":" => last = n.parse()?,
                    _ => bail!("it answers {line}, not {wanted}"),
                }
            }
        }
        Ok(last)
    }

    /// How many saves have ended.
    fn saves(&mut self) -> Result<u64> {
        let head = self.ask("INFO persistence")?;
        let mut left: usize = head.trim_start_matches('$').parse()?;
        let mut saves = None;
        while left > 0 {
            let line = self.line()?;
            left = left.saturating_sub(line.len() + 2);
            saves = saves.or(line.strip_prefix("rdb_saves:").map(str::parse::<u64>));
        }
        self.line()?;
        Ok(saves.context("INFO has no rdb_saves")??)
    }

    fn ask(&mut self, command: &str) -> Result<String> {
        self.stream.get_mut().write_all(format!("{command}\r\n").as_bytes())?;
        self.line()
    }

    fn line(&mut self) -> Result<String> {
        let mut line = String::new();
        if self.stream.read_line(&mut line)? == 0 {
            bail!("it has closed the connection");
        }
        Ok(line.trim_end().to_owned())
    }
}
