//! `larder bench` against a real server: its figures must be true.

use crate::harness::{PATIENCE, Server, free_port, larder, until};
use serde_json::Value;
use std::io::Read;
use std::process::{Output, Stdio};
use std::time::{Duration, Instant};

/// Runs `larder bench` against this server.
fn bench(server: &Server, args: &[&str]) -> Output {
    let port = server.port.to_string();
    larder(&["bench", "-p", &port]).args(args).output().unwrap()
}

/// Runs it and gives its JSON.
#[track_caller]
fn measured(server: &Server, args: &[&str]) -> Value {
    let output = bench(server, &[args, &["--json", "-"]].concat());
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{stderr}");
    serde_json::from_slice(&output.stdout).unwrap()
}

fn count(run: &Value, name: &str) -> u64 {
    run[name].as_u64().unwrap_or_else(|| panic!("{name} in {run}"))
}

/// How many commands of that name the server has run.
fn served(server: &Server, name: &str) -> u64 {
    let mut wire = server.connect();
    wire.send("INFO commandstats\r\nQUIT\r\n");
    let text = wire.rest();
    let line = text.lines().find_map(|l| l.strip_prefix(&format!("cmdstat_{name}:calls=")));
    line.and_then(|rest| rest.split(',').next()?.parse().ok()).unwrap_or(0)
}

#[test]
fn what_is_told_is_what_happened() {
    let server = Server::start(&[]);
    let args = ["--prefill", "-r", "5000", "-c", "7", "-P", "3", "--duration", "0.7"];
    let result = measured(&server, &[&args[..], &["--threads", "2", "--ratio", "1:3"]].concat());
    let [load, run] = &result["runs"].as_array().unwrap()[..] else { panic!("{result}") };
    assert_eq!((count(load, "sent"), count(load, "answered")), (5000, 5000));
    for run in [load, run] {
        assert_eq!(count(run, "sent"), count(run, "answered"), "{run}");
        assert_eq!((count(run, "errors"), count(run, "unanswered")), (0, 0), "{run}");
        assert_eq!(run["failure"], Value::Null);
    }
    assert_eq!((&load["hit_ratio"], &run["hit_ratio"]), (&Value::Null, &Value::from(1.0)));
    let seconds = run["seconds"].as_f64().unwrap();
    assert!((0.6..5.0).contains(&seconds), "{seconds}");
    let latency = |name: &str| run["latency_us"][name].as_f64().unwrap();
    let names = ["min", "p50", "p90", "p99", "p99.9", "p99.99", "max"];
    assert!(names.map(latency).is_sorted() && latency("min") > 0.0, "{run}");
    let (sets, gets) = (&run["ops"]["set"], &run["ops"]["get"]);
    assert_eq!(count(sets, "answered") + count(gets, "answered"), count(run, "answered"));
    // The server counted as many.
    assert_eq!(served(&server, "set"), 5000 + count(sets, "answered"));
    assert_eq!(served(&server, "get"), count(gets, "answered"));
    let mut wire = server.connect();
    wire.ask("DBSIZE\r\n", ":5000\r\n");
    wire.ask("STRLEN key:000000004999\r\n", ":64\r\n");
}

#[test]
fn a_rate_is_kept_to() {
    let server = Server::start(&[]);
    let args = ["--rate", "2000", "-n", "1500", "-c", "9", "--threads", "2", "-r", "100"];
    let result = measured(&server, &[&args[..], &["--distribution", "zipf:0.99"]].concat());
    let run = &result["runs"][0];
    assert_eq!((count(run, "sent"), count(run, "answered")), (1500, 1500));
    let seconds = run["seconds"].as_f64().unwrap();
    assert!((0.74..5.0).contains(&seconds), "1500 requests at 2000 a second took {seconds} s");
    assert!(run["late_us"]["p50"].is_number());
}

