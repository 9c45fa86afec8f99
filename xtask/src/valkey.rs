//! The real server that Larder is held against, on a free port, empty, and ended when dropped.

use std::fs::File;
use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, Result};

use crate::proc::Running;
use crate::{paths, proc, serve, setup, sh};

/// It answers so long after its start at the latest, and each command as fast.
const PATIENCE: Duration = Duration::from_secs(10);

/// Which clock the server reads.
pub(crate) enum Clock {
    /// The machine's.
    Real,
    /// A file that holds a moment in UTC, as `YYYY-MM-DD hh:mm:ss`; time stands still until it changes.
    File(PathBuf),
}

/// A Valkey that runs.
pub(crate) struct Valkey {
    process: Running,
    port: u16,
    version: String,
}

impl Valkey {
    /// Starts it.
    pub(crate) fn start(clock: &Clock) -> Result<Self> {
        let program = setup::valkey_server()?.context("there is no valkey-server")?;
        let version = proc::output(sh::plain(&program).arg("--version"))?;
        let port = serve::free_port()?;
        let log = paths::scratch()?.join("valkey.log");
        let to = File::create(&log)?;
        let mut command = sh::plain(program);
        command.args(["--port", &port.to_string(), "--bind", "127.0.0.1", "--save", ""]);
        command.args(["--appendonly", "no", "--enable-debug-command", "yes"]);
        command.stdout(to.try_clone()?).stderr(to).current_dir(paths::scratch()?);
        if let Clock::File(file) = clock {
            let library = setup::faketime().context("there is no libfaketime")?;
            command.env("LD_PRELOAD", library).env("FAKETIME_TIMESTAMP_FILE", file);
            // Read at each look at the clock, which takes some microseconds.
            command.env("FAKETIME_NO_CACHE", "1").env("TZ", "UTC");
        }
        let mut process = Running::start(&mut command)?;
        serve::wait_for(&mut process, port, PATIENCE)
            .with_context(|| format!("valkey-server: see {}", log.display()))?;
        Ok(Self { process, port, version: version.trim().to_owned() })
    }

    /// Where it listens.
    pub(crate) fn address(&self) -> SocketAddr {
        (Ipv4Addr::LOCALHOST, self.port).into()
    }

    /// What it says of itself.
    pub(crate) fn version(&self) -> &str {
        &self.version
    }

    /// A new connection.
    pub(crate) fn connect(&self) -> Result<TcpStream> {
        let stream = TcpStream::connect(self.address())?;
        stream.set_read_timeout(Some(PATIENCE))?;
        stream.set_nodelay(true)?;
        Ok(stream)
    }

    /// Ends it by a command: one whose clock stands still never looks at its signals.
    pub(crate) fn end(&mut self) -> Result<()> {
        let mut stream = self.connect()?;
        stream.write_all(b"SHUTDOWN NOSAVE NOW\r\n")?;
        let _ = stream.read(&mut [0; 64]);
        self.process.wait(Some(PATIENCE), |_| {})?;
        Ok(())
    }
}
