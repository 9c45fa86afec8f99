//! CLIENT TRACKING, CACHING, GETREDIR and TRACKINGINFO: client-side caching.

use super::super::arguments::{Words, is_word};
use super::super::{Error, Flow, Outcome};
use crate::node::{ConnId, Connection, Cx, Modes, Tracker};
use crate::observer::Observer;
use alloc::boxed::Box;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

pub(super) fn tracking<O: Observer>(cx: &mut Cx<'_, O>) -> Outcome {
    let mut asked = Tracker::default();
    let mut words = Words::new(cx.args.from(3));
    while words.left() > 0 {
        if words.is("redirect") {
            asked.redirect = Some(redirect(cx, words.integer()?, asked.redirect)?);
        } else if words.is("prefix") {
            asked.prefixes.push(words.bytes()?.into());
        } else {
            asked.modes |= mode(&mut words)?;
        }
    }
    match cx.args.at(2) {
        on if is_word(on, "on") => turn_on(cx, asked)?,
        off if is_word(off, "off") => cx.state.tracking.end(cx.conn),
        _ => return Err(Error::Syntax),
    }
    cx.out().ok();
    Ok(Flow::Done)
}

fn redirect<O: Observer>(
    cx: &Cx<'_, O>,
    id: i64,
    before: Option<ConnId>,
) -> Result<ConnId, Error> {
    if before.is_some() {
        return Err(Error::Text("ERR A client can only redirect to a single other client"));
    }
    let all = cx.conns.iter().chain(core::iter::once(&*cx.conn));
    let found = all.map(|conn| conn.id).find(|conn| conn.id as i64 == id);
    found.ok_or(Error::Text("ERR The client ID you want redirect to does not exist"))
}

fn mode(words: &mut Words<'_>) -> Result<Modes, Error> {
    let modes = [
        ("bcast", Modes::BCAST),
        ("optin", Modes::OPTIN),
        ("optout", Modes::OPTOUT),
        ("noloop", Modes::NOLOOP),
    ];
    let found = modes.into_iter().find(|(word, _)| words.is(word));
    found.map(|(_, mode)| mode).ok_or(Error::Syntax)
}

fn turn_on<O: Observer>(cx: &mut Cx<'_, O>, mut asked: Tracker) -> Result<(), Error> {
    let has = |mode| asked.modes.contains(mode);
    if !asked.prefixes.is_empty() && !has(Modes::BCAST) {
        return Err(Error::Text("ERR PREFIX option requires BCAST mode to be enabled"));
    }
    let old = cx.conn.tracker.as_deref();
    let old_modes = old.map_or(asked.modes, |old| old.modes);
    if old_modes.contains(Modes::BCAST) != has(Modes::BCAST) {
        return Err(Error::Text(
            "ERR You can't switch BCAST mode on/off before disabling tracking for this client, and \
             then re-enabling it with a different mode.",
        ));
    }
    if has(Modes::BCAST) && asked.modes.intersects(Modes::OPTIN | Modes::OPTOUT) {
        return Err(Error::Text("ERR OPTIN and OPTOUT are not compatible with BCAST"));
    }
    if has(Modes::OPTIN) && has(Modes::OPTOUT) {
        return Err(Error::Text("ERR You can't specify both OPTIN mode and OPTOUT mode"));
    }
    if has(Modes::OPTIN) && old_modes.contains(Modes::OPTOUT)
        || has(Modes::OPTOUT) && old_modes.contains(Modes::OPTIN)
    {
        return Err(Error::Text(
            "ERR You can't switch OPTIN/OPTOUT mode before disabling tracking for this client, and \
             then re-enabling it with a different mode.",
        ));
    }
    if has(Modes::BCAST) {
        let known = old.map(|old| old.prefixes.as_slice()).unwrap_or_default();
        check_prefixes(known, &asked.prefixes)?;
        if asked.prefixes.is_empty() && known.is_empty() {
            asked.prefixes.push(Box::default());
        }
        asked.prefixes.extend(known.iter().cloned());
        asked.prefixes.sort_unstable();
    }
    asked.caching = old.is_some_and(|old| old.caching);
    cx.state.tracking.begin(cx.conn, asked);
    Ok(())
}

/// The most prefixes of one client.
const PREFIXES_LIMIT: usize = 1000;

