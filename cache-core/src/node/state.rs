//! Everything in a node but its connections.

use super::admit::must_log_in;
use super::blocking::Blocked;
use super::commandlog::CommandLogs;
use super::conn::{ConnFlags, ConnId, Connection, Connections};
use super::effects::Effects;
use super::latency::Latency;
use super::notices::Notices;
use super::output::Output;
use super::persist::Persist;
use super::pubsub::PubSub;
use super::replication::Replication;
use super::stats::{Rates, Stats, Tally};
use super::tracking::Tracking;
use super::watch::Watch;
use super::{
    Action, Durability, Loading, LogLevel, OUTPUT_HIGH_WATER, OUTPUT_HIGH_WATER_TIGHT,
    OUTPUT_TOTAL_HIGH_WATER,
};
use crate::config::{Class, Config, Id};
use crate::hash::HashSeed;
use crate::keyspace::{Evictor, ExpiredParts, Keyspace};
use crate::observer::{Event, Observer};
use crate::random::Random;
use crate::snapshot::{Loaded, Snapshot};
use crate::time::Now;
use alloc::collections::VecDeque;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

/// Log lines and wishes that wait for the host. Past it lines are lost, so that a host that never
/// polls costs no memory. A wish is not (a connection that is not read from again would be lost with
/// it), but none is kept twice: there is one for each connection and each setting at the most.
const ACTIONS_LIMIT: usize = 10_000;

/// Unread output at which a client is closed before it has logged in, in bytes. It hears nothing but
/// errors then, and whoever has no password must not be able to make the node hold many.
const UNAUTHENTICATED_OUTPUT_LIMIT: u64 = 64 * 1024;

/// CLIENT PAUSE.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ClientPause {
    /// Monotonic microseconds.
    pub(crate) until_us: u64,
    /// Only commands that may write wait.
    pub(crate) writes_only: bool,
}

/// DEBUG SLEEP.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sleep {
    pub(crate) by: ConnId,
    /// Monotonic microseconds.
    pub(crate) since_us: u64,
    /// Monotonic microseconds.
    pub(crate) until_us: u64,
}

#[derive(Clone, Debug)]
pub(crate) struct State {
    pub(crate) config: Config,
    pub(crate) keyspace: Keyspace,
    pub(crate) evictor: Evictor,
    /// Whether the use of keys is noted, for eviction and for OBJECT.
    pub(crate) notes_use: bool,
    pub(crate) effects: Effects,
    pub(crate) pubsub: PubSub,
    pub(crate) watch: Watch,
    pub(crate) notices: Notices,
    pub(crate) blocked: Blocked,
    pub(crate) tracking: Tracking,
    /// Whose command is changing data.
    pub(crate) acting: Option<ConnId>,
    pub(crate) stats: Stats,
    pub(crate) tally: Tally,
    pub(crate) logs: CommandLogs,
    pub(crate) latency: Latency,
    /// Until when nobody's command runs (DEBUG SLEEP).
    pub(crate) sleep: Option<Sleep>,
    /// Whether keys whose time has run out are looked for (DEBUG SET-ACTIVE-EXPIRE).
    pub(crate) expires_actively: bool,
    /// Who is shown what everybody does (MONITOR).
    pub(crate) monitors: Vec<ConnId>,
    pub(crate) rates: Rates,
    pub(crate) random: Random,
    pub(crate) hash_seed: HashSeed,
    pub(crate) durability: Durability,
    pub(crate) store_error: Option<String>,
    pub(crate) persist: Persist,
    /// Whether replies wait until the append log is safe.
    pub(crate) log_gates: bool,
    pub(crate) pause: Option<ClientPause>,
    /// Data that are being loaded.
    pub(crate) loading: Option<Loading>,
    /// What was in the snapshot that was loaded last.
    pub(crate) loaded: Option<Loaded>,
    pub(crate) replication: Replication,
    pub(crate) actions: VecDeque<Action>,
    /// Output of all connections that hasn't left, in bytes.
    pub(crate) unsent: usize,
    /// Changes to the data since the start (`rdb_changes_since_last_save` counts from it).
    pub(crate) dirty: u64,
    /// How many bytes the data had come down to when eviction last gave way to a command although
    /// they were more than `maxmemory`: they may not be more the next time.
    pub(crate) evict_below: u64,
    pub(crate) started: Now,
    /// What the clocks showed when `run` was last called.
    pub(crate) clock: Now,
    /// 40 hexadecimal digits that tell this life of this node from all others.
    pub(crate) run_id: String,
    /// Monotonic microseconds at which idle clients are looked for again.
    pub(crate) next_idle_check_us: u64,
}

