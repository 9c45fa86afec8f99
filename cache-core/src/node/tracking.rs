//! Client-side caching (CLIENT TRACKING): who is told when a key has changed.
//!
//! A client that tracks keys keeps what it has read, until it hears that the key has changed. By
//! default the node remembers which keys a client has read; in broadcasting mode the client names the
//! beginnings of keys instead. Keys are meant without their database, as in Redis. What is to be told is
//! gathered while a command runs and sent behind it. What must never be here: a command's syntax.

use super::conn::{ConnId, Connection};
use super::post::Post;
use crate::hash::HashSeed;
use crate::keyspace::indexed::{Indexed, Keyed};
use crate::protocol::{Reply, Resp};
use crate::random::Random;
use alloc::boxed::Box;
use alloc::vec::Vec;
use bitflags::bitflags;

bitflags! {
    /// How a client tracks keys.
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
    pub(crate) struct Modes: u8 {
        const BCAST = 1;
        /// Only what is read behind CLIENT CACHING YES.
        const OPTIN = 1 << 1;
        /// Not what is read behind CLIENT CACHING NO.
        const OPTOUT = 1 << 2;
        /// Changes of its own aren't told.
        const NOLOOP = 1 << 3;
    }
}

/// What a connection tracks.
#[derive(Clone, Debug, Default)]
pub(crate) struct Tracker {
    pub(crate) modes: Modes,
    /// The client that is told in this one's place.
    pub(crate) redirect: Option<ConnId>,
    /// The client that was to be told is gone.
    pub(crate) broken: bool,
    /// CLIENT CACHING YES or NO was said for the next command.
    pub(crate) caching: bool,
    /// Sorted.
    pub(crate) prefixes: Vec<Box<[u8]>>,
}

#[derive(Clone, Debug)]
struct Tracked {
    key: Box<[u8]>,
    hash: u64,
    /// Who has read it; sorted.
    readers: Vec<ConnId>,
}

impl Keyed for Tracked {
    fn key(&self) -> &[u8] {
        &self.key
    }

    fn hash(&self) -> u64 {
        self.hash
    }
}

#[derive(Clone, Debug)]
struct Changed {
    key: Box<[u8]>,
    hash: u64,
    /// Who changed it last.
    by: Option<ConnId>,
}

impl Keyed for Changed {
    fn key(&self) -> &[u8] {
        &self.key
    }

    fn hash(&self) -> u64 {
        self.hash
    }
}

#[derive(Clone, Debug)]
struct Prefix {
    prefix: Box<[u8]>,
    /// In the order in which they came.
    clients: Vec<ConnId>,
    /// Keys that have changed since it was told.
    changed: Indexed<Changed>,
}

/// What is to be told.
#[derive(Clone, Debug)]
enum News {
    /// A key that a client has read has changed; `own`: by itself.
    Key { to: ConnId, key: Box<[u8]>, own: bool },
    /// All keys may have changed.
    All,
}

#[derive(Clone, Debug)]
pub(crate) struct Tracking {
    keys: Indexed<Tracked>,
    /// Readers of all keys.
    items: usize,
    /// Sorted.
    prefixes: Vec<Prefix>,
    /// Bytes of the longest prefix that there has been.
    longest: usize,
    clients: usize,
    news: Vec<News>,
    /// Some prefix has keys that have changed.
    broadcasts: bool,
    seed: HashSeed,
}

impl Tracking {
    pub(crate) fn new(seed: HashSeed) -> Self {
        Tracking {
            keys: Indexed::default(),
            items: 0,
            prefixes: Vec::new(),
            longest: 0,
            clients: 0,
            news: Vec::new(),
            broadcasts: false,
            seed,
        }
    }

    /// How many clients track.
    pub(crate) fn clients(&self) -> usize {
        self.clients
    }

    /// How many keys, readers of keys and prefixes are remembered.
    pub(crate) fn totals(&self) -> [usize; 3] {
        [self.keys.len(), self.items, self.prefixes.len()]
    }

