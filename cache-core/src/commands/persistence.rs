//! Saving when asked: SAVE, BGSAVE, LASTSAVE, BGREWRITEAOF.
//!
//! SAVE doesn't hold everyone up, as it does in Redis: its own client waits for the end of a save that
//! goes on beside. What it answers means the same, that all data of that moment are safe.

use super::arguments::is_word;
use super::{Categories, Error, Flags, Flow, Group, Outcome, Spec, Tips};
use crate::node::{Background, Cx, SaveFor};
use crate::observer::Observer;

rows! {
    save: Spec::new(
        "save",
        1,
        bits!(Flags: ADMIN | NOSCRIPT | NO_ASYNC_LOADING | NO_MULTI),
        Group::Server,
    )
    .docs("1.0.0", "O(N) for N keys", "", "Saves all data and answers when that is done."),
    bgsave: Spec::new(
        "bgsave",
        -1,
        bits!(Flags: ADMIN | NOSCRIPT | NO_ASYNC_LOADING),
        Group::Server,
    )
    .docs("1.0.0", "O(1)", "[SCHEDULE | CANCEL]", "Saves all data beside."),
    lastsave: Spec::new("lastsave", 1, bits!(Flags: LOADING | STALE | FAST), Group::Server)
        .acl(bits!(Categories: ADMIN | DANGEROUS))
        .tips(Tips::NONDETERMINISTIC_OUTPUT)
        .docs("1.0.0", "O(1)", "", "When data were last saved, in seconds of Unix time."),
    bgrewriteaof: Spec::new(
        "bgrewriteaof",
        1,
        bits!(Flags: ADMIN | NOSCRIPT | NO_ASYNC_LOADING),
        Group::Server,
    )
    .docs("1.0.0", "O(1)", "", "Rewrites the append log beside."),
}

const SAVES_ALREADY: Error = Error::Text("ERR Background save already in progress");
const REWRITES: Error = Error::Text(
    "ERR Another child process is active (AOF?): can't BGSAVE right now. Use BGSAVE SCHEDULE in order \
     to schedule a BGSAVE whenever possible.",
);
const NO_FILES: Error = Error::Text("ERR this server keeps no files");

fn check_files<O: Observer>(cx: &Cx<'_, O>) -> Result<(), Error> {
    if cx.state.persist.is_on { Ok(()) } else { Err(NO_FILES) }
}

fn is_saving<O: Observer>(cx: &Cx<'_, O>) -> bool {
    cx.state.persist.background.as_ref().is_some_and(Background::is_save)
}

fn save<O: Observer>(cx: &mut Cx<'_, O>) -> Outcome {
    if let Some(is_ok) = cx.state.persist.take_answer(cx.conn.id) {
        if is_ok {
            cx.out().ok();
            return Ok(Flow::Done);
        }
        return Err(Error::Text("ERR"));
    }
    check_files(cx)?;
    if cx.state.persist.background.is_some() {
        return Err(if is_saving(cx) { SAVES_ALREADY } else { REWRITES });
    }
    let id = cx.conn.id;
    cx.state.start_save(cx.now, SaveFor::Client(id));
    Ok(Flow::Blocked { until_us: u64::MAX })
}

fn bgsave<O: Observer>(cx: &mut Cx<'_, O>) -> Outcome {
    let mut schedule = false;
    match (cx.args.get(1), cx.args.len()) {
        (None, _) => {}
        (Some(word), 2) if is_word(word, "schedule") => schedule = true,
        (Some(word), 2) if is_word(word, "cancel") => return cancel(cx),
        _ => return Err(Error::Syntax),
    }
    check_files(cx)?;
    if is_saving(cx) {
        return Err(SAVES_ALREADY);
    }
    if cx.state.persist.background.is_none() && !cx.in_exec {
        cx.state.start_save(cx.now, SaveFor::Nobody);
        cx.out().simple("Background saving started");
        return Ok(Flow::Done);
    }
    if !schedule && !cx.in_exec {
        return Err(REWRITES);
    }
    cx.state.persist.saves.is_scheduled = true;
    cx.out().simple("Background saving scheduled");
    Ok(Flow::Done)
}

fn cancel<O: Observer>(cx: &mut Cx<'_, O>) -> Outcome {
    if is_saving(cx) {
        cx.state.stop_save();
        cx.out().simple("Background saving cancelled");
    } else if core::mem::take(&mut cx.state.persist.saves.is_scheduled) {
        cx.out().simple("Scheduled background saving cancelled");
    } else {
        return Err(Error::Text(
            "ERR Background saving is currently not in progress or scheduled",
        ));
    }
    Ok(Flow::Done)
}

fn lastsave<O: Observer>(cx: &mut Cx<'_, O>) -> Outcome {
    let secs = cx.state.persist.saves.last_secs;
    cx.out().integer(secs as i64);
    Ok(Flow::Done)
}

fn bgrewriteaof<O: Observer>(cx: &mut Cx<'_, O>) -> Outcome {
    check_files(cx)?;
    if cx.state.persist.background.as_ref().is_some_and(|background| !background.is_save()) {
        return Err(Error::Text("ERR Background append only file rewriting already in progress"));
    }
    let persist = &mut cx.state.persist;
    persist.rewrites.is_scheduled = true;
    if persist.background.is_some() || cx.in_exec {
        cx.out().simple("Background append only file rewriting scheduled");
    } else {
        // It is begun at the end of this run.
        cx.out().simple("Background append only file rewriting started");
    }
    Ok(Flow::Done)
}

#[cfg(test)]
mod tests {
    use crate::{Config, Node, Now, Peer};

    #[test]
    fn without_files_nothing_is_saved() {
        let now = Now::from_millis(5_000);
        let mut node = Node::new(Config::default(), 1, now);
        let conn = node.handle_connect(now, Peer::default()).expect("room");
        for command in ["SAVE", "BGSAVE", "BGREWRITEAOF"] {
            let reply = node.request(now, conn, &[command], &mut ()).expect("a reply");
            assert_eq!(reply, b"-ERR this server keeps no files\r\n", "{command}");
        }
        let reply = node.request(now, conn, &["LASTSAVE"], &mut ()).expect("a reply");
        assert_eq!(reply, b":5\r\n");
    }
}
