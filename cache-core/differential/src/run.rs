//! Plays a story to both sides, step by step, and compares what every client is sent.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use cache_core::protocol::{Value, display, request};

use crate::client::{Client, values};
use crate::engine::{Engine, Heard};
use crate::normalise;
use crate::server::Server;
use crate::story::{self, DATABASES, EVERYONE, KEEPER, Step, TRACKER, WATCHER, Words};

/// How often the server is asked again when it has said less than we have.
const RETRIES: u32 = 40;

/// Where the two sides part.
#[derive(Clone, Debug)]
pub(crate) struct Difference {
    pub(crate) client: usize,
    /// The command whose replies differ, when there is one.
    pub(crate) command: Option<Words>,
    pub(crate) ours: String,
    pub(crate) theirs: String,
}

impl Difference {
    /// The command's name, or who was told something, by which one difference is taken for another.
    pub(crate) fn kind(&self) -> String {
        let told = || format!("what client {} was told", self.client + 1);
        self.command.as_ref().map_or_else(told, story::name)
    }
}

/// What a step has led to: what each client was sent by the server, shown as redis-cli does.
pub(crate) type Seen = Vec<(usize, Vec<String>)>;

pub(crate) struct Run<'a> {
    engine: Engine,
    server: &'a mut Server,
    clients: Vec<Client>,
    resp: &'static str,
    /// Who has said something last.
    speaker: usize,
    /// Whether what was seen is to be told.
    pub(crate) record: bool,
    /// Commands that were said.
    pub(crate) said: u64,
}

type Outcome = Result<Option<Difference>>;

impl<'a> Run<'a> {
    pub(crate) fn begin(server: &'a mut Server, resp: &'static str) -> Result<Self> {
        server.reset()?;
        let clients = (0..EVERYONE).map(|_| Client::default()).collect();
        let mut run = Run {
            engine: Engine::new()?,
            server,
            clients,
            resp,
            speaker: KEEPER,
            record: false,
            said: 0,
        };
        for client in 0..EVERYONE {
            run.greet(client)?;
        }
        Ok(run)
    }

    /// Logs a client in, sets its dialect, and lets those listen who do nothing else.
    fn greet(&mut self, client: usize) -> Result<()> {
        let words = |line: &str| line.split(' ').map(|word| word.as_bytes().to_vec()).collect();
        let mut commands: Vec<Words> =
            vec![words(&format!("HELLO {} AUTH default secret", self.resp))];
        match client {
            WATCHER => commands.push(words("PSUBSCRIBE __keyevent@*")),
            TRACKER if self.resp == "3" => commands.push(words("CLIENT TRACKING ON BCAST")),
            _ => {}
        }
        if let (Some(difference), _) = self.pass_on(client, &commands)? {
            bail!("a greeting is answered otherwise: {difference:?}");
        }
        Ok(())
    }

    pub(crate) fn blocked(&self, client: usize) -> bool {
        let client = &self.clients[client];
        client.waiting.len() > usize::from(client.told)
    }

    /// Plays a step.
    pub(crate) fn step(&mut self, step: &Step) -> Result<(Option<Difference>, Seen)> {
        match step {
            // Whose turn it is when a client goes on that was blocked, each server decides for itself.
            Step::Say { client, .. } if self.blocked(*client) => Ok((None, Vec::new())),
            Step::Say { client, commands } => self.say(*client, commands),
            Step::Wait(ms) => self.wait(*ms),
        }
    }

    fn say(&mut self, client: usize, commands: &[Words]) -> Result<(Option<Difference>, Seen)> {
        if commands.iter().any(|words| self.may_copy(client, words)) {
            let (difference, seen) = self.remove_outlived()?;
            if difference.is_some() {
                return Ok((difference, seen));
            }
        }
        self.pass_on(client, commands)
    }

    /// Whether a command copies a key, or may run one that does.
    fn may_copy(&self, client: usize, words: &Words) -> bool {
        let copies = |words: &Words| story::name(words) == "copy";
        let queued = || self.clients[client].queued.iter().flatten().any(copies);
        copies(words) || story::name(words) == "exec" && queued()
    }

    /// Removes hashes with fields whose time is over: Valkey leaves those out of a copy, which may then
    /// be a hash without any field, and one that stays.
    fn remove_outlived(&mut self) -> Result<(Option<Difference>, Seen)> {
        for db in 0..DATABASES {
            let mut outlived = vec![b"DEL".to_vec()];
            for key in self.keys(db)? {
                let Value::Integer(there) = self.ask(db, &[b"HLEN", &key])? else { continue };
                if !matches!(self.ask(db, &[b"HKEYS", &key])?, Value::Array(seen) if seen.len() as i64 == there)
                {
                    outlived.push(key);
                }
            }
            if outlived.len() > 1 {
                let select = vec![b"SELECT".to_vec(), db.to_string().into_bytes()];
                let (difference, _) = self.pass_on(KEEPER, &[select, outlived])?;
                if difference.is_some() {
                    return Ok((difference, Vec::new()));
                }
            }
        }
        Ok((None, Vec::new()))
    }

