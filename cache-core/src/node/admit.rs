//! May it run? What a command must pass before its handler is called.

use super::State;
use super::conn::{ConnFlags, Connection};
use super::error::{Error, SHOWN_LIMIT, shown};
use crate::commands::{self, CommandId, Flags, Role, Spec};
use crate::config::{Class, Id};
use crate::keyspace::{Moment, Victim};
use crate::observer::{Event, Observer};
use crate::protocol::{Args, Resp};
use crate::time::Now;
use alloc::format;
use alloc::string::String;

/// Bytes that MULTI may queue on one connection.
const QUEUE_LIMIT: usize = 256 << 20;

/// What is to become of a command.
pub(super) enum Admitted {
    Run(CommandId),
    Queue,
    Wait { until_us: u64 },
}

/// Looks a command up, unless that has been done, and says whether it may run now.
pub(super) fn admit<O: Observer>(
    state: &mut State,
    conn: &mut Connection,
    args: Args<'_>,
    known: Option<CommandId>,
    now: Now,
    observer: &mut O,
) -> Result<Admitted, Error> {
    let id = match known {
        Some(id) => id,
        None => lookup(args)?,
    };
    let spec = id.spec();
    if !spec.arity_fits(args.len()) {
        return Err(Error::Arity(spec.name));
    }
    if must_log_in(state, conn) && !spec.flags.contains(Flags::NO_AUTH) {
        return Err(Error::NoAuth);
    }
    let in_multi = conn.has(ConnFlags::MULTI);
    if in_multi && spec.flags.contains(Flags::NO_MULTI) {
        return Err(Error::Owned(format!(
            "ERR Command '{}' not allowed inside a transaction",
            spec.name
        )));
    }
    if conn.listens() && conn.out.reply.resp() == Resp::V2 && !spec.is(Role::WHILE_SUBSCRIBED) {
        return Err(Error::Owned(format!(
            "ERR Can't execute '{}': only (P|S)SUBSCRIBE / (P|S)UNSUBSCRIBE / PING / QUIT / RESET \
             are allowed in this context",
            spec.name
        )));
    }
    if conn.is_follower() && spec.name != "replconf" {
        return Err(Error::Text("ERR Replica can't interact with the keyspace"));
    }
    if conn.has(ConnFlags::MONITOR) && spec.flags.intersects(Flags::WRITE | Flags::READONLY) {
        return Err(Error::Text("ERR Replica can't interact with the keyspace"));
    }
    if conn.has(ConnFlags::REPLAY) {
        return Ok(if in_multi && !spec.is(Role::RULES_MULTI) {
            Admitted::Queue
        } else {
            Admitted::Run(id)
        });
    }
    check_state(state, spec.flags, now, observer)?;
    if in_multi && !spec.is(Role::RULES_MULTI) {
        return if conn.queued_bytes + args.total_len() > QUEUE_LIMIT {
            Err(Error::Text("ERR transaction too large"))
        } else {
            Ok(Admitted::Queue)
        };
    }
    match state.pause {
        Some(pause) if !pause.writes_only || may_write(spec, conn) => {
            Ok(Admitted::Wait { until_us: pause.until_us })
        }
        _ if state.replication.failover.is_some() && may_write(spec, conn) => {
            Ok(Admitted::Wait { until_us: u64::MAX })
        }
        _ => Ok(Admitted::Run(id)),
    }
}

/// Whether a command with these flags may run as things are: data there, room for more, effects
/// safe.
pub(crate) fn check_state<O: Observer>(
    state: &mut State,
    flags: Flags,
    now: Now,
    observer: &mut O,
) -> Result<(), Error> {
    if state.loading.is_some() && !flags.contains(Flags::LOADING) {
        return Err(Error::Loading);
    }
    if state.hides_stale_data() && !flags.contains(Flags::STALE) {
        return Err(Error::Text(
            "MASTERDOWN Link with MASTER is down and replica-serve-stale-data is set to 'no'.",
        ));
    }
    if flags.contains(Flags::WRITE) {
        if state.refuses_writes() {
            return Err(Error::Text("READONLY You can't write against a read only replica."));
        }
        if !state.has_enough_followers(now) {
            return Err(Error::Text("NOREPLICAS Not enough good replicas to write."));
        }
    }
    if flags.contains(Flags::DENYOOM) && !make_room(state, now, observer) {
        return Err(Error::Oom);
    }
    if flags.contains(Flags::WRITE)
        && let Some(reason) = state.disk_error()
    {
        return Err(Error::Owned(reason));
    }
    match &state.store_error {
        Some(reason) if flags.contains(Flags::WRITE) => Err(Error::Owned(format!(
            "MISCONF Errors writing to the append log: {reason}. Writes are refused until it can \
             be written again."
        ))),
        _ => Ok(()),
    }
}

