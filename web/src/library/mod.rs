//! The JavaScript library: `Cache`, the engine in the caller's hand.
//!
//! What must never be here: the DOM. Importing and using this works in Node.

mod console;
mod reply;
pub mod runs;

use crate::text::number;
use cache_core::config::Config;
use cache_core::node::{Budget, Run};
use cache_core::protocol::Value;
use cache_core::time::Timeout;
use cache_core::{ConnId, Node, Now, Peer};
use js_sys::{Array, Function, Object, Reflect};
use larder_sim::Watch;
use serde::Serialize;
use wasm_bindgen::prelude::*;

#[wasm_bindgen(typescript_custom_section)]
const TYPES: &str = include_str!("types.ts");

/// Timers that one `advance` serves one by one. Past that it goes to the end in a single step.
const STEPS: u32 = 100_000;
/// The furthest moment, in milliseconds: the largest date that JavaScript knows.
const LATEST_MS: f64 = 8.64e15;
/// The largest whole number that a JavaScript number holds exactly.
const MAX_SAFE: f64 = 9_007_199_254_740_991.0;

/// A cache engine of one's own, with its own clock and a connection, which speaks RESP3.
#[wasm_bindgen]
#[derive(Debug)]
pub struct Cache {
    node: Node,
    /// The caller's own connection, from the first command on.
    conn: Option<ConnId>,
    /// Those of its consoles.
    consoles: Vec<ConnId>,
    now_us: u64,
    clock: Option<Function>,
    /// How far `advance` has moved time beyond the caller's clock.
    offset_us: u64,
    /// Messages that nobody asked for at the moment they came.
    pushes: Vec<Value>,
}

struct Options {
    seed: u64,
    config: Config,
    start_us: u64,
    clock: Option<Function>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Stats {
    keys: usize,
    used_memory: u64,
    commands: u64,
    hits: u64,
    misses: u64,
    expired: u64,
    expired_by_cycle: u64,
    evicted: u64,
}

#[wasm_bindgen]
impl Cache {
    /// Makes an empty cache.
    ///
    /// Throws a `CacheError` for an option or a setting that there isn't, or whose value is wrong.
    #[wasm_bindgen(constructor)]
    pub fn new(
        #[wasm_bindgen(unchecked_optional_param_type = "CacheOptions")] options: &JsValue,
    ) -> Result<Cache, JsValue> {
        let Options { seed, config, start_us: now_us, clock } = read_options(options)?;
        let node = Node::new(config, seed, moment(now_us));
        let (conn, consoles, pushes) = (None, Vec::new(), Vec::new());
        let mut cache = Cache { node, conn, consoles, now_us, clock, offset_us: 0, pushes };
        cache.tick()?;
        Ok(cache)
    }

    /// Executes a command; see the interface's two forms.
    #[wasm_bindgen(variadic, skip_typescript)]
    pub fn execute(&mut self, args: &Array) -> Result<JsValue, JsValue> {
        let args = reply::arguments(args)?;
        self.request(&args)?.map_or(Ok(JsValue::UNDEFINED), |value| reply::to_js(&value))
    }

    /// Moves time on by `ms` milliseconds; what is due happens at its moment on the way.
    ///
    /// With a `clock` of the caller's this is added to what the clock shows.
    pub fn advance(&mut self, ms: f64) -> Result<(), JsValue> {
        let by = micros(ms, "ms")?;
        self.offset_us = self.offset_us.saturating_add(if self.clock.is_some() { by } else { 0 });
        let target = self.now_us.saturating_add(by).min((LATEST_MS * 1000.0) as u64);
        self.run_until(target);
        Ok(())
    }

    /// The cache's time in milliseconds since the Unix epoch.
    pub fn now(&self) -> f64 {
        self.now_us as f64 / 1000.0
    }

    /// Takes the messages that came without having been asked for, such as those of a channel
    /// subscribed to: each an array that begins with its kind.
    #[wasm_bindgen(unchecked_return_type = "Reply[][]")]
    pub fn messages(&mut self) -> Result<Array, JsValue> {
        self.take_in();
        self.pushes.drain(..).map(|push| reply::plain(&push)).collect()
    }

    /// Counters and sizes.
    #[wasm_bindgen(unchecked_return_type = "CacheStats")]
    pub fn stats(&self) -> Result<JsValue, JsValue> {
        let (keyspace, stats) = (self.node.keyspace(), self.node.stats());
        let shown = Stats {
            keys: (0..keyspace.databases()).map(|db| keyspace.len(db)).sum(),
            used_memory: self.node.used_bytes(),
            commands: stats.commands,
            hits: stats.hits,
            misses: stats.misses,
            expired: stats.expired,
            expired_by_cycle: stats.expired_by_cycle,
            evicted: stats.evicted,
        };
        serde_wasm_bindgen::to_value(&shown).map_err(|e| reply::error(&e.to_string()))
    }

    /// A digest of all data, 32 hex digits: equal for caches that hold the same.
    pub fn digest(&self) -> String {
        format!("{:032x}", self.node.digest())
    }

    /// A copy that goes its own way from here. Given the same calls it gives the same replies.
    pub fn fork(&self) -> Cache {
        Cache {
            node: self.node.clone(),
            conn: self.conn,
            consoles: self.consoles.clone(),
            now_us: self.now_us,
            offset_us: self.offset_us,
            clock: self.clock.clone(),
            pushes: self.pushes.clone(),
        }
    }
}

impl Cache {
    /// Lets time go on to what the caller's clock shows, if there is one. It never goes back.
    fn tick(&mut self) -> Result<(), JsValue> {
        let Some(clock) = &self.clock else { return Ok(()) };
        let shown = clock.call0(&JsValue::NULL)?.as_f64().unwrap_or(f64::NAN);
        let target = micros(shown, "the clock's time")?.saturating_add(self.offset_us);
        self.run_until(target);
        Ok(())
    }

