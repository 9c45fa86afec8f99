//! `cargo xtask bench cpu`: the CPU time that a request costs, Larder beside Redis, Valkey and a
//! server that does nothing.
//!
//! Throughput on a small machine tells mostly about the load generator, which shares its cores.
//! The server's own user and system time over a known number of requests doesn't. Figures drift
//! with the machine: compare those of one run. Each figure is the best of the rounds.

use std::fs::{self, File};
use std::io::{BufWriter, Read, Write};
use std::net::{Ipv4Addr, TcpStream};
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, bail};

use crate::job::Job;
use crate::proc::Running;
use crate::tools::Group;
use crate::{paths, proc, serve, setup, sh};

/// Connections of the load generator.
const CONNECTIONS: u32 = 50;
/// Bytes of a value; the null server's replies have as many.
const VALUE: usize = 64;
/// What is measured: the command, requests sent at once, and how many for one unit of `--scale`.
/// Fewer without pipelining, where each costs ten times as much.
const CELLS: &[(&str, u32, u32)] = &[
    ("set", 1, 100_000),
    ("set", 16, 400_000),
    ("set", 64, 800_000),
    ("get", 1, 100_000),
    ("get", 16, 400_000),
    ("get", 64, 800_000),
];
/// A server answers so long after its start at the latest.
const START: Duration = Duration::from_secs(10);
/// One cell takes so long at most.
const CELL: Duration = Duration::from_secs(300);

/// What to measure.
#[derive(clap::Args)]
pub(crate) struct Options {
    /// How many keys there are
    #[arg(long, default_value_t = 1_000_000)]
    keys: u32,
    /// How often all is measured; the best counts
    #[arg(long, default_value_t = 2)]
    rounds: u32,
    /// Requests of each measurement: 100 000 times this without pipelining, more with it
    #[arg(long, default_value_t = 3)]
    scale: u32,
}

/// A server to measure.
struct Peer {
    name: &'static str,
    program: PathBuf,
    /// Its arguments, given a port.
    args: fn(u16) -> Vec<String>,
    /// Whether it keeps what it is sent.
    keeps: bool,
}

/// Nanoseconds of a request: user, system.
#[derive(Clone, Copy)]
struct Cost {
    user: f64,
    system: f64,
}

/// Measures and prints the table.
pub(crate) fn cpu(options: &Options) -> Result<()> {
    setup::ensure(&[Group::Bench])?;
    let mut job = Job::on_terminal();
    serve::build(&mut job)?;
    // The null server is this program, optimized.
    job.run(&mut sh::cargo(&["build", "--release", "--package", "xtask"]))?;
    let peers = peers()?;
    let mut best: Vec<Vec<Option<Cost>>> = vec![vec![None; peers.len()]; CELLS.len()];
    for round in 1..=options.rounds {
        for (at, peer) in peers.iter().enumerate() {
            println!("round {round} of {}: {}", options.rounds, peer.name);
            let costs = measure(peer, options).with_context(|| peer.name.to_owned())?;
            for (row, cost) in best.iter_mut().zip(costs) {
                let better = row[at].is_none_or(|old| cost.total() < old.total());
                row[at] = if better { Some(cost) } else { row[at] };
            }
        }
    }
    print_table(&peers, &best);
    Ok(())
}

fn peers() -> Result<Vec<Peer>> {
    let redis =
        |port: u16| words(&format!("--port {port} --bind 127.0.0.1 --appendonly no --save"));
    let found = |program: Option<PathBuf>, what: &str| {
        program.with_context(|| format!("there is no {what}; `cargo xtask setup bench` tells why"))
    };
    Ok(vec![
        Peer {
            name: "redis",
            program: found(setup::redis_server()?, "redis-server")?,
            args: redis,
            keeps: true,
        },
        Peer {
            name: "valkey",
            program: found(setup::valkey_server()?, "valkey-server")?,
            args: redis,
            keeps: true,
        },
        Peer {
            name: "larder",
            program: paths::larder(),
            args: |port| words(&format!("serve --port {port} --bind 127.0.0.1 --http-port 0")),
            keeps: true,
        },
        Peer {
            name: "null",
            program: paths::target().join("release/xtask"),
            args: |port| words(&format!("null-server 127.0.0.1:{port}")),
            keeps: false,
        },
    ])
}

/// The words of a line; `--save` alone gets Redis's way to say "never".
fn words(line: &str) -> Vec<String> {
    let mut words: Vec<_> = line.split(' ').map(str::to_owned).collect();
    if line.ends_with("--save") {
        words.push(String::new());
    }
    words
}