/// Whether a command may change data or reach beyond this node.
fn may_write(spec: &Spec, conn: &Connection) -> bool {
    if spec.is(Role::RUNS_QUEUE) {
        let writes = |spec: &Spec| spec.flags.contains(Flags::WRITE);
        return conn.queued.iter().any(|f| lookup(f.args()).is_ok_and(|id| writes(id.spec())));
    }
    spec.flags.contains(Flags::WRITE) || spec.is(Role::REACHES_OUT)
}

/// Finds a command's row by what was sent.
pub(crate) fn lookup(args: Args<'_>) -> Result<CommandId, Error> {
    let name = args.at(0);
    let id = commands::find_id(name)
        .filter(|id| !id.spec().is(Role::SUBCOMMAND))
        .ok_or_else(|| unknown_command(args))?;
    let spec = id.spec();
    if args.len() < 2 || !spec.is(Role::CONTAINER) {
        return Ok(id);
    }
    commands::find_subcommand(spec.name, args.at(1)).ok_or_else(|| {
        Error::Owned(format!(
            "ERR unknown subcommand '{}'. Try {} HELP.",
            shown(args.at(1)),
            spec.name.to_ascii_uppercase()
        ))
    })
}

fn unknown_command(args: Args<'_>) -> Error {
    let mut text =
        format!("ERR unknown command '{}', with args beginning with: ", shown(args.at(0)));
    let mut room = SHOWN_LIMIT;
    for arg in args.from(1).iter() {
        if room == 0 {
            break;
        }
        let arg = arg.split(|b| *b == 0).next().unwrap_or_default();
        let arg = &arg[..arg.len().min(room)];
        // The quotes and the space take room too: arguments may be empty, and many.
        room = room.saturating_sub(arg.len() + "'' ".len());
        text.push_str(&format!("'{}' ", String::from_utf8_lossy(arg)));
    }
    Error::Owned(text)
}

/// Whether a connection must still say its password.
pub(super) fn must_log_in(state: &State, conn: &Connection) -> bool {
    !conn.has(ConnFlags::AUTHENTICATED | ConnFlags::TRUSTED)
        && !state.config.text(Id::Requirepass).is_empty()
}

/// Keys that one command may evict, when `maxmemory` has become far less than there is: the others
/// go with the next commands. What a command adds is not spread like this.
const EVICTIONS_A_TIME: u32 = 256;

/// Evicts until data fits `maxmemory`, or has at least come nearer to it. `false`: it can't be made
/// to.
fn make_room<O: Observer>(state: &mut State, now: Now, observer: &mut O) -> bool {
    let limit = state.config.number(Id::Maxmemory) as u64;
    if limit == 0 || state.leaves_eviction() {
        return true;
    }
    // It is nobody's change.
    state.acting = None;
    let mut evicted = 0;
    loop {
        let used = state.used_bytes();
        if used <= limit {
            state.evict_below = u64::MAX;
            return true;
        }
        if evicted >= EVICTIONS_A_TIME && used <= state.evict_below {
            state.evict_below = used;
            return true;
        }
        evicted += 1;
        let State { keyspace, evictor, config, random, .. } = &mut *state;
        let victim = evictor.victim(keyspace, Moment { config, now }, random);
        let Some(Victim { db, key }) = victim else { return false };
        let probe = state.keyspace.probe(&key);
        state.keyspace.remove(db, &probe);
        state.key_changed(db, &key);
        state.blocked.touch_gone(db, &key);
        state.effects.append(db, [&b"DEL"[..], &key]);
        state.stats.evicted += 1;
        state.notices.note(Class::EVICTED, "evicted", db, &key);
        if O::ACTIVE {
            observer.event(now, Event::Evicted { db, key: &key });
        }
    }
}