#[test]
fn tests_run_one_after_the_other() {
    let server = Server::start(&[]);
    let result = measured(
        &server,
        &["-t", "ping,set,get,incr", "-n", "999", "-P", "10", "-d", "0-99", "-r", "10"],
    );
    let runs = result["runs"].as_array().unwrap();
    let names: Vec<&str> = runs.iter().map(|run| run["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["ping", "set", "get", "incr"]);
    assert!(runs.iter().all(|run| count(run, "answered") == 999 && count(run, "errors") == 0));
}

#[test]
fn errors_and_misses_are_told() {
    let server = Server::start(&[]);
    let misses = measured(&server, &["-t", "get", "-n", "100"]);
    assert_eq!(misses["runs"][0]["hit_ratio"], 0.0);
    let line = ["--command", "SET __rand_key__ __data__ OOPS", "-n", "50"];
    let wrong = measured(&server, &line);
    assert_eq!(count(&wrong["runs"][0], "errors"), 50);
    let first = wrong["runs"][0]["first_error"].as_str().unwrap();
    assert!(first.contains("syntax error"), "{first}");
    let table = bench(&server, &line);
    let table = String::from_utf8(table.stdout).unwrap();
    assert!(table.contains("The first error: ERR syntax error"), "{table}");
}

#[test]
fn a_full_server_is_not_measured_as_if_it_were_loaded() {
    let server = Server::start(&["--maxmemory", "2mb", "--maxmemory-policy", "noeviction"]);
    let output = bench(&server, &["--prefill", "-d", "1000", "-r", "10000", "-n", "10"]);
    assert_eq!(output.status.code(), Some(1));
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(stderr.contains("could not be loaded") && stderr.contains("OOM"), "{stderr}");
}

#[test]
fn who_cannot_connect_is_told_why() {
    let port = free_port().to_string();
    let refused = larder(&["bench", "-p", &port]).output().unwrap();
    let said = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert_eq!(refused.status.code(), Some(1));
    assert!(said.contains(&format!("127.0.0.1:{port}")) && said.contains("refused"), "{said}");

    let server = Server::start(&["--requirepass", "secret"]);
    let said = |args: &[&str]| {
        let output = bench(&server, &[args, &["-n", "10", "-t", "ping"]].concat());
        (output.status.success(), String::from_utf8_lossy(&output.stderr).into_owned())
    };
    let (done, text) = said(&[]);
    assert!(!done && text.contains("NOAUTH"), "{text}");
    let (done, text) = said(&["-a", "wrong"]);
    assert!(!done && text.contains("WRONGPASS"), "{text}");
    assert!(said(&["-a", "secret"]).0);

    // The other port speaks HTTP.
    let port = server.http_port.to_string();
    let output = larder(&["bench", "-p", &port]).output().unwrap();
    let text = String::from_utf8_lossy(&output.stderr);
    assert!(!output.status.success() && text.contains("not understood"), "{text}");
}

#[test]
fn interrupted_it_tells_what_it_has() {
    let server = Server::start(&[]);
    let port = server.port.to_string();
    let mut child =
        larder(&["bench", "-p", &port, "--duration", "60", "-t", "ping", "--json", "-"])
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
    until("the server is asked", || served(&server, "ping") > 100);
    let kill = std::process::Command::new("kill").args(["-INT", &child.id().to_string()]).status();
    assert!(kill.unwrap().success());
    let (since, mut text) = (Instant::now(), String::new());
    child.stdout.take().unwrap().read_to_string(&mut text).unwrap();
    assert!(since.elapsed() < PATIENCE.min(Duration::from_secs(5)));
    assert!(child.wait().unwrap().success());
    let result: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(result["interrupted"], true);
    assert!(count(&result["runs"][0], "answered") > 100);
}

#[test]
fn a_server_that_goes_away_ends_it() {
    let mut server = Server::start(&[]);
    let port = server.port.to_string();
    let child = larder(&["bench", "-p", &port, "--duration", "60", "-t", "ping"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    until("the server is asked", || served(&server, "ping") > 100);
    server.signal("TERM");
    server.wait();
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    let text = String::from_utf8_lossy(&output.stderr);
    assert!(text.contains("closed the connection") || text.contains("broke"), "{text}");
    assert!(String::from_utf8_lossy(&output.stdout).contains("p99.99"));
}
