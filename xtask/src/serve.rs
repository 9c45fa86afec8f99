//! `cargo xtask run`: from a clone to a server that answers.

use std::env;
use std::fs::File;
use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use crate::job::Job;
use crate::proc::Running;
use crate::{paths, proc, sh, wasm};

/// A run with nothing to build is up in this time.
const UP: Duration = Duration::from_secs(5);
/// A server that was asked to end has ended in this time.
const DOWN: Duration = Duration::from_secs(5);

/// Builds what is stale and becomes `larder serve`: Ctrl-C, signals and the exit status are its own.
pub(crate) fn run(args: &[String]) -> Result<()> {
    let mut job = Job::on_terminal();
    wasm::PAGE.build(&mut job, false)?;
    build(&mut job)?;
    sh::become_program(sh::plain(paths::larder()).arg("serve").args(args))
}

/// Builds the server as it is shipped, with the page inside.
pub(crate) fn build(job: &mut Job) -> Result<()> {
    job.run(&mut sh::cargo(&["build", "--release", "--package", "larder"]))
}

/// Proves that, with everything built, `cargo xtask run` is up at once, serves the page and ends
/// well when it is asked to.
pub(crate) fn check_second_run(job: &mut Job) -> Result<()> {
    let (port, http) = (free_port()?, free_port()?);
    let mut command = sh::plain(env::current_exe()?);
    command.args(["run", "--", "--bind", "127.0.0.1", "--port", &port.to_string()]);
    command.args(["--http-port", &http.to_string(), "--save", ""]);
    job.note(&format!("$ {}", proc::describe(&command)))?;
    if let Some(log) = job.log() {
        let log = File::options().append(true).open(log)?;
        command.stdout(log.try_clone()?).stderr(log);
    }
    let start = Instant::now();
    let mut server = Running::start(&mut command)?;
    wait_for(&mut server, port, UP)?;
    wait_for(&mut server, http, UP)?;
    for path in ["/healthz", "/", "/pkg/larder_web_bg.wasm"] {
        let status = http_status(http, path)?;
        if !status.contains(" 200 ") {
            bail!("{path} is answered by `{status}`");
        }
    }
    let up = start.elapsed();
    job.note(&format!("up in {:.1} s", up.as_secs_f64()))?;
    if up > UP {
        bail!("up after {:.1} s, which is more than {} s", up.as_secs_f64(), UP.as_secs());
    }
    let status = server.end(DOWN)?;
    if status.success() { Ok(()) } else { bail!("asked to end, it ended with {status}") }
}

/// The first line of the answer to a GET.
fn http_status(port: u16, path: &str) -> Result<String> {
    let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port))?;
    stream.set_read_timeout(Some(UP))?;
    write!(stream, "GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")?;
    let mut bytes = Vec::new();
    stream.read_to_end(&mut bytes).with_context(|| format!("no answer to GET {path}"))?;
    let line = bytes.split(|byte| *byte == b'\r').next().unwrap_or_default();
    Ok(String::from_utf8_lossy(line).into_owned())
}

/// A port that was free a moment ago.
pub(crate) fn free_port() -> Result<u16> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).context("no free port")?;
    Ok(listener.local_addr()?.port())
}

/// Waits until the server takes connections.
pub(crate) fn wait_for(server: &mut Running, port: u16, limit: Duration) -> Result<()> {
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    let start = Instant::now();
    while start.elapsed() < limit {
        proc::check_interrupted()?;
        if TcpStream::connect_timeout(&address, limit).is_ok() {
            return Ok(());
        }
        if server.has_ended() {
            bail!("it ended at once");
        }
        thread::sleep(Duration::from_millis(20));
    }
    bail!("it takes no connection on {address} after {} s", limit.as_secs())
}
