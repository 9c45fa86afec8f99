//! MULTI, EXEC, DISCARD, WATCH, UNWATCH.

use super::{Categories, Error, Flags, Flow, Group, KeyFlags, KeySpec, Outcome, Role, Spec};
use crate::node::{ConnFlags, Connection, Cx, State, call, check_reply, check_state, key_at, lookup};
use crate::observer::Observer;
use alloc::format;
use alloc::string::String;

rows! {
    discard: Spec::new(
        "discard",
        1,
        bits!(Flags: NOSCRIPT | LOADING | STALE | FAST | ALLOW_BUSY),
        Group::Transactions,
    )
    .acl(Categories::TRANSACTION)
    .role(Role::RULES_MULTI)
    .docs("2.0.0", "O(N) for N queued commands", "", "Forgets the commands queued since MULTI."),
    exec: Spec::new(
        "exec",
        1,
        bits!(Flags: NOSCRIPT | LOADING | STALE | SKIP_COMMANDLOG),
        Group::Transactions,
    )
    .acl(Categories::TRANSACTION)
    .role(bits!(Role: RULES_MULTI | RUNS_QUEUE))
    .docs(
        "1.2.0",
        "That of the queued commands",
        "",
        "Runs the commands queued since MULTI, nothing else in between.",
    ),
    multi: Spec::new(
        "multi",
        1,
        bits!(Flags: NOSCRIPT | LOADING | STALE | FAST | NO_MULTI | ALLOW_BUSY),
        Group::Transactions,
    )
    .acl(Categories::TRANSACTION)
    .role(Role::RULES_MULTI)
    .docs("1.2.0", "O(1)", "", "Begins to queue commands for EXEC."),
    unwatch: Spec::new(
        "unwatch",
        1,
        bits!(Flags: NOSCRIPT | LOADING | STALE | FAST | ALLOW_BUSY),
        Group::Transactions,
    )
    .acl(Categories::TRANSACTION)
    .docs("2.2.0", "O(1)", "", "Forgets the keys that WATCH named."),
    watch: Spec::new(
        "watch",
        -2,
        bits!(Flags: NOSCRIPT | LOADING | STALE | FAST | NO_MULTI | ALLOW_BUSY),
        Group::Transactions,
    )
    .acl(Categories::TRANSACTION)
    .keys(&[KeySpec::range(1, -1, 1, KeyFlags::RO)])
    .role(Role::RULES_MULTI)
    .docs(
        "2.2.0",
        "O(1) for each key",
        "key [key ...]",
        "Lets the next EXEC fail when one of these keys has changed by then.",
    ),
}

fn multi<O: Observer>(cx: &mut Cx<'_, O>) -> Outcome {
    cx.conn.flags.insert(ConnFlags::MULTI);
    cx.out().ok();
    Ok(Flow::Done)
}

fn discard<O: Observer>(cx: &mut Cx<'_, O>) -> Outcome {
    if !cx.conn.has(ConnFlags::MULTI) {
        return Err(Error::Text("ERR DISCARD without MULTI"));
    }
    abandon(cx.conn, cx.state);
    cx.out().ok();
    Ok(Flow::Done)
}

fn exec<O: Observer>(cx: &mut Cx<'_, O>) -> Outcome {
    if !cx.conn.has(ConnFlags::MULTI) {
        return Err(Error::Text("ERR EXEC without MULTI"));
    }
    if cx.conn.has(ConnFlags::DIRTY_EXEC) {
        abandon(cx.conn, cx.state);
        return Err(Error::Text("EXECABORT Transaction discarded because of previous errors."));
    }
    // Much may have happened since they were queued.
    if !cx.conn.has(ConnFlags::REPLAY)
        && let Err(error) = check_state(cx.state, queued_flags(cx.conn), cx.now, cx.observer)
    {
        abandon(cx.conn, cx.state);
        let reason = error.message();
        return Err(Error::Owned(format!(
            "EXECABORT Transaction discarded because of: {}",
            String::from_utf8_lossy(&reason)
        )));
    }
    let watched_changed = cx.state.watch.is_dirty(cx.conn.id) || watched_expired(cx);
    let queued = core::mem::take(&mut cx.conn.queued);
    abandon(cx.conn, cx.state);
    if watched_changed {
        cx.out().null_array();
        return Ok(Flow::Done);
    }
    let mark = cx.out().len();
    let mut too_long = false;
    cx.out().array(queued.len());
    cx.state.effects.begin_transaction();
    for frame in &queued {
        let args = frame.args();
        // It was found when it was queued.
        let Ok(id) = lookup(args) else { continue };
        let mut inner = Cx {
            now: cx.now,
            spec: id.spec(),
            args,
            first: None,
            conn: cx.conn,
            state: cx.state,
            conns: cx.conns,
            observer: cx.observer,
            background: cx.background,
            in_exec: true,
            redacted: 0,
            took_ns: None,
            effects_done: false,
        };
        call(&mut inner, id);
        // All or nothing goes for the commands, whatever becomes of the replies.
        too_long |= check_reply(cx.out().len() - mark).is_err();
        if too_long {
            cx.out().truncate(mark);
        }
    }
    cx.state.effects.end_transaction();
    cx.no_effect();
    if too_long {
        return Err(Error::Text(
            "ERR the transaction ran, but its replies would be longer than 512 MB",
        ));
    }
    Ok(Flow::Done)
}

/// The flags that decide whether all that is queued may run: what one of them needs, all need.
fn queued_flags(conn: &Connection) -> Flags {
    let mut flags = Flags::LOADING;
    for id in conn.queued.iter().filter_map(|frame| lookup(frame.args()).ok()) {
        let of_one = id.spec().flags;
        flags = (flags & (of_one | !Flags::LOADING)) | (of_one & (Flags::WRITE | Flags::DENYOOM));
    }
    flags
}

/// Whether a watched key that was alive when it was watched has run out of time since.
fn watched_expired<O: Observer>(cx: &Cx<'_, O>) -> bool {
    let now_ms = cx.now_ms();
    cx.conn.watched.iter().any(|watched| {
        let (db, key) = key_at(&watched.name);
        !watched.expired && cx.state.keyspace.get(db, key).is_some_and(|e| e.is_expired(now_ms))
    })
}

fn watch<O: Observer>(cx: &mut Cx<'_, O>) -> Outcome {
    let db = cx.db();
    cx.conn.check_names(cx.args.from(1))?;
    for key in cx.args.from(1).iter() {
        // One that has expired goes now, or its going would look like a change.
        let expired = !cx.exists(db, key) && cx.state.keyspace.get(db, key).is_some();
        if cx.state.watch.add(cx.conn, db, key, expired) {
            cx.conn.note_name(key);
        }
    }
    cx.out().ok();
    Ok(Flow::Done)
}

fn unwatch<O: Observer>(cx: &mut Cx<'_, O>) -> Outcome {
    forget_watched(cx.conn, cx.state);
    cx.out().ok();
    Ok(Flow::Done)
}

fn forget_watched(conn: &mut Connection, state: &mut State) {
    state.watch.forget(conn);
    let watched = core::mem::take(&mut conn.watched);
    watched.iter().for_each(|watched| conn.drop_name(key_at(&watched.name).1));
}

/// Ends a transaction without running it, and forgets what was watched for it.
pub(crate) fn abandon(conn: &mut Connection, state: &mut State) {
    conn.queued.clear();
    conn.queued_bytes = 0;
    conn.flags.remove(ConnFlags::MULTI | ConnFlags::DIRTY_EXEC);
    forget_watched(conn, state);
}