    fn pass_on(&mut self, client: usize, commands: &[Words]) -> Result<(Option<Difference>, Seen)> {
        let mut bytes = Vec::new();
        for words in commands {
            bytes.extend_from_slice(&request::encode(words));
        }
        self.said += commands.len() as u64;
        self.speaker = client;
        self.clients[client].waiting.extend(commands.iter().cloned());
        let engine = &mut self.engine;
        if catch_unwind(AssertUnwindSafe(|| engine.say(client, &bytes))).is_err() {
            return Ok((Some(self.panicked(client)), Vec::new()));
        }
        self.server.say(client, &bytes)?;
        self.compare()
    }

    fn panicked(&self, client: usize) -> Difference {
        let (ours, theirs) = ("the engine panics".to_owned(), String::new());
        Difference { client, command: None, ours, theirs }
    }

    /// Lets time pass. What has run out by then is looked at at once: each server finds it by
    /// itself at a time of its own.
    fn wait(&mut self, ms: u64) -> Result<(Option<Difference>, Seen)> {
        let looks = self.looks()?;
        self.server.wait(ms)?;
        let engine = &mut self.engine;
        if catch_unwind(AssertUnwindSafe(|| engine.wait(ms))).is_err() {
            return Ok((Some(self.panicked(KEEPER)), Vec::new()));
        }
        let (difference, mut seen) = self.compare()?;
        if difference.is_some() {
            return Ok((difference, seen));
        }
        let (difference, after) = self.say(KEEPER, &looks)?;
        seen.extend(after.into_iter().filter(|(client, _)| *client != KEEPER));
        Ok((difference, seen))
    }

    /// Commands that look at every key there is.
    fn looks(&mut self) -> Result<Vec<Words>> {
        let mut looks = Vec::new();
        for db in 0..DATABASES {
            let mut words = vec![b"EXISTS".to_vec()];
            words.extend(self.keys(db)?);
            if words.len() > 1 {
                looks.push(vec![b"SELECT".to_vec(), db.to_string().into_bytes()]);
                looks.push(words);
            }
        }
        Ok(looks)
    }

    /// The engine's keys.
    fn keys(&mut self, db: usize) -> Result<Vec<Vec<u8>>> {
        let Value::Array(keys) = self.ask(db, &[b"KEYS", b"*"])? else {
            bail!("KEYS gives no array")
        };
        let mut keys: Vec<Vec<u8>> = keys
            .into_iter()
            .filter_map(|key| if let Value::Bulk(key) = key { Some(key) } else { None })
            .collect();
        keys.sort();
        Ok(keys)
    }

    /// Asks the engine alone.
    fn ask(&mut self, db: usize, words: &[&[u8]]) -> Result<Value> {
        self.engine.say(KEEPER, &request::encode(["SELECT", &db.to_string()]));
        self.engine.say(KEEPER, &request::encode(words));
        let (bytes, _) = self.engine.heard(KEEPER);
        values(&bytes)?.0.pop().context("no reply")
    }

    /// Compares what all clients were sent since the last time.
    fn compare(&mut self) -> Result<(Option<Difference>, Seen)> {
        let mut seen = Vec::new();
        self.server.barrier()?;
        for client in 0..EVERYONE {
            let ours = self.engine.heard(client);
            let theirs = self.hear(client, &ours)?;
            if ours.0.is_empty() && theirs.0.is_empty() && !ours.1 && !theirs.1 {
                continue;
            }
            let (mut their_values, _) = values(&theirs.0)?;
            if self.record {
                let mut shown: Vec<String> = their_values.iter().map(display::show).collect();
                shown.extend(theirs.1.then(|| "(closed)".to_owned()));
                seen.push((client, shown));
            }
            let difference = if ours.0 == theirs.0 {
                self.clients[client].compare(client, &their_values, None)
            } else {
                let mut our_values = values(&ours.0)?.0;
                for values in [&mut our_values, &mut their_values] {
                    normalise::leave_out_sums(values);
                    normalise::order_messages(values);
                    if client == TRACKER {
                        normalise::join_invalidations(values);
                    }
                    // Of one that was blocked, and of one who wakes it, each lets its own go on first.
                    if client != self.speaker {
                        normalise::part_invalidations(values);
                    }
                }
                self.clients[client].compare(client, &our_values, Some(&their_values))
            };
            if let Some(difference) = difference {
                return Ok((Some(difference), seen));
            }
            if ours.1 != theirs.1 {
                let text = |closed| if closed { "closed" } else { "not closed" }.to_owned();
                let command = self.clients[client].waiting.front().cloned();
                let (ours, theirs) = (text(ours.1), text(theirs.1));
                return Ok((Some(Difference { client, command, ours, theirs }), seen));
            }
            if ours.1 {
                self.engine.reconnect(client)?;
                self.server.reconnect(client)?;
                self.clients[client] = Client::default();
                self.greet(client)?;
            }
        }
        Ok((None, seen))
    }