impl State {
    pub(crate) fn new(config: Config, seed: u64, now: Now) -> Self {
        let mut random = Random::new(seed);
        let hash_seed = HashSeed::new(random.next_u64(), random.next_u64());
        // Clients see the run id and what chance decides; from neither may they learn the key of the
        // hash, by which they could make keys that collide. A generator's past can be computed from
        // what it gave, a keyed hash's key can't.
        let mut shown = Random::new(hash_seed.hash(b"run id"));
        let run_id = format!(
            "{:016x}{:016x}{:08x}",
            shown.next_u64(),
            shown.next_u64(),
            shown.next_u64() as u32
        );
        let random = Random::new(hash_seed.hash(b"chance"));
        let databases = config.number(Id::Databases) as usize;
        let mut state = State {
            keyspace: Keyspace::new(databases, hash_seed),
            evictor: Evictor::default(),
            notes_use: false,
            config,
            effects: Effects::default(),
            pubsub: PubSub::new(hash_seed),
            watch: Watch::new(hash_seed),
            notices: Notices::default(),
            blocked: Blocked::new(hash_seed),
            tracking: Tracking::new(hash_seed),
            acting: None,
            stats: Stats::default(),
            tally: Tally::default(),
            logs: CommandLogs::default(),
            latency: Latency::default(),
            sleep: None,
            expires_actively: true,
            monitors: Vec::new(),
            rates: Rates::default(),
            random,
            hash_seed,
            durability: Durability::Async,
            store_error: None,
            persist: Persist::new(now),
            log_gates: false,
            pause: None,
            loading: None,
            loaded: None,
            replication: Replication::new(hash_seed),
            actions: VecDeque::new(),
            unsent: 0,
            dirty: 0,
            evict_below: u64::MAX,
            started: now,
            clock: now,
            run_id,
            next_idle_check_us: 0,
        };
        state.settings_changed();
        state.follow_configured();
        state
    }

    /// All data as they are now.
    pub(crate) fn snapshot(&self, now: Now) -> Snapshot {
        let mut snapshot = Snapshot::new(self.keyspace.clone(), &self.config, now.clamped());
        self.note_place(&mut snapshot);
        if let Some(db) = self.effects.db() {
            snapshot.note("repl-stream-db", &format!("{db}"));
        }
        snapshot
    }

    /// Looks at those settings that are kept in other rooms too.
    pub(crate) fn settings_changed(&mut self) {
        self.notices.set_classes(self.config.events());
        self.logs.settings_changed(&self.config);
        self.latency.threshold_ms = self.config.number(Id::LatencyMonitorThreshold).unsigned_abs();
        self.latency.tracks = self.config.number(Id::LatencyTracking) == 1;
        // What the adaptive policy knows is of no use to anyone else.
        let evicts = self.config.number(Id::Maxmemory) != 0;
        self.notes_use = evicts || !self.config.policy().is_adaptive();
    }

    /// Whether nobody's command may run at this moment.
    #[cfg_attr(not(target_arch = "wasm32"), inline(always))]
    pub(super) fn sleeps(&self, now: Now) -> bool {
        self.sleep.is_some_and(|sleep| now.mono_us < sleep.until_us) || self.persist.holds_all()
    }

    /// The offset up to which effects are safe, as far as replies wait for the append log.
    pub(super) fn logged(&self) -> u64 {
        if self.log_gates { self.persist.tail.synced() } else { u64::MAX }
    }

    /// Queues a wish for the host.
    pub(crate) fn act(&mut self, action: Action) {
        if self.actions.len() >= ACTIONS_LIMIT {
            let is_line = matches!(action, Action::Log { .. });
            if is_line || self.actions.contains(&action) {
                return;
            }
        }
        self.actions.push_back(action);
    }