    /// A connection tracks from now on, as its [`Tracker`] says, or goes on with more prefixes.
    pub(crate) fn begin(&mut self, conn: &mut Connection, tracker: Tracker) {
        self.clients += usize::from(conn.tracker.is_none());
        for prefix in &tracker.prefixes {
            self.longest = self.longest.max(prefix.len());
            let at = match self.prefixes.binary_search_by(|p| p.prefix.cmp(prefix)) {
                Ok(at) => at,
                Err(at) => {
                    let (prefix, clients) = (prefix.clone(), Vec::new());
                    let changed = Indexed::default();
                    self.prefixes.insert(at, Prefix { prefix, clients, changed });
                    at
                }
            };
            let clients = &mut self.prefixes[at].clients;
            if !clients.contains(&conn.id) {
                clients.push(conn.id);
            }
        }
        conn.tracker = Some(Box::new(tracker));
    }

    /// A connection tracks no more. Among the readers of keys it stays until they change.
    pub(crate) fn end(&mut self, conn: &mut Connection) {
        if let Some(tracker) = conn.tracker.take() {
            self.forget(conn.id, &tracker);
        }
    }

    /// Drops what a connection that is gone left behind.
    pub(super) fn forget(&mut self, id: ConnId, tracker: &Tracker) {
        self.clients -= 1;
        for prefix in &tracker.prefixes {
            let Ok(at) = self.prefixes.binary_search_by(|p| p.prefix.cmp(prefix)) else { continue };
            self.prefixes[at].clients.retain(|&client| client != id);
            if self.prefixes[at].clients.is_empty() {
                self.prefixes.remove(at);
            }
        }
    }

    /// A connection has read a key.
    pub(super) fn remember(&mut self, reader: ConnId, key: &[u8]) {
        let hash = self.seed.hash(key);
        let readers = match self.keys.get_mut(hash, key) {
            Some(tracked) => &mut tracked.readers,
            None => {
                let new = Tracked { key: key.into(), hash, readers: Vec::new() };
                &mut self.keys.push(new).readers
            }
        };
        self.items += usize::from(crate::sorted::insert(readers, reader));
    }

    /// Forgets keys chosen by chance, whose readers are told that they changed, until no more than
    /// `limit` are left (`tracking-table-max-keys`; 0 is no limit).
    pub(super) fn make_room(&mut self, limit: u64, random: &mut Random) {
        while limit > 0 && self.keys.len() as u64 > limit {
            let tracked = self.keys.remove_at(random.below(self.keys.len() as u64) as usize);
            self.tell_readers(tracked, None);
        }
    }

    /// A key has changed; `by` a client, or by time or want of memory.
    #[cfg_attr(not(target_arch = "wasm32"), inline(always))]
    pub(crate) fn touch(&mut self, key: &[u8], by: Option<ConnId>) {
        if self.clients > 0 {
            self.touch_tracked(key, by);
        }
    }

    #[cold]
    fn touch_tracked(&mut self, key: &[u8], by: Option<ConnId>) {
        let hash = self.seed.hash(key);
        let longest = self.longest;
        // Most prefixes are short, and there may be one for each client.
        for len in 0..=longest.min(key.len()) {
            let beginning = &key[..len];
            let found = self.prefixes.binary_search_by(|prefix| (*prefix.prefix).cmp(beginning));
            let Ok(at) = found else { continue };
            let prefix = &mut self.prefixes[at];
            self.broadcasts = true;
            match prefix.changed.get_mut(hash, key) {
                Some(changed) => changed.by = by,
                None => _ = prefix.changed.push(Changed { key: key.into(), hash, by }),
            }
        }
        if let Some(tracked) = self.keys.remove(hash, key) {
            self.tell_readers(tracked, by);
        }
    }

    fn tell_readers(&mut self, tracked: Tracked, by: Option<ConnId>) {
        let Tracked { key, readers, .. } = tracked;
        self.items -= readers.len();
        let news = |to| News::Key { to, key: key.clone(), own: by == Some(to) };
        self.news.extend(readers.into_iter().map(news));
    }

    /// All keys of a database, or of all, are gone.
    pub(crate) fn flush(&mut self) {
        if self.clients > 0 {
            self.keys = Indexed::default();
            self.items = 0;
            self.news.push(News::All);
        }
    }

    pub(super) fn has_news(&self) -> bool {
        self.broadcasts || !self.news.is_empty()
    }
}

