//! What `globalThis.larder` reports: the engine's own state, read at the moment of asking, so that
//! a test asserts what the engine did rather than what the page believes.

use super::engine::Engine;
use serde::Serialize;
use std::cell::RefCell;
use std::rc::Rc;
use wasm_bindgen::prelude::*;

/// Reports on the page's run.
#[wasm_bindgen]
#[derive(Debug)]
pub struct Handle {
    engine: Rc<RefCell<Engine>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct State {
    seed: u64,
    now_us: u64,
    paused: bool,
    speed: f64,
    pattern: &'static str,
    ttl_s: u32,
    rate_per_s: u32,
    counters: Counters,
    keys: Vec<Key>,
    rows: Vec<Row>,
    trace_digest: String,
    node_digest: String,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Counters {
    reads: u64,
    writes: u64,
    done: u64,
    failed: u64,
    hits: u64,
    misses: u64,
    cache_writes: u64,
    expired_by_access: u64,
    expired_by_cycle: u64,
    evicted: u64,
    stale_reads: u64,
    database_reads: u64,
    database_writes: u64,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Key {
    db: u32,
    key: String,
    kind: &'static str,
    value: Option<String>,
    ttl_ms: Option<u64>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Row {
    id: u32,
    name: String,
    price_cents: i64,
    stock: i64,
}

impl Handle {
    pub(super) fn new(engine: Rc<RefCell<Engine>>) -> Self {
        Handle { engine }
    }
}

#[wasm_bindgen]
impl Handle {
    /// The run at this moment: clock, settings, counters, the node's keys, the database's rows, and
    /// digests of the trace and of the node's data.
    #[wasm_bindgen(unchecked_return_type = "any")]
    pub fn state(&self) -> Result<JsValue, JsValue> {
        let engine = self.engine.borrow();
        let (sim, counters) = (&engine.sim, engine.sim.counters());
        let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
        let state = State {
            seed: sim.seed(),
            now_us: sim.now_us(),
            paused: engine.paused,
            speed: engine.speed,
            pattern: sim.pattern().name(),
            ttl_s: sim.ttl_s(),
            rate_per_s: if sim.traffic().running { sim.traffic().rate_per_s } else { 0 },
            counters: Counters {
                reads: counters.reads,
                writes: counters.writes,
                done: counters.done,
                failed: counters.failed,
                hits: counters.hits,
                misses: counters.misses,
                cache_writes: counters.cache_writes,
                expired_by_access: counters.expired_by_access,
                expired_by_cycle: counters.expired_by_cycle,
                evicted: counters.evicted,
                stale_reads: counters.stale_reads,
                database_reads: counters.database_reads,
                database_writes: counters.database_writes,
            },
            keys: sim
                .cache_keys()
                .into_iter()
                .map(|key| Key {
                    db: key.db,
                    key: text(key.key),
                    kind: key.kind,
                    value: key.value.map(text),
                    ttl_ms: key.ttl_ms,
                })
                .collect(),
            rows: sim
                .database_rows()
                .map(|row| Row {
                    id: row.id,
                    name: row.name.clone(),
                    price_cents: row.price_cents,
                    stock: row.stock,
                })
                .collect(),
            trace_digest: format!("{:016x}", sim.trace_digest()),
            node_digest: format!("{:032x}", sim.node().digest()),
        };
        let serializer = serde_wasm_bindgen::Serializer::new().serialize_missing_as_null(true);
        Ok(state.serialize(&serializer)?)
    }
}