/// The costs of all cells, in their order, on a fresh server.
fn measure(peer: &Peer, options: &Options) -> Result<Vec<Cost>> {
    let port = serve::free_port()?;
    let log = paths::scratch()?.join(format!("bench-{}.log", peer.name));
    let to = File::create(&log)?;
    let mut command = sh::plain(&peer.program);
    command.args((peer.args)(port)).stdout(to.try_clone()?).stderr(to);
    // Where Redis would write, if it wrote.
    command.current_dir(paths::scratch()?);
    let mut server = Running::start(&mut command)?;
    serve::wait_for(&mut server, port, START).with_context(|| format!("see {}", log.display()))?;
    if peer.keeps {
        fill(port, options.keys).context("cannot fill it")?;
    }
    CELLS.iter().map(|cell| one_cell(&server, port, *cell, options)).collect()
}

fn one_cell(
    server: &Running,
    port: u16,
    (test, pipeline, unit): (&str, u32, u32),
    options: &Options,
) -> Result<Cost> {
    let requests = unit * options.scale;
    let mut load = sh::with_tools("redis-benchmark")?;
    load.args(["-h", "127.0.0.1", "-p", &port.to_string(), "-t", test, "-q"]);
    load.args(["-c", &CONNECTIONS.to_string(), "-P", &pipeline.to_string()]);
    load.args(["-n", &requests.to_string(), "-r", &options.keys.to_string()]);
    load.args(["-d", &VALUE.to_string()]);
    let log = paths::scratch()?.join("bench-load.log");
    let before = cpu_time(server.id())?;
    proc::run_logged(&mut load, &log, CELL, |_, _| {})?;
    let after = cpu_time(server.id())?;
    let each = |from: Duration, to: Duration| (to - from).as_secs_f64() * 1e9 / f64::from(requests);
    Ok(Cost { user: each(before.0, after.0), system: each(before.1, after.1) })
}

/// User and system time that a process has taken so far, all its threads together.
fn cpu_time(pid: u32) -> Result<(Duration, Duration)> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).context("the server has ended")?;
    // After "pid (name)": state is field 3 of proc(5), utime 14, stime 15.
    let mut fields = stat.rsplit_once(") ").map_or("", |(_, tail)| tail).split(' ').skip(11);
    let mut ticks = || fields.next().and_then(|f| f.parse::<u32>().ok());
    let (Some(user), Some(system)) = (ticks(), ticks()) else {
        bail!("cannot read /proc/{pid}/stat: {stat}");
    };
    #[expect(clippy::cast_precision_loss, reason = "it is 100")]
    let second = rustix::param::clock_ticks_per_second() as f64;
    let time = |ticks: u32| Duration::from_secs_f64(f64::from(ticks) / second);
    Ok((time(user), time(system)))
}

/// Sets every key that redis-benchmark will ask for.
fn fill(port: u16, keys: u32) -> Result<()> {
    const BATCH: u32 = 1000;
    const OK: usize = b"+OK\r\n".len();
    let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port))?;
    stream.set_read_timeout(Some(START))?;
    let mut replies = Vec::new();
    for start in (0..keys).step_by(BATCH as usize) {
        let end = keys.min(start + BATCH);
        let mut out = BufWriter::with_capacity(1 << 20, &stream);
        for key in start..end {
            let value = "x".repeat(VALUE);
            write!(out, "*3\r\n$3\r\nSET\r\n$16\r\nkey:{key:012}\r\n${VALUE}\r\n{value}\r\n")?;
        }
        out.flush()?;
        drop(out);
        replies.resize((end - start) as usize * OK, 0);
        stream.read_exact(&mut replies)?;
        if !replies.starts_with(b"+OK\r\n") || !replies.ends_with(b"+OK\r\n") {
            bail!("a SET was answered by {}", String::from_utf8_lossy(&replies[..OK]));
        }
    }
    Ok(())
}

fn print_table(peers: &[Peer], rows: &[Vec<Option<Cost>>]) {
    println!("\nnanoseconds of CPU a request, user + system, and the sum as a multiple of Redis's");
    print!("{:<10}", "");
    for peer in peers {
        print!("{:>24}", peer.name);
    }
    println!();
    for ((test, pipeline, _), row) in CELLS.iter().zip(rows) {
        print!("{:<10}", format!("{} P={pipeline}", test.to_uppercase()));
        let redis = row.first().copied().flatten().map_or(f64::NAN, Cost::total);
        for cost in row {
            let text = cost.map_or_else(String::new, |c| {
                format!("{:.0} + {:.0}  {:.2}", c.user, c.system, c.total() / redis)
            });
            print!("{text:>24}");
        }
        println!();
    }
    for peer in peers.iter().filter(|p| p.name != "null") {
        let version = proc::output(Command::new(&peer.program).arg("--version"));
        println!("{}: {}", peer.name, version.unwrap_or_default().trim());
    }
}

impl Cost {
    fn total(self) -> f64 {
        self.user + self.system
    }
}
