//! The playground, `/healthz` and `/metrics`.

use crate::harness::{Server, Wire};
use std::io::{Read, Write};
use std::net::TcpStream;

/// An answer over HTTP.
struct Answer {
    status: u16,
    /// In lower case, with the status line.
    head: String,
    body: Vec<u8>,
}

impl Answer {
    fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }
}

fn connect(server: &Server) -> Wire {
    Wire::new(TcpStream::connect(("127.0.0.1", server.http_port)).unwrap())
}

/// Asks once and reads to the end of the connection.
fn ask(server: &Server, method: &str, path: &str, headers: &str) -> Answer {
    let mut wire = connect(server);
    wire.send(format!(
        "{method} {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n{headers}\r\n"
    ));
    let mut all = Vec::new();
    wire.stream.read_to_end(&mut all).unwrap();
    let end = all.windows(4).position(|window| window == b"\r\n\r\n").unwrap();
    let head = String::from_utf8_lossy(&all[..end]).to_lowercase();
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    Answer { status, head, body: all[end + 4..].to_vec() }
}

#[test]
fn the_page_is_inside() {
    let server = Server::start(&[]);
    let page = ask(&server, "GET", "/", "");
    assert_eq!(page.status, 200);
    assert!(page.head.contains("content-type: text/html"));
    assert!(page.text().to_lowercase().contains("<!doctype html>"));
    let head = ask(&server, "HEAD", "/index.html", "");
    assert_eq!((head.status, head.body.len()), (200, 0));
    assert!(head.head.contains(&format!("content-length: {}", page.body.len())));

    let tag = page.head.lines().find_map(|line| line.strip_prefix("etag: ")).unwrap();
    let again = ask(&server, "GET", "/", &format!("If-None-Match: {tag}\r\n"));
    assert_eq!((again.status, again.body.len()), (304, 0));
    let zipped = ask(&server, "GET", "/", "Accept-Encoding: gzip, br\r\n");
    assert!(zipped.head.contains("content-encoding: gzip"));
    assert!(zipped.body.len() < page.body.len() && zipped.body.starts_with(&[0x1f, 0x8b]));
}

#[test]
fn what_the_page_asks_for_is_inside_too() {
    let server = Server::start(&[]);
    let page = ask(&server, "GET", "/", "").text();
    let script = "/pkg/larder_web.js";
    if !page.contains(&script[1..]) {
        // Built without the page: the notice in its place says how to build it.
        assert!(page.contains("cargo xtask run"), "{page}");
        return;
    }
    let script = ask(&server, "GET", script, "");
    assert_eq!(script.status, 200);
    assert!(script.head.contains("content-type: text/javascript"), "{}", script.head);
    let wasm = ask(&server, "GET", "/pkg/larder_web_bg.wasm", "Accept-Encoding: gzip\r\n");
    assert!(wasm.head.contains("content-type: application/wasm"), "{}", wasm.head);
    assert!(wasm.head.contains("content-encoding: gzip"), "{}", wasm.head);
}

#[test]
fn what_is_not_there_and_what_may_not_be() {
    let server = Server::start(&[]);
    for path in ["/nothing", "/../../etc/passwd", "/pkg/", "/pkg/%2e%2e/Cargo.toml"] {
        assert_eq!(ask(&server, "GET", path, "").status, 404, "{path}");
    }
    assert_eq!(ask(&server, "POST", "/", "").status, 405);
    assert_eq!(ask(&server, "DELETE", "/metrics", "").status, 405);
}

#[test]
fn health_and_figures() {
    let server = Server::start(&["--maxmemory", "100mb"]);
    let health = ask(&server, "GET", "/healthz", "");
    assert_eq!((health.status, health.text().as_str()), (200, "ok\n"));
    let mut wire = server.connect();
    wire.ask("SET k v\r\nGET k\r\nGET none\r\n", "+OK\r\n$1\r\nv\r\n$-1\r\n");
    let metrics = ask(&server, "GET", "/metrics", "");
    assert!(metrics.head.contains("content-type: application/openmetrics-text"));
    let text = metrics.text();
    for line in [
        "larder_connected_clients 1",
        "larder_keyspace_hits_total 1",
        "larder_keyspace_misses_total 1",
        "larder_memory_max_bytes 104857600",
        "larder_db_keys{db=\"db0\"} 1",
    ] {
        assert!(text.lines().any(|l| l == line), "{line} is missing in\n{text}");
    }
}

#[test]
fn limits_on_requests() {
    let server = Server::start(&[]);
    let mut long = connect(&server);
    let _ = long.stream.write_all(format!("GET /{} HTTP/1.1\r\n", "x".repeat(1 << 20)).as_bytes());
    let said = long.rest();
    assert!(said.is_empty() || said.starts_with("HTTP/1.1 4"), "{said}");
    let many = (0..200).map(|n| format!("X-{n}: 1\r\n")).collect::<String>();
    assert_eq!(ask(&server, "GET", "/", &many).status, 431);
    let mut garbage = connect(&server);
    garbage.send("*1\r\n$4\r\nPING\r\n\r\n");
    assert!(garbage.rest().starts_with("HTTP/1.1 400"));
}

#[test]
fn silent_connections_do_not_shut_others_out() {
    let server = Server::start(&[]);
    let mut silent: Vec<Wire> = (0..100).map(|_| connect(&server)).collect();
    for wire in &mut silent {
        wire.send("GET / HTTP/1.1\r\n");
    }
    assert_eq!(ask(&server, "GET", "/healthz", "").status, 200);
    server.connect().ask("PING\r\n", "+PONG\r\n");
}

#[test]
fn port_zero_turns_it_off() {
    let server = Server::start(&["--http-port", "0"]);
    assert!(TcpStream::connect(("127.0.0.1", server.http_port)).is_err());
    server.connect().ask("PING\r\n", "+PONG\r\n");
}
