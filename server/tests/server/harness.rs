//! Starting and ending servers, and speaking to them byte by byte.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Nothing here takes longer than this unless it hangs.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

/// A running server; ended when dropped.
pub(crate) struct Server {
    child: Child,
    pub(crate) port: u16,
    pub(crate) http_port: u16,
    log: Arc<Mutex<String>>,
}

impl Server {
    /// Starts a server with these options on free ports and waits until it is ready.
    pub(crate) fn start(options: &[&str]) -> Self {
        Self::start_from(|| larder(&["serve"]), options)
    }

    /// Like [`start`](Self::start), with a configuration file.
    pub(crate) fn start_with_file(file: &str, options: &[&str]) -> Self {
        Self::start_from(|| larder(&["serve", file]), options)
    }

    /// Like [`start`](Self::start), from a shell that has first done something to itself.
    pub(crate) fn start_after(shell: &str, options: &[&str]) -> Self {
        let command = || {
            let mut command = Command::new("sh");
            let script = format!("{shell}; exec \"$@\"");
            command.args(["-c", &script, "sh", env!("CARGO_BIN_EXE_larder"), "serve"]);
            command
        };
        Self::start_from(command, options)
    }

    fn start_from(command: impl Fn() -> Command, options: &[&str]) -> Self {
        // Between finding a port free and taking it someone else may come.
        (0..5)
            .find_map(|_| Self::try_start(command(), options))
            .unwrap_or_else(|| panic!("larder does not start with {options:?}"))
    }

    fn try_start(mut command: Command, options: &[&str]) -> Option<Self> {
        let (port, http_port) = (free_port(), free_port());
        let mut child = command
            .args(["--bind", "127.0.0.1"])
            .args(["--port", &port.to_string(), "--http-port", &http_port.to_string()])
            // Nothing is left behind or found, but where a test asks for it.
            .args(["--save", ""])
            .args(options)
            .args(std::env::var("LARDER_TEST_OPTIONS").iter().flat_map(|all| all.split(' ')))
            .stdout(Stdio::piped())
            .stderr(Stdio::inherit())
            .spawn()
            .unwrap();
        let log = Arc::new(Mutex::new(String::new()));
        keep_lines(BufReader::new(child.stdout.take().unwrap()), Arc::clone(&log));
        let mut server = Server { child, port, http_port, log };
        let since = Instant::now();
        while !says_goodbye(port) {
            let ended = server.child.try_wait().unwrap().is_some();
            if ended || since.elapsed() > PATIENCE {
                return None;
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        Some(server)
    }

    /// A new connection.
    pub(crate) fn connect(&self) -> Wire {
        Wire::new(TcpStream::connect(("127.0.0.1", self.port)).unwrap())
    }

    /// What it has logged so far.
    pub(crate) fn log(&self) -> String {
        self.log.lock().unwrap().clone()
    }

    /// Sends it a signal by name.
    pub(crate) fn signal(&self, name: &str) {
        let status =
            Command::new("kill").args(["-s", name, &self.child.id().to_string()]).status().unwrap();
        assert!(status.success());
    }

    /// Waits for it to end by itself.
    pub(crate) fn wait(&mut self) -> ExitStatus {
        let since = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status;
            }
            assert!(since.elapsed() < PATIENCE, "larder doesn't end");
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    /// Bytes of memory that it holds, where the system tells.
    pub(crate) fn resident_bytes(&self) -> Option<u64> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).ok()?;
        let line = status.lines().find(|line| line.starts_with("VmRSS:"))?;
        Some(line.split_whitespace().nth(1)?.parse::<u64>().ok()? * 1024)
    }

    /// Hundredths of a second of CPU that it has used, where the system tells.
    pub(crate) fn cpu_ticks(&self) -> Option<u64> {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.child.id())).ok()?;
        let after_name = stat.rsplit_once(')')?.1;
        let fields: Vec<&str> = after_name.split_whitespace().collect();
        Some(fields[11].parse::<u64>().ok()? + fields[12].parse::<u64>().ok()?)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Whether there is a server at this port. When it has said so it has forgotten us, too: a test
/// that counts clients counts its own.
fn says_goodbye(port: u16) -> bool {
    let Ok(stream) = TcpStream::connect(("127.0.0.1", port)) else { return false };
    let mut wire = Wire::new(stream);
    wire.send("QUIT\r\n");
    wire.rest() == "+OK\r\n"
}

/// Keeps what comes, line by line, on a thread of its own.
fn keep_lines(from: impl BufRead + Send + 'static, log: Arc<Mutex<String>>) {
    std::thread::spawn(move || {
        for line in from.lines().map_while(Result::ok) {
            let mut log = log.lock().unwrap_or_else(PoisonError::into_inner);
            log.push_str(&line);
            log.push('\n');
        }
    });
}

/// The binary under test, with arguments.
pub(crate) fn larder(args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_larder"));
    command.args(args).stdin(Stdio::null());
    command
}

/// Runs the binary to its end, which must come soon.
pub(crate) fn run(args: &[&str]) -> Output {
    larder(args).output().unwrap()
}

/// A port of the loopback address that was free a moment ago.
pub(crate) fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// A connection of which every byte counts.
pub(crate) struct Wire {
    pub(crate) stream: TcpStream,
}

impl Wire {
    pub(crate) fn new(stream: TcpStream) -> Self {
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream.set_write_timeout(Some(PATIENCE)).unwrap();
        stream.set_nodelay(true).unwrap();
        Wire { stream }
    }

    pub(crate) fn send(&mut self, bytes: impl AsRef<[u8]>) {
        self.stream.write_all(bytes.as_ref()).unwrap();
    }

    /// The next bytes must be these.
    #[track_caller]
    pub(crate) fn expect(&mut self, wanted: impl AsRef<[u8]>) {
        let wanted = wanted.as_ref();
        let mut got = vec![0; wanted.len()];
        let result = self.stream.read_exact(&mut got);
        let (got, wanted) = (got.escape_ascii(), wanted.escape_ascii());
        assert!(result.is_ok(), "{result:?}: got {got}, wanted {wanted}");
        assert_eq!(got.to_string(), wanted.to_string());
    }

    /// Sends, and the answer must be this.
    #[track_caller]
    pub(crate) fn ask(&mut self, bytes: impl AsRef<[u8]>, wanted: impl AsRef<[u8]>) {
        self.send(bytes);
        self.expect(wanted);
    }

    /// One line of reply, without its end.
    pub(crate) fn line(&mut self) -> String {
        let mut line = Vec::new();
        let mut byte = [0];
        while self.stream.read_exact(&mut byte).is_ok() && byte[0] != b'\n' {
            line.push(byte[0]);
        }
        String::from_utf8_lossy(&line).trim_end().to_string()
    }

    /// All that comes until the server closes; a reset counts as closing.
    pub(crate) fn rest(&mut self) -> String {
        let mut got = Vec::new();
        let mut buffer = [0; 4096];
        loop {
            match self.stream.read(&mut buffer) {
                Ok(0) => break,
                Ok(n) => got.extend_from_slice(&buffer[..n]),
                Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => {
                    panic!("the server doesn't close; it sent {}", got.escape_ascii());
                }
                Err(_) => break,
            }
        }
        String::from_utf8_lossy(&got).into_owned()
    }
}

/// Waits until something holds.
#[track_caller]
pub(crate) fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let since = Instant::now();
    while !holds() {
        assert!(since.elapsed() < PATIENCE, "never happened: {what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}
