//! The Durable Object: a shard over SQLite storage, woken by requests and by one alarm.

use super::setting;
use super::sql::SqlLog;
use crate::shard::{self, Failure, Shard};
use cache_core::node::LogLevel;
use std::cell::{Cell, RefCell};
use worker::{
    Date, DurableObject, Env, Request, Response, ScheduledTime, State, console_error, console_log,
    console_warn, durable_object, js_sys,
};

/// Memory for data when `LARDER_MAXMEMORY` doesn't say. An object has 128 MB for everything.
const DEFAULT_MAXMEMORY: &str = "48mb";
/// What makes room when `LARDER_MAXMEMORY_POLICY` doesn't say.
const DEFAULT_POLICY: &str = "allkeys-lru";

/// For how many seconds expired keys may take up room when `LARDER_HOUSEKEEPING` doesn't say. Each
/// time that the object is woken is paid for.
const DEFAULT_HOUSEKEEPING: &str = "60";

enum Life {
    /// Nothing is in memory.
    Asleep,
    Awake(Box<Shard<SqlLog>>),
    /// It cannot wake, and trying again would not help.
    Broken(String),
}

/// A cache at the edge.
#[durable_object(alarm)]
pub struct LarderCache {
    state: State,
    env: Env,
    life: RefCell<Life>,
    /// When the alarm goes off, as far as this life knows: wall milliseconds.
    alarm_ms: Cell<Option<u64>>,
    /// `LARDER_HOUSEKEEPING`, in milliseconds.
    patience_ms: Cell<u64>,
}

impl DurableObject for LarderCache {
    fn new(state: State, env: Env) -> Self {
        LarderCache {
            state,
            env,
            life: RefCell::new(Life::Asleep),
            alarm_ms: Cell::new(None),
            patience_ms: Cell::new(0),
        }
    }

    async fn fetch(&self, mut request: Request) -> worker::Result<Response> {
        let requests = request.bytes().await?;
        let now_ms = Date::now().as_millis();
        let served = self.with_shard(now_ms, |shard| shard.serve(now_ms, &requests));
        self.set_alarm(now_ms).await;
        match served {
            Ok(replies) => Response::from_bytes(replies),
            Err((status, message)) => {
                Ok(Response::from_bytes(message.into_bytes())?.with_status(status))
            }
        }
    }

    async fn alarm(&self) -> worker::Result<Response> {
        self.alarm_ms.set(None);
        let now_ms = Date::now().as_millis();
        // A failure is logged; there is nobody to tell, and the next request will try again.
        let _ = self.with_shard(now_ms, |shard| shard.wake(now_ms));
        self.set_alarm(now_ms).await;
        Response::empty()
    }
}

impl LarderCache {
    /// Does something with the shard, waking it first. An error comes with its status code.
    fn with_shard<T>(
        &self,
        now_ms: u64,
        act: impl FnOnce(&mut Shard<SqlLog>) -> Result<T, Failure>,
    ) -> Result<T, (u16, String)> {
        let mut life = self.life.borrow_mut();
        if matches!(*life, Life::Asleep) {
            *life = match self.open(now_ms) {
                Ok(shard) => Life::Awake(Box::new(shard)),
                Err(reason) => {
                    console_error!("this cache cannot be opened: {reason}");
                    Life::Broken(reason)
                }
            };
        }
        let shard = match &mut *life {
            Life::Awake(shard) => shard,
            Life::Broken(reason) => {
                return Err((500, format!("ERR this cache cannot be opened: {reason}")));
            }
            Life::Asleep => return Err((500, String::from("ERR this cache is asleep"))),
        };
        let done = act(shard);
        shard.notes().iter().for_each(print);
        done.map_err(|failure| {
            let status = match failure {
                Failure::Store(_) => {
                    // What was not stored did not happen: the next request begins with what was.
                    *life = Life::Asleep;
                    503
                }
                Failure::RepliesTooLarge => 413,
            };
            console_error!("{failure}");
            (status, failure.to_string())
        })
    }

    fn open(&self, now_ms: u64) -> Result<Shard<SqlLog>, String> {
        let setting = |name, default: &str| setting(&self.env, name).unwrap_or(default.into());
        let maxmemory = setting("LARDER_MAXMEMORY", DEFAULT_MAXMEMORY);
        let policy = setting("LARDER_MAXMEMORY_POLICY", DEFAULT_POLICY);
        let config = shard::config(&maxmemory, &policy).map_err(|error| {
            format!("LARDER_MAXMEMORY={maxmemory}, LARDER_MAXMEMORY_POLICY={policy}: {error}")
        })?;
        let patience = setting("LARDER_HOUSEKEEPING", DEFAULT_HOUSEKEEPING);
        let seconds: u64 = patience.parse().map_err(|_| {
            format!("LARDER_HOUSEKEEPING={patience}: it must be a whole number of seconds")
        })?;
        self.patience_ms.set(seconds.saturating_mul(1000));
        let (log, seed) = SqlLog::open(self.state.storage())?;
        Shard::restore(config, seed, now_ms, log).map_err(|damage| damage.to_string())
    }

    /// Sets the alarm when something is due sooner than it goes off. Each setting is paid for.
    async fn set_alarm(&self, now_ms: u64) {
        let next = match &*self.life.borrow() {
            Life::Awake(shard) => shard.next_wake(now_ms, self.patience_ms.get()),
            _ => None,
        };
        let Some(at_ms) = next else { return };
        if self.alarm_ms.get().is_some_and(|set_ms| set_ms <= at_ms) {
            return;
        }
        self.alarm_ms.set(Some(at_ms));
        let date = js_sys::Date::new(&(at_ms as f64).into());
        if let Err(error) = self.state.storage().set_alarm(ScheduledTime::new(date)).await {
            // What was asked for has been done all the same. The next request tries again.
            self.alarm_ms.set(None);
            console_warn!("the alarm could not be set: {error}");
        }
    }
}

fn print((level, line): &(LogLevel, String)) {
    match level {
        LogLevel::Warning => console_warn!("{line}"),
        LogLevel::Notice => console_log!("{line}"),
        LogLevel::Verbose | LogLevel::Debug => {}
    }
}