    /// What the server sent to a client: at least as many replies as the engine did, unless it
    /// really has no more to say.
    fn hear(&mut self, client: usize, ours: &Heard) -> Result<Heard> {
        let mut theirs = (Vec::new(), false);
        self.server.heard(client, &mut theirs)?;
        if theirs.0 == ours.0 && theirs.1 == ours.1 {
            return Ok(theirs);
        }
        let (mut wanted, _) = values(&ours.0)?;
        if client == TRACKER {
            normalise::join_invalidations(&mut wanted);
        }
        for retry in 0..RETRIES {
            let (mut values, rest) = values(&theirs.0)?;
            let enough = if client == TRACKER {
                normalise::join_invalidations(&mut values);
                values == wanted
            } else {
                values.len() >= wanted.len()
            };
            if rest == 0 && enough && (theirs.1 || !ours.1) {
                break;
            }
            if retry > 2 {
                thread::sleep(Duration::from_millis(u64::from(retry)));
            }
            self.server.barrier()?;
            self.server.heard(client, &mut theirs)?;
        }
        Ok(theirs)
    }

    /// Compares all data, and the engine's with what its effects give; then once more, after what the
    /// server saves has been loaded and saved by Larder and loaded by the server.
    pub(crate) fn check_state(&mut self) -> Outcome {
        let difference = self.check_data()?;
        if difference.is_some() {
            return Ok(difference);
        }
        // Valkey leaves them out of what it loads.
        if let (Some(difference), _) = self.remove_outlived()? {
            return Ok(Some(difference));
        }
        if let Some(wrong) = self.engine.replay()? {
            let effects = String::from_utf8_lossy(self.engine.effects()).into_owned();
            let ours = wrong.to_owned();
            return Ok(Some(Difference { client: KEEPER, command: None, ours, theirs: effects }));
        }
        match self.engine.pass_on(&self.server.save()?)? {
            Ok(snapshot) => self.server.reload(&snapshot)?,
            Err(ours) => {
                let theirs = "this is what the server saved".to_owned();
                return Ok(Some(Difference { client: KEEPER, command: None, ours, theirs }));
            }
        }
        self.check_data()
    }

    fn check_data(&mut self) -> Outcome {
        for db in 0..DATABASES {
            let keys = self.keys(db)?;
            let mut commands = vec![
                vec![b"SELECT".to_vec(), db.to_string().into_bytes()],
                vec![b"KEYS".to_vec(), b"*".to_vec()],
                vec![b"DBSIZE".to_vec()],
            ];
            for key in keys {
                let kind = self.ask(db, &[b"TYPE", &key])?;
                let all: &[&[&[u8]]] = match kind.as_text() {
                    Some("string") => &[&[b"GET"]],
                    Some("hash") => &[&[b"HGETALL"]],
                    Some("list") => &[&[b"LRANGE", b"0", b"-1"]],
                    Some("set") => &[&[b"SMEMBERS"]],
                    Some("zset") => &[&[b"ZRANGE", b"0", b"-1", b"WITHSCORES"]],
                    Some("stream") => &[
                        &[b"XRANGE", b"-", b"+"],
                        &[b"XINFO", b"STREAM"],
                        &[b"XINFO", b"STREAM", b"FULL", b"COUNT", b"0"],
                    ],
                    _ => &[],
                };
                for words in [&[b"TYPE" as &[u8]] as &[&[u8]], &[b"PEXPIRETIME"]].iter().chain(all)
                {
                    // The key stands behind the name; XINFO's behind its second word.
                    let at = if words[0] == b"XINFO" { 2 } else { 1 };
                    let mut words: Words = words.iter().map(|w| w.to_vec()).collect();
                    words.insert(at, key.clone());
                    commands.push(words);
                }
            }
            let (difference, _) = self.say(KEEPER, &commands)?;
            if difference.is_some() {
                return Ok(difference);
            }
        }
        Ok(None)
    }
}