    pub(crate) fn log(&mut self, level: LogLevel, message: String) {
        self.act(Action::Log { level, message });
    }

    /// Counts an error that a client is answered with.
    pub(crate) fn note_error(&mut self, message: &[u8]) {
        self.stats.errors += 1;
        self.tally.note_error(message);
    }

    /// Drops what a connection that is gone left behind.
    pub(crate) fn forget(&mut self, conn: &mut Connection) {
        self.unsent = self.unsent.saturating_sub(conn.out.len());
        self.pubsub.forget(conn);
        self.watch.forget(conn);
        self.monitors.retain(|&id| id != conn.id);
        self.sleep.take_if(|sleep| sleep.by == conn.id);
        self.persist.forget(conn.id);
        if let Some(wait) = &conn.wait {
            self.blocked.remove(conn.id, conn.db, wait);
        }
        if let Some(tracker) = &conn.tracker {
            self.tracking.forget(conn.id, tracker);
        }
        self.forget_follower(conn);
        self.note_link_lost(conn);
    }

    /// Whether something has happened that is to be told behind the command at hand.
    #[cfg_attr(not(target_arch = "wasm32"), inline(always))]
    pub(super) fn has_news(&self) -> bool {
        !self.notices.is_empty() || self.tracking.has_news()
    }

    /// A key's value is another one, or it is gone: transactions that watch it must fail.
    pub(crate) fn key_changed(&mut self, db: u32, key: &[u8]) {
        self.dirty += 1;
        self.watch.touch(db, key);
        self.tracking.touch(key, self.acting);
    }

    /// A key has come that somebody may wait for, or there is more of it. As in Valkey it is looked at
    /// only if anyone waits for a key of its type at all.
    pub(crate) fn note_come(&mut self, db: u32, key: &[u8]) {
        let is_wanted = || {
            let entry = self.keyspace.get(db, key);
            entry.is_some_and(|entry| self.blocked.any_for(entry.type_name()))
        };
        if self.blocked.keys() > 0 && is_wanted() {
            self.blocked.touch(db, key);
        }
    }
}

/// What time and limits ask of it.
impl State {
    /// The monotonic moment of a wall moment, by what both clocks showed last: 0 when it was before
    /// monotonic time began.
    pub(crate) fn mono_of_wall_ms(&self, wall_ms: u64) -> u64 {
        let (wall_us, clock) = (wall_ms.saturating_mul(1000), self.clock);
        let ahead_us = wall_us.saturating_sub(clock.wall_us);
        let behind_us = clock.wall_us.saturating_sub(wall_us);
        clock.mono_us.saturating_add(ahead_us).saturating_sub(behind_us)
    }

    /// Whether this node obeys a stream of effects. It lets the stream say when a key goes: a key
    /// whose time has run out may yet be persisted.
    pub(crate) fn obeys_stream(&self, conns: &Connections) -> bool {
        let replication = &self.replication;
        // While its part is handed over, a primary changes nothing of its own accord.
        replication.is_replica() || replication.failover.is_some() || conns.any_replayer()
    }

    /// Whether clients are to be looked at from time to time.
    pub(crate) fn watches_clients(&self) -> bool {
        self.config.number(Id::Timeout) > 0 || self.unsent > 0
    }

    /// Bytes that count against `maxmemory`: all entries, and what the eviction policy remembers.
    pub(crate) fn used_bytes(&self) -> u64 {
        self.keyspace.used_bytes() + self.evictor.bytes(&self.config)
    }

    /// Counts and hands on that a key's time has run out and that it was removed.
    pub(crate) fn note_expired(&mut self, db: u32, key: &[u8]) {
        self.stats.expired += 1;
        self.watch.touch(db, key);
        self.blocked.touch_gone(db, key);
        self.tracking.touch(key, None);
        self.effects.append(db, [&b"DEL"[..], key]);
        self.notices.note(Class::EXPIRED, "expired", db, key);
    }