impl Connection {
    /// Whether what its command reads is tracked.
    pub(super) fn tracks_reads(&self) -> bool {
        self.tracker.as_ref().is_some_and(|tracker| match tracker.modes {
            modes if modes.contains(Modes::BCAST) => false,
            modes if modes.contains(Modes::OPTIN) => tracker.caching,
            modes if modes.contains(Modes::OPTOUT) => !tracker.caching,
            _ => true,
        })
    }

    fn ignores_own_changes(&self) -> bool {
        self.tracker.as_ref().is_some_and(|tracker| tracker.modes.contains(Modes::NOLOOP))
    }
}

impl Post<'_> {
    /// Tells clients which of the keys that they track have changed.
    pub(super) fn tell_tracking(&mut self) {
        for news in core::mem::take(&mut self.state.tracking.news) {
            match news {
                News::Key { to, own, .. } if own && self.ignores_own(to) => {}
                News::Key { to, key, .. } => self.invalidate(to, Some(&[&key])),
                News::All => {
                    for to in self.trackers() {
                        self.invalidate(to, None);
                    }
                }
            }
        }
        if !core::mem::take(&mut self.state.tracking.broadcasts) {
            return;
        }
        for at in 0..self.state.tracking.prefixes.len() {
            let prefix = &mut self.state.tracking.prefixes[at];
            let changed = core::mem::take(&mut prefix.changed);
            if changed.len() > 0 {
                for to in prefix.clients.clone() {
                    self.broadcast(to, &changed);
                }
            }
        }
    }

    fn broadcast(&mut self, to: ConnId, changed: &Indexed<Changed>) {
        let ignores_own = self.ignores_own(to);
        let heard = changed.iter().filter(|changed| !ignores_own || changed.by != Some(to));
        let keys: Vec<&[u8]> = heard.map(|changed| &*changed.key).collect();
        if !keys.is_empty() {
            self.invalidate(to, Some(&keys));
        }
    }

    /// All connections that track keys, by their ids.
    fn trackers(&self) -> Vec<ConnId> {
        let all = self.conns.iter().chain(self.own.as_deref());
        let mut ids: Vec<ConnId> =
            all.filter(|conn| conn.tracker.is_some()).map(|conn| conn.id).collect();
        ids.sort_unstable_by_key(|id| id.id);
        ids
    }

    fn ignores_own(&self, id: ConnId) -> bool {
        self.get(id).is_some_and(Connection::ignores_own_changes)
    }

    /// Tells a client that keys (`None`: all) have changed, or the one to which it redirects that.
    fn invalidate(&mut self, to: ConnId, keys: Option<&[&[u8]]>) {
        let Some(tracker) = self.get(to).and_then(|conn| conn.tracker.as_ref()) else { return };
        let redirect = tracker.redirect;
        let Some(target) = self.get(redirect.unwrap_or(to)) else { return self.note_broken(to) };
        let (id, heard) = (target.id, target.listens());
        match target.out.reply.resp() {
            Resp::V3 => self.deliver(id, |out| {
                out.push(2);
                out.bulk(b"invalidate");
                write_keys(out, keys);
            }),
            // Without push messages only pub/sub can carry it.
            Resp::V2 if redirect.is_some() && heard => self.deliver(id, |out| {
                out.push(3);
                out.bulk(b"message");
                out.bulk(b"__redis__:invalidate");
                write_keys(out, keys);
            }),
            Resp::V2 => {}
        }
    }

    /// The client to which another one redirects what it tracks is gone.
    fn note_broken(&mut self, id: ConnId) {
        let Some(conn) = self.get_mut(id) else { return };
        let resp = conn.out.reply.resp();
        let Some(tracker) = conn.tracker.as_mut() else { return };
        tracker.broken = true;
        let gone = tracker.redirect.map_or(0, |gone| gone.id);
        if resp == Resp::V3 {
            self.deliver(id, |out| {
                out.push(2);
                out.bulk(b"tracking-redir-broken");
                out.integer(gone as i64);
            });
        }
    }
}

fn write_keys(out: &mut Reply, keys: Option<&[&[u8]]>) {
    match keys {
        None => out.null(),
        Some(keys) => {
            out.array(keys.len());
            keys.iter().for_each(|key| out.bulk(key));
        }
    }
}
