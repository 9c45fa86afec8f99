//! Options, files, and mistakes in them.

use crate::harness::{self, Server, free_port, larder, run};
use std::net::TcpListener;
use std::path::PathBuf;

/// A configuration file of one test, gone when dropped.
struct File(PathBuf);

impl File {
    fn new(name: &str, text: &str) -> Self {
        let name = format!("larder-test-{}-{name}.conf", std::process::id());
        let path = std::env::temp_dir().join(name);
        std::fs::write(&path, text).unwrap();
        File(path)
    }

    fn path(&self) -> &str {
        self.0.to_str().unwrap()
    }
}

impl Drop for File {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

/// Runs `serve` with a mistake: exit status 1, nothing on standard output; gives the complaint.
#[track_caller]
fn complaint(args: &[&str]) -> String {
    let output = run(&[&["serve"], args].concat());
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1), "{stderr}");
    stderr
}

#[test]
fn version_and_help() {
    let version = run(&["--version"]);
    assert!(version.status.success());
    let text = String::from_utf8(version.stdout).unwrap();
    assert_eq!(text.trim(), format!("larder {}", env!("CARGO_PKG_VERSION")));
    let help = String::from_utf8(run(&["serve", "--help"]).stdout).unwrap();
    for word in ["--maxmemory", "CONFIG_FILE", "--http-port", "[default: 8379]"] {
        assert!(help.contains(word), "{word} is missing");
    }
    assert_eq!(run(&[]).status.code(), Some(1));
}

#[test]
fn mistakes_name_option_and_value() {
    for (args, parts) in [
        (&["--port", "70000"][..], &["--port 70000", "65535"][..]),
        (&["--maxmemory", "lots"], &["--maxmemory lots", "memory value"]),
        (&["--maxmemory-policy", "best"], &["--maxmemory-policy best", "allkeys-lru"]),
        (&["--appendonly", "perhaps"], &["--appendonly perhaps", "'yes' or 'no'"]),
        (&["--save", "900"], &["--save 900", "Invalid save parameters"]),
        (&["--dbfilename", "/a"], &["--dbfilename /a", "can't be a path"]),
        (&["--tls-port", "6380"], &["--tls-port 6380", "not supported yet"]),
        (&["--prot", "1"], &["--prot", "--port"]),
        (&["--bind", "192.0.2.1"], &["bind 192.0.2.1", "--bind"]),
        (&["--bind", "no.such.host.invalid"], &["bind no.such.host.invalid"]),
        (&["--dir", "/no/such/directory"], &["dir /no/such/directory"]),
        (&["--logfile", "/no/such/file"], &["logfile /no/such/file"]),
        (&["--port", "0", "--http-port", "0"], &["port 0", "http-port 0"]),
        (&["/no/such/file.conf"], &["/no/such/file.conf"]),
    ] {
        let said = complaint(args);
        for part in parts {
            assert!(said.contains(part), "{args:?} should tell of {part}:\n{said}");
        }
    }
}

#[test]
fn a_taken_port_is_named() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    let free = free_port().to_string();
    let said = complaint(&["--bind", "127.0.0.1", "--port", &port, "--http-port", &free]);
    assert!(said.contains(&format!("port {port}")) && said.contains("in use"), "{said}");
    let said = complaint(&["--bind", "127.0.0.1", "--http-port", &port, "--port", &free]);
    assert!(said.contains(&format!("http-port {port}")) && said.contains("in use"), "{said}");
}

#[test]
fn mistakes_in_a_file_name_the_line() {
    let file = File::new("mistake", "port 7000\n# fine\nmaxmemory-policy best\n");
    let said = complaint(&[file.path()]);
    let place = format!("{}:3: maxmemory-policy best: ", file.path());
    assert!(said.contains(&place), "{said}");
    let unknown = File::new("unknown", "\nprot 7000\n");
    let said = complaint(&[unknown.path()]);
    assert!(said.contains(":2: prot 7000: no such directive"), "{said}");
}

#[test]
fn a_file_is_followed_and_options_override_it() {
    let file = File::new(
        "good",
        "maxclients 7\ntimeout 300\nappendonly no\nsave \"\"\nactiverehashing yes\n\
         client-output-buffer-limit normal 1mb 0 0\n",
    );
    let server = Server::start_with_file(file.path(), &["--timeout", "60"]);
    let mut wire = server.connect();
    wire.ask("CONFIG GET maxclients\r\n", "*2\r\n$10\r\nmaxclients\r\n$1\r\n7\r\n");
    wire.ask("CONFIG GET timeout\r\n", "*2\r\n$7\r\ntimeout\r\n$2\r\n60\r\n");
    harness::until("the log tells what changed nothing", || {
        server.log().contains("Directives without effect: activerehashing")
    });
}

#[test]
fn the_log_goes_where_it_is_told() {
    let path = std::env::temp_dir().join(format!("larder-test-{}.txt", std::process::id()));
    let mut child = larder(&["serve"])
        .args(["--bind", "127.0.0.1", "--port", &free_port().to_string()])
        .args(["--http-port", "0", "--save", "", "--logfile", path.to_str().unwrap()])
        .spawn()
        .unwrap();
    harness::until("the file says that it is ready", || {
        std::fs::read_to_string(&path).is_ok_and(|log| log.contains(" * Ready to accept"))
    });
    child.kill().unwrap();
    child.wait().unwrap();
    std::fs::remove_file(&path).unwrap();
}

#[test]
fn the_addresses_are_printed() {
    let server = Server::start(&[]);
    harness::until("it is ready", || server.log().contains("Ready to accept connections tcp"));
    let log = server.log();
    assert!(log.contains(&format!("Redis protocol on 127.0.0.1:{}", server.port)), "{log}");
    let page = format!("http://127.0.0.1:{}", server.http_port);
    assert!(log.contains(&format!("Playground on {page}/")), "{log}");
    assert!(log.contains(&format!("Metrics on {page}/metrics")), "{log}");
}
