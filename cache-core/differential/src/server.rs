//! Valkey's side: a server behind sockets, whose clock is a file.

use std::fs;
use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use cache_core::protocol::request;

use crate::engine::Heard;
use crate::pools::EPOCH_MS;
use crate::story::EVERYONE;

/// An answer takes no longer.
const PATIENCE: Duration = Duration::from_secs(20);
/// Each server's expiry cycle has moments of its own, so that there is none: what has expired goes when
/// a command meets it.
pub(crate) const NO_CYCLE: &[&str] = &["DEBUG", "SET-ACTIVE-EXPIRE", "0"];
/// Settings under which both run.
pub(crate) const SETTINGS: &[(&str, &str)] = &[
    ("maxmemory-policy", "noeviction"),
    ("notify-keyspace-events", "AE"),
    ("requirepass", "secret"),
];
/// What a client says who wants to be let in.
pub(crate) const LOG_IN: &[&str] = &["AUTH", "secret"];

pub(crate) struct Server {
    address: SocketAddr,
    /// Holds the time.
    clock: PathBuf,
    now_ms: u64,
    /// A connection of its own, for looking after the server.
    control: TcpStream,
    conns: Vec<TcpStream>,
    barriers: u64,
}

impl Server {
    pub(crate) fn connect(address: SocketAddr, clock: PathBuf) -> Result<Self> {
        let control = TcpStream::connect(address).context("no server")?;
        control.set_read_timeout(Some(PATIENCE))?;
        control.set_nodelay(true)?;
        let conns = Vec::new();
        let mut server = Server { address, clock, now_ms: EPOCH_MS, control, conns, barriers: 0 };
        for (name, value) in SETTINGS {
            server.order(&["CONFIG", "SET", name, value])?;
        }
        server.order(NO_CYCLE)?;
        Ok(server)
    }

    /// Begins anew: no data, no clients but new ones, and the first moment of a run.
    pub(crate) fn reset(&mut self) -> Result<()> {
        self.conns.clear();
        for kind in ["normal", "pubsub"] {
            self.order(&["CLIENT", "KILL", "TYPE", kind, "SKIPME", "yes"])?;
        }
        self.order(&["FLUSHALL", "SYNC"])?;
        self.set_clock(EPOCH_MS)?;
        for _ in 0..EVERYONE {
            let conn = self.new_client()?;
            self.conns.push(conn);
        }
        self.barrier()
    }

    fn new_client(&self) -> Result<TcpStream> {
        let conn = TcpStream::connect(self.address)?;
        conn.set_nodelay(true)?;
        conn.set_nonblocking(true)?;
        Ok(conn)
    }

    pub(crate) fn reconnect(&mut self, client: usize) -> Result<()> {
        self.conns[client] = self.new_client()?;
        self.barrier()
    }

    fn set_clock(&mut self, ms: u64) -> Result<()> {
        self.now_ms = ms;
        let next = self.clock.with_extension("next");
        fs::write(&next, date(ms))?;
        fs::rename(&next, &self.clock).context("cannot set the clock")
    }

    pub(crate) fn wait(&mut self, ms: u64) -> Result<()> {
        self.set_clock(self.now_ms + ms)
    }

    pub(crate) fn say(&mut self, client: usize, mut bytes: &[u8]) -> Result<()> {
        while !bytes.is_empty() {
            match self.conns[client].write(bytes) {
                Ok(n) => bytes = &bytes[n..],
                Err(e) if e.kind() == ErrorKind::WouldBlock => self.barrier()?,
                // It has closed the connection, as will be heard.
                Err(e)
                    if matches!(e.kind(), ErrorKind::BrokenPipe | ErrorKind::ConnectionReset) =>
                {
                    break;
                }
                Err(e) => return Err(e.into()),
            }
        }
        Ok(())
    }

    /// What a client was sent since it was last asked.
    pub(crate) fn heard(&mut self, client: usize, into: &mut Heard) -> Result<()> {
        let mut chunk = [0; 1 << 16];
        loop {
            match self.conns[client].read(&mut chunk) {
                Ok(0) => into.1 = true,
                Ok(n) => {
                    into.0.extend_from_slice(&chunk[..n]);
                    continue;
                }
                Err(e) if e.kind() == ErrorKind::WouldBlock => {}
                Err(e) if e.kind() == ErrorKind::ConnectionReset => into.1 = true,
                Err(e) => return Err(e.into()),
            }
            return Ok(());
        }
    }