/// No prefix of a client may begin with another one: it would hear of a key twice.
fn check_prefixes(known: &[Box<[u8]>], new: &[Box<[u8]>]) -> Result<(), Error> {
    if known.len() + new.len() > PREFIXES_LIMIT {
        return Err(Error::Text("ERR a client can't track more than 1000 prefixes"));
    }
    let overlap = |a: &[u8], b: &[u8]| a.starts_with(b) || b.starts_with(a);
    let refuse = |a: &[u8], which: &str, b: &[u8]| {
        let (a, b) = (String::from_utf8_lossy(a), String::from_utf8_lossy(b));
        Err(Error::Owned(format!(
            "ERR Prefix '{a}' overlaps with {which} prefix '{b}'. Prefixes for a single client must \
             not overlap."
        )))
    };
    for (i, prefix) in new.iter().enumerate() {
        if let Some(other) = known.iter().find(|other| overlap(prefix, other)) {
            return refuse(prefix, "an existing", other);
        }
        if let Some(other) = new[i + 1..].iter().find(|other| overlap(prefix, other)) {
            return refuse(prefix, "another provided", other);
        }
    }
    Ok(())
}

pub(super) fn caching<O: Observer>(cx: &mut Cx<'_, O>) -> Outcome {
    let word = cx.args.at(2);
    let tracker = cx.conn.tracker.as_mut().ok_or(Error::Text(
        "ERR CLIENT CACHING can be called only when the client is in tracking mode with OPTIN or \
         OPTOUT mode enabled",
    ))?;
    if is_word(word, "yes") {
        if !tracker.modes.contains(Modes::OPTIN) {
            return Err(Error::Text(
                "ERR CLIENT CACHING YES is only valid when tracking is enabled in OPTIN mode.",
            ));
        }
    } else if is_word(word, "no") {
        if !tracker.modes.contains(Modes::OPTOUT) {
            return Err(Error::Text(
                "ERR CLIENT CACHING NO is only valid when tracking is enabled in OPTOUT mode.",
            ));
        }
    } else {
        return Err(Error::Syntax);
    }
    tracker.caching = true;
    cx.out().ok();
    Ok(Flow::Done)
}

/// -1: it doesn't track; 0: it is told itself; else the client that is told.
pub(super) fn redirection(conn: &Connection) -> i64 {
    match &conn.tracker {
        None => -1,
        Some(tracker) => tracker.redirect.map_or(0, |to| to.id as i64),
    }
}

pub(super) fn getredir<O: Observer>(cx: &mut Cx<'_, O>) -> Outcome {
    let id = redirection(cx.conn);
    cx.out().integer(id);
    Ok(Flow::Done)
}

pub(super) fn trackinginfo<O: Observer>(cx: &mut Cx<'_, O>) -> Outcome {
    let redirect = redirection(cx.conn);
    let tracker = cx.conn.tracker.as_deref().cloned();
    let out = cx.out();
    out.map(3);
    out.bulk(b"flags");
    let flags = flags(tracker.as_ref());
    out.set(flags.len());
    flags.iter().for_each(|flag| out.bulk(flag.as_bytes()));
    out.bulk(b"redirect");
    out.integer(redirect);
    out.bulk(b"prefixes");
    let prefixes = tracker.map(|tracker| tracker.prefixes).unwrap_or_default();
    out.array(prefixes.len());
    prefixes.iter().for_each(|prefix| out.bulk(prefix));
    Ok(Flow::Done)
}

fn flags(tracker: Option<&Tracker>) -> Vec<&'static str> {
    let Some(tracker) = tracker else { return alloc::vec!["off"] };
    let has = |mode| tracker.modes.contains(mode);
    let flags = [
        (true, "on"),
        (has(Modes::BCAST), "bcast"),
        (has(Modes::OPTIN), "optin"),
        (has(Modes::OPTIN) && tracker.caching, "caching-yes"),
        (has(Modes::OPTOUT), "optout"),
        (has(Modes::OPTOUT) && tracker.caching, "caching-no"),
        (has(Modes::NOLOOP), "noloop"),
        (tracker.broken, "broken_redirect"),
    ];
    flags.into_iter().filter(|(on, _)| *on).map(|(_, name)| name).collect()
}
