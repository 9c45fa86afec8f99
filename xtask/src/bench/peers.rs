//! The servers that are compared: starting them, and what the kernel and they themselves say.

use std::fs::{self, File};
use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpStream};
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, Result, bail};

use crate::proc::Running;
use crate::{paths, proc, serve, setup, sh};

/// A server answers so long after its start at the latest.
const START: Duration = Duration::from_secs(10);

/// A server to measure.
pub(crate) struct Peer {
    pub(crate) name: &'static str,
    program: PathBuf,
    /// Its arguments, given a port.
    args: fn(u16) -> Vec<String>,
    /// What `larder bench` is to speak.
    pub(crate) protocol: &'static str,
    /// Whether it keeps what it is sent.
    pub(crate) keeps: bool,
}

/// A peer that runs; ended when dropped.
pub(crate) struct Server {
    process: Running,
    pub(crate) port: u16,
    memcached: bool,
}

/// CPU time that a process has taken, all its threads together: those that the kernel runs for it
/// (io_uring's workers) are threads of it, too.
#[derive(Clone, Copy)]
pub(crate) struct Cpu {
    pub(crate) user: Duration,
    pub(crate) system: Duration,
}

/// Bytes.
#[derive(Clone, Copy)]
pub(crate) struct Bytes {
    /// That it says it uses.
    pub(crate) used: u64,
    /// That the kernel gave it.
    pub(crate) resident: u64,
}

/// All peers, each with one thread for its clients' requests.
pub(crate) fn all() -> Result<Vec<Peer>> {
    Ok(vec![
        valkey()?,
        peer("redis", found(setup::redis_server()?, "redis-server")?, like_redis),
        larder(),
        Peer {
            protocol: "memcached",
            // Its own limit, which the others don't have, is put out of reach; root it must not be.
            ..peer("memcached", found(paths::on_path("memcached"), "memcached")?, |port| {
                words(&format!("-p {port} -U 0 -l 127.0.0.1 -t 1 -m 16384 -c 4096 -u nobody"))
            })
        },
        Peer {
            keeps: false,
            ..peer("null", paths::target().join("release/xtask"), |port| {
                words(&format!("null-server 127.0.0.1:{port}"))
            })
        },
    ])
}

/// Valkey, with one thread for its clients' requests.
pub(crate) fn valkey() -> Result<Peer> {
    Ok(peer("valkey", found(setup::valkey_server()?, "valkey-server")?, like_redis))
}

/// Larder.
pub(crate) fn larder() -> Peer {
    peer("larder", paths::larder(), |port| {
        words(&format!("serve --port {port} --bind 127.0.0.1 --http-port 0 --save"))
    })
}

fn peer(name: &'static str, program: PathBuf, args: fn(u16) -> Vec<String>) -> Peer {
    Peer { name, program, args, protocol: "resp", keeps: true }
}

fn like_redis(port: u16) -> Vec<String> {
    words(&format!("--port {port} --bind 127.0.0.1 --appendonly no --save"))
}

fn found(program: Option<PathBuf>, what: &str) -> Result<PathBuf> {
    program.with_context(|| format!("there is no {what}; `cargo xtask setup bench` tells why"))
}

/// The words of a line; `--save` alone gets Redis's way to say "never".
fn words(line: &str) -> Vec<String> {
    let mut words: Vec<_> = line.split(' ').map(str::to_owned).collect();
    if line.ends_with("--save") {
        words.push(String::new());
    }
    words
}

impl Peer {
    /// Starts it, empty, on a free port.
    pub(crate) fn start(&self) -> Result<Server> {
        let port = serve::free_port()?;
        let log = paths::scratch()?.join(format!("bench-{}.log", self.name));
        let to = File::create(&log)?;
        let mut command = sh::plain(&self.program);
        command.args((self.args)(port)).stdout(to.try_clone()?).stderr(to);
        // Where Redis would write, if it wrote.
        command.current_dir(paths::scratch()?);
        let mut process = Running::start(&mut command)?;
        serve::wait_for(&mut process, port, START)
            .with_context(|| format!("{}: see {}", self.name, log.display()))?;
        Ok(Server { process, port, memcached: self.protocol == "memcached" })
    }

    /// What it says of itself.
    pub(crate) fn version(&self) -> String {
        if !self.keeps {
            return "counts requests and writes fixed replies".into();
        }
        let said = proc::output(sh::plain(&self.program).arg("--version")).unwrap_or_default();
        said.trim().to_owned()
    }
}

impl Server {
    /// CPU time so far.
    pub(crate) fn cpu(&self) -> Result<Cpu> {
        let pid = self.process.id();
        let stat =
            fs::read_to_string(format!("/proc/{pid}/stat")).context("the server has ended")?;
        // After "pid (name)": state is field 3 of proc(5), utime 14, stime 15.
        let mut fields = stat.rsplit_once(") ").map_or("", |(_, tail)| tail).split(' ').skip(11);
        let mut ticks = || fields.next().and_then(|f| f.parse::<u32>().ok());
        let (Some(user), Some(system)) = (ticks(), ticks()) else {
            bail!("cannot read /proc/{pid}/stat: {stat}");
        };
        #[expect(clippy::cast_precision_loss, reason = "it is 100")]
        let second = rustix::param::clock_ticks_per_second() as f64;
        let time = |ticks: u32| Duration::from_secs_f64(f64::from(ticks) / second);
        Ok(Cpu { user: time(user), system: time(system) })
    }

    /// Memory now.
    pub(crate) fn memory(&self) -> Result<Bytes> {
        let pid = self.process.id();
        let status = fs::read_to_string(format!("/proc/{pid}/status"))?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        let kilobytes = line.and_then(|l| l.split_whitespace().next()?.parse::<u64>().ok());
        let resident = kilobytes.context("no VmRSS in /proc/PID/status")? * 1024;
        let (ask, name): (&[u8], _) = if self.memcached {
            (b"stats\r\nquit\r\n", "STAT bytes ")
        } else {
            (b"INFO memory\r\nQUIT\r\n", "used_memory:")
        };
        let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, self.port))?;
        stream.set_read_timeout(Some(START))?;
        stream.write_all(ask)?;
        let mut text = String::new();
        stream.read_to_string(&mut text)?;
        let used = text.lines().find_map(|line| line.strip_prefix(name)?.trim().parse().ok());
        Ok(Bytes { used: used.with_context(|| format!("no `{name}` in {text}"))?, resident })
    }
}