    /// Comes back when the server, which has one thread, has been round its loop.
    pub(crate) fn barrier(&mut self) -> Result<()> {
        self.barriers += 1;
        let token = format!("{:016}", self.barriers);
        self.control.write_all(&request::encode(["ECHO", &token]))?;
        let mut reply = [0; 5 + 16 + 2];
        self.control.read_exact(&mut reply).context("the server does not answer")?;
        if !reply.ends_with(format!("{token}\r\n").as_bytes()) {
            bail!("it answers ECHO by {}", String::from_utf8_lossy(&reply));
        }
        Ok(())
    }

    /// All its data as it saves them.
    pub(crate) fn save(&mut self) -> Result<Vec<u8>> {
        self.order(&["SAVE"])?;
        let file = self.file()?;
        fs::read(&file).with_context(|| format!("no {}", file.display()))
    }

    /// Lets it load these data in place of its own.
    pub(crate) fn reload(&mut self, snapshot: &[u8]) -> Result<()> {
        fs::write(self.file()?, snapshot).context("cannot write a snapshot")?;
        self.order(&["DEBUG", "RELOAD", "NOSAVE"])?;
        // Those who track keys are told that all are gone.
        self.barrier()?;
        (0..EVERYONE).try_for_each(|client| self.heard(client, &mut (Vec::new(), false)))
    }

    /// Where it saves.
    fn file(&mut self) -> Result<PathBuf> {
        let mut path = PathBuf::new();
        for name in ["dir", "dbfilename"] {
            self.control.write_all(&request::encode(["CONFIG", "GET", name]))?;
            let lines: Vec<String> = (0..5).map(|_| self.line()).collect::<Result<_>>()?;
            path.push(&lines[4]);
        }
        Ok(path)
    }

    fn line(&mut self) -> Result<String> {
        let (mut line, mut byte) = (Vec::new(), [0]);
        while !line.ends_with(b"\n") {
            self.control.read_exact(&mut byte).context("the server does not answer")?;
            line.push(byte[0]);
        }
        Ok(String::from_utf8_lossy(&line).trim_end().to_owned())
    }

    /// An order to the server itself, whose answer is a line.
    fn order(&mut self, words: &[&str]) -> Result<()> {
        self.control.write_all(&request::encode(words))?;
        let line = self.line()?;
        if line.starts_with('-') {
            bail!("{words:?} is answered by {line}");
        }
        Ok(())
    }
}

impl Drop for Server {
    /// Whoever started it may want to end it.
    fn drop(&mut self) {
        let _ = self.order(&["CONFIG", "SET", "requirepass", ""]);
    }
}

/// A moment as `YYYY-MM-DD hh:mm:ss.fraction`, which stands still for libfaketime.
fn date(ms: u64) -> String {
    let (days, of_day) = (ms / 86_400_000, ms % 86_400_000);
    let is_leap = |y: u64| y.is_multiple_of(4) && (!y.is_multiple_of(100) || y.is_multiple_of(400));
    let (mut year, mut day) = (1970, days);
    while day >= 365 + u64::from(is_leap(year)) {
        day -= 365 + u64::from(is_leap(year));
        year += 1;
    }
    let lengths = [31, 28 + u64::from(is_leap(year)), 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
    let mut month = 0;
    while day >= lengths[month] {
        day -= lengths[month];
        month += 1;
    }
    let (hour, minute, second) = (of_day / 3_600_000, of_day / 60_000 % 60, of_day / 1000 % 60);
    let (millis, month, day) = (ms % 1000, month + 1, day + 1);
    // Half a microsecond more: libfaketime reads the fraction as a float, and cuts it.
    format!("{year:04}-{month:02}-{day:02} {hour:02}:{minute:02}:{second:02}.{millis:03}0005\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_right() {
        assert_eq!(date(0), "1970-01-01 00:00:00.0000005\n");
        assert_eq!(date(951_782_399_999), "2000-02-28 23:59:59.9990005\n");
        assert_eq!(date(951_782_400_000), "2000-02-29 00:00:00.0000005\n");
        assert_eq!(date(EPOCH_MS), "2026-01-01 00:00:00.0000005\n");
    }
}
