//! Consoles: connections of their own, spoken to in lines as redis-cli is.
//!
//! What must never be here: a command's name.

use super::{Cache, connect, moment, peer, reply};
use cache_core::protocol::{Value, display, request, words};
use cache_core::{ConnId, Peer};
use std::fmt::Write as _;
use wasm_bindgen::prelude::*;

#[wasm_bindgen]
impl Cache {
    /// Opens a connection like that of a client in a network, and gives its client id: it speaks
    /// RESP2 until HELLO, logs in where there is a password, and its commands may wait. CLIENT LIST
    /// shows it with the addresses given, if any: its own and the cache's.
    ///
    /// Throws a `CacheError` when there are `maxclients` already.
    #[wasm_bindgen(js_name = connect)]
    pub fn open_console(
        &mut self,
        address: Option<String>,
        local_address: Option<String>,
    ) -> Result<f64, JsValue> {
        let named = peer();
        let peer = Peer {
            addr: address.unwrap_or(named.addr),
            laddr: local_address.unwrap_or(named.laddr),
            ..Peer::default()
        };
        let conn = connect(&mut self.node, self.now_us, peer)?;
        self.consoles.push(conn);
        Ok(conn.id as f64)
    }

    /// Sends a line, quoted as in redis-cli, and gives what the connection has been sent since it was
    /// last asked, as redis-cli shows it; empty while its command waits. `(closed)` stands at the end
    /// when the cache has closed the connection.
    ///
    /// Throws a `CacheError` when quotes are not balanced or there is no such connection.
    #[wasm_bindgen(js_name = send)]
    pub fn send_line(&mut self, connection: f64, line: &str) -> Result<String, JsValue> {
        self.tick()?;
        let conn = self.console(connection)?;
        let args = words::split(line.as_bytes()).map_err(|e| reply::error(&e.to_string()))?;
        let _ = self.node.handle_bytes(conn, &request::encode(&args));
        self.run();
        self.heard(connection)
    }

    /// What a connection has been sent since it was last asked, as redis-cli shows it.
    ///
    /// Throws a `CacheError` when there is no such connection.
    pub fn heard(&mut self, connection: f64) -> Result<String, JsValue> {
        let conn = self.console(connection)?;
        let sendable = self.node.sendable(conn);
        let (bytes, close) = (sendable.bytes.to_vec(), sendable.close);
        self.node.handle_sent(moment(self.now_us), conn, bytes.len());
        let mut shown = String::new();
        let mut rest = &bytes[..];
        while let Ok(Some((value, used))) = Value::parse(rest) {
            let _ = writeln!(shown, "{}", display::show(&value));
            rest = &rest[used..];
        }
        if close {
            self.disconnect(connection);
            shown.push_str("(closed)\n");
        }
        Ok(shown)
    }

    /// Closes a connection. One that is gone already is none to complain of.
    pub fn disconnect(&mut self, connection: f64) {
        let is_it = |conn: &ConnId| conn.id as f64 == connection;
        if let Some(at) = self.consoles.iter().position(is_it) {
            self.node.handle_disconnect(self.consoles.swap_remove(at));
            self.run();
        }
    }
}

impl Cache {
    fn console(&self, connection: f64) -> Result<ConnId, JsValue> {
        let found = self.consoles.iter().find(|conn| conn.id as f64 == connection);
        found.copied().ok_or_else(|| reply::error("there is no such connection"))
    }
}