    /// Counts and hands on that parts of a value are gone since their time had run out. `class` are
    /// those who hear of it.
    pub(crate) fn note_parts_expired<O: Observer>(
        &mut self,
        (now, observer): (Now, &mut O),
        (db, key): (u32, &[u8]),
        gone: &ExpiredParts,
    ) {
        self.stats.expired_fields += gone.names.len() as u64;
        self.watch.touch(db, key);
        self.tracking.touch(key, None);
        let names = gone.names.iter().map(|name| &**name);
        let effect: Vec<&[u8]> = [&b"HDEL"[..], key].into_iter().chain(names).collect();
        self.effects.append(db, effect);
        self.notices.note(Class::EXPIRED, "hexpired", db, key);
        if gone.emptied {
            self.notices.note(Class::GENERIC, "del", db, key);
        }
        if O::ACTIVE {
            let entry = self.keyspace.get(db, key);
            let expires_at_ms = entry.and_then(|entry| entry.expires_at());
            let event = match gone.emptied {
                true => Event::Deleted { db, key },
                false => Event::Written { db, key, expires_at_ms },
            };
            observer.event(now, event);
        }
    }

    /// Whether a client's unread output has passed what its class may have.
    pub(crate) fn passes_output_limit(&self, conn: &mut Connection, now: Now) -> bool {
        let follows = conn.is_follower();
        let mut limit = if follows || conn.has(ConnFlags::MONITOR) {
            self.config.replica_output_limit()
        } else if conn.listens() {
            self.config.pubsub_output_limit()
        } else {
            self.config.normal_output_limit()
        };
        let bytes = conn.out.len() as u64 + self.behind(conn);
        if follows && limit.hard > 0 {
            // What is kept in any case costs nothing more for being unread.
            limit.hard = limit.hard.max(self.config.number(Id::ReplBacklogSize).unsigned_abs());
        }
        if bytes > UNAUTHENTICATED_OUTPUT_LIMIT && must_log_in(self, conn) {
            return true;
        }
        if limit.hard > 0 && bytes >= limit.hard {
            return true;
        }
        if limit.soft == 0 || bytes < limit.soft {
            conn.over_soft_since_us = None;
            return false;
        }
        let since = *conn.over_soft_since_us.get_or_insert(now.mono_us);
        now.mono_us.saturating_sub(since) > limit.soft_secs.saturating_mul(1_000_000)
    }

    /// Closes a client whose unread output has passed its limit, and frees that at once: by the time
    /// that the host has closed it, a message to many could have filled the memory.
    pub(crate) fn close_for_output(&mut self, conn: &mut Connection) {
        let (id, bytes) = (conn.id.id, conn.out.len());
        self.unsent = self.unsent.saturating_sub(bytes);
        conn.out = Output::new(conn.out.reply.resp());
        conn.flags.insert(ConnFlags::ABORT);
        self.stats.output_limit_closes += 1;
        self.log(
            LogLevel::Warning,
            format!("Closing client id={id}: {bytes} bytes of output unread, past its limit"),
        );
    }

    /// Unsent output at which a connection's commands wait until its peer reads.
    pub(crate) fn output_high_water(&self) -> usize {
        if self.unsent > OUTPUT_TOTAL_HIGH_WATER {
            OUTPUT_HIGH_WATER_TIGHT
        } else {
            OUTPUT_HIGH_WATER
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    /// A host that doesn't look for long may lose lines of the log, but no wish.
    #[test]
    fn wishes_outlive_log_lines() {
        let mut state = State::new(Config::default(), 1, Now::default());
        let wish = Action::ResumeReading(ConnId { index: 0, id: 1 });
        state.act(wish.clone());
        for i in 0..2 * ACTIONS_LIMIT {
            state.log(LogLevel::Notice, format!("{i}"));
        }
        let late = Action::ConfigChanged(Id::Hz);
        state.act(late.clone());
        state.act(late.clone());
        assert_eq!(state.actions.len(), ACTIONS_LIMIT + 1);
        assert_eq!((state.actions.front(), state.actions.back()), (Some(&wish), Some(&late)));
    }

    /// As SplitMix64 can be run backwards: from any output to the state, and so to all before it.
    #[test]
    fn the_run_id_does_not_tell_the_seed() {
        let seed = 0xdead_beef_1234;
        let shown = State::new(Config::default(), seed, Now::default()).run_id;
        let mut drawn = Random::new(seed);
        for _ in 0..8 {
            assert_ne!(shown[..16], format!("{:016x}", drawn.next_u64()));
        }
    }
}