    fn run_until(&mut self, target: u64) {
        for _ in 0..STEPS {
            let Some(due) = self.node.poll_timeout().map(Timeout::at_us) else { break };
            if due > target {
                break;
            }
            self.now_us = self.now_us.max(due);
            self.run();
        }
        self.now_us = self.now_us.max(target);
        self.run();
    }

    fn run(&mut self) {
        while self.node.run(moment(self.now_us), Budget::default(), &mut Watch::blind())
            == Run::More
        {}
        while self.node.poll_action().is_some() {}
    }

    /// Sends a command and gives its reply, if there is one yet.
    fn request(&mut self, args: &[Vec<u8>]) -> Result<Option<Value>, JsValue> {
        self.tick()?;
        self.take_in();
        let conn = self.own_connection()?;
        let now = moment(self.now_us);
        let bytes = self.node.request(now, conn, args, &mut Watch::blind()).unwrap_or_default();
        if self.node.sendable(conn).close {
            // QUIT and the like: the next command finds a new one.
            self.node.handle_disconnect(conn);
            self.conn = None;
        }
        Ok(self.sort(&bytes))
    }

    fn own_connection(&mut self) -> Result<ConnId, JsValue> {
        if let Some(conn) = self.conn {
            return Ok(conn);
        }
        let peer = Peer { trusted: true, alone: true, ..peer() };
        let conn = connect(&mut self.node, self.now_us, peer)?;
        let now = moment(self.now_us);
        let _ = self.node.request(now, conn, &["HELLO", "3"], &mut Watch::blind());
        self.conn = Some(conn);
        Ok(conn)
    }

    /// Takes what the connection was sent unasked.
    fn take_in(&mut self) {
        let Some(conn) = self.conn else { return };
        let bytes = self.node.sendable(conn).bytes.to_vec();
        self.node.handle_sent(moment(self.now_us), conn, bytes.len());
        if let Some(late) = self.sort(&bytes) {
            self.pushes.push(late);
        }
    }

    /// Keeps pushes and gives the reply among them. SUBSCRIBE's reply is itself a push.
    fn sort(&mut self, mut bytes: &[u8]) -> Option<Value> {
        let mut answer = None;
        while let Ok(Some((value, used))) = Value::parse(bytes) {
            bytes = &bytes[used..];
            match value {
                Value::Push(_) => self.pushes.push(value),
                other => answer = Some(other),
            }
        }
        answer
    }
}

fn moment(us: u64) -> Now {
    Now { mono_us: us, wall_us: us }
}

/// Milliseconds of JavaScript as microseconds.
fn micros(ms: f64, what: &str) -> Result<u64, JsValue> {
    if (0.0..=LATEST_MS).contains(&ms) {
        return Ok((ms * 1000.0) as u64);
    }
    let (latest, ms) = (number(LATEST_MS), number(ms));
    Err(reply::error(&format!("{what} must be between 0 and {latest} milliseconds, not {ms}")))
}

fn peer() -> Peer {
    Peer { addr: "javascript:0".into(), ..Peer::default() }
}

fn connect(node: &mut Node, now_us: u64, peer: Peer) -> Result<ConnId, JsValue> {
    node.handle_connect(moment(now_us), peer).map_err(|refused| reply::error(&refused.to_string()))
}

fn read_options(given: &JsValue) -> Result<Options, JsValue> {
    let mut options = Options { seed: 0, config: Config::default(), start_us: 0, clock: None };
    if given.is_undefined() || given.is_null() {
        return Ok(options);
    }
    let Some(given) = given.dyn_ref::<Object>() else {
        return Err(reply::error("options must be an object"));
    };
    for name in Object::keys(given).iter() {
        let value = Reflect::get(given, &name)?;
        let name = name.as_string().unwrap_or_default();
        if !value.is_undefined() {
            options.take(&name, &value)?;
        }
    }
    Ok(options)
}

impl Options {
    fn take(&mut self, name: &str, value: &JsValue) -> Result<(), JsValue> {
        match name {
            "seed" => self.seed = seed(value)?,
            "start" => self.start_us = micros(value.as_f64().unwrap_or(f64::NAN), "start")?,
            "maxmemory" => self.set(name, value)?,
            "config" => {
                for entry in Object::entries(&Object::from(value.clone())).iter() {
                    let entry = Array::from(&entry);
                    self.set(&entry.get(0).as_string().unwrap_or_default(), &entry.get(1))?;
                }
            }
            "clock" => {
                let clock = value.dyn_ref::<Function>().cloned();
                let wrong = || reply::error("clock must be a function, such as Date.now");
                self.clock = Some(clock.ok_or_else(wrong)?);
            }
            _ => {
                let known = "seed, maxmemory, config, start, clock";
                let text = format!("no option is called {name}; there are {known}");
                return Err(reply::error(&text));
            }
        }
        Ok(())
    }

    fn set(&mut self, name: &str, value: &JsValue) -> Result<(), JsValue> {
        let text = String::from(Object::from(value.clone()).to_string());
        self.config.set(name, &text).map_err(|e| reply::error(&format!("{name}: {e}")))
    }
}

/// A seed from a whole number or a bigint.
fn seed(value: &JsValue) -> Result<u64, JsValue> {
    let number = value.as_f64().filter(|n| n.fract() == 0.0 && (0.0..=MAX_SAFE).contains(n));
    let seed = number.map(|n| n as u64).or_else(|| u64::try_from(value.clone()).ok());
    seed.ok_or_else(|| {
        reply::error("seed must be a whole number up to 2^53 - 1, or a bigint up to 2^64 - 1")
    })
}
