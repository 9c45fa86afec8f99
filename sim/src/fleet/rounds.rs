//! A whole run: rounds of load and faults, each followed by calm, in which all nodes must come to agree.
//!
//! What must never be here: how anything fails.

use super::client::{self, key_name, pair_names};
use super::faults::KINDS;
use super::plan::{Plan, Plant};
use super::record::Note;
use super::world::Step;
use super::{Fleet, Line};
use std::fmt;

/// In calm all nodes agree after this at the latest, in microseconds.
const CALM_US: u64 = 180_000_000;
/// How often nodes are compared meanwhile.
const LOOK_US: u64 = 100_000;

/// What came of a run.
#[derive(Clone, Debug)]
pub struct Report {
    /// From which all of it comes.
    pub seed: u64,
    /// What the fleet is made of, in a few words.
    pub what: String,
    /// How long it lasted, in simulated microseconds.
    pub simulated_us: u64,
    /// Steps of the simulation.
    pub steps: u64,
    /// Commands that all nodes ran.
    pub commands: u64,
    /// Replies that clients heard, how many of them were errors, and writes that were acknowledged.
    pub answered: u64,
    /// See [`answered`](Self::answered).
    pub errors: u64,
    /// See [`answered`](Self::answered).
    pub acknowledged: u64,
    /// What was asked of registers, and was judged.
    pub judged: u64,
    /// How often a replica was found at a place where the primary had been, and compared.
    pub compared: u64,
    /// How often each kind of fault came.
    pub faults: Vec<(&'static str, u64)>,
    /// A digest of everything that happened.
    pub digest: u64,
    /// What can't be, if anything.
    pub wrong: Option<String>,
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let faults: u64 = self.faults.iter().map(|(_, count)| count).sum();
        write!(
            f,
            "seed {}: {}: {}.{} s, {} steps, {} commands, {} replies ({} errors, {} writes), \
             {} judged, {} compared, {faults} faults, trace {:016x}",
            self.seed,
            self.what,
            self.simulated_us / 1_000_000,
            self.simulated_us / 100_000 % 10,
            self.steps,
            self.commands,
            self.answered,
            self.errors,
            self.acknowledged,
            self.judged,
            self.compared,
            self.digest
        )?;
        self.wrong.as_ref().map_or(Ok(()), |wrong| write!(f, "\nWRONG: {wrong}"))
    }
}

/// Plays a seed to its end, or to the first thing that can't be. `tell` gets each line of the trace, if
/// it is wanted.
pub fn play(seed: u64, plant: Plant, mut tell: Option<&mut dyn FnMut(&str)>) -> Report {
    let plan = Plan::of(seed, plant);
    let mut fleet = Fleet::new(plan, seed);
    if tell.is_some() {
        fleet.world.record.keep_lines();
    }
    let mut pass_on = |fleet: &mut Fleet| {
        if let Some(tell) = &mut tell {
            fleet.world.record.take_lines().iter().for_each(|line| tell(line));
        }
    };
    for round in 0..fleet.plan.rounds {
        fleet.load(round, &mut pass_on);
        fleet.calm(&mut pass_on);
        if fleet.wrong.is_some() {
            break;
        }
    }
    pass_on(&mut fleet);
    fleet.report(seed)
}

impl Fleet {
    fn load(&mut self, round: u32, pass_on: &mut dyn FnMut(&mut Fleet)) {
        self.world.tell(&Note::Phase { what: format!("round {}: load and faults", round + 1) });
        self.is_loaded = true;
        let pause_us = self.faults.pause_us(&self.plan);
        self.world.plan_in(pause_us, Step::Fault);
        let until_us = self.world.now_us + self.plan.round_us;
        while self.world.now_us < until_us && self.wrong.is_none() {
            self.advance_to((self.world.now_us + LOOK_US).min(until_us));
            pass_on(self);
        }
    }

    /// Everything is well again: all that clients wait for comes, and all nodes agree.
    fn calm(&mut self, pass_on: &mut dyn FnMut(&mut Fleet)) {
        if self.wrong.is_some() {
            return;
        }
        self.world.tell(&Note::Phase { what: String::from("calm") });
        self.is_loaded = false;
        self.heal();
        let until_us = self.world.now_us + CALM_US;
        loop {
            self.advance_to(self.world.now_us + LOOK_US);
            pass_on(self);
            if self.wrong.is_some() {
                return;
            }
            let Some(differ) = self.difference() else { break };
            if self.world.now_us >= until_us {
                self.wrong = Some(format!("after {} s of calm {differ}", CALM_US / 1_000_000));
                return;
            }
        }
        self.look_at_all();
        self.wrong = self.wrong.take().or(self.history.check().err());
    }

    /// What is not as it must come to be, if anything.
    fn difference(&mut self) -> Option<String> {
        if self.clients.iter().any(|client| client.is_waiting() && client.line != Line::Idle) {
            return Some(String::from("a client still waits for a reply"));
        }
        self.disagreement()
    }

    /// What each node holds now is as good as read by a client.
    fn look_at_all(&mut self) {
        for at in 0..self.hosts.len() {
            let host = &self.hosts[at];
            let Some(process) = &host.process else { continue };
            let (offset, digest) =
                (process.node.place().map_or(0, |(_, offset)| offset), process.node.digest());
            let who = (host.id, host.boot);
            let mut found = Vec::new();
            let all: Vec<(&[u8], Option<&[u8]>)> =
                process.node.keyspace().iter(0).map(|e| (e.key(), e.as_string())).collect();
            let value = |name: &str| {
                all.iter().find(|(key, _)| *key == name.as_bytes()).and_then(|(_, value)| *value)
            };
            for key in 0..client::REGISTERS + client::PAIRS {
                if !client::is_pair(key) {
                    found.push((key, value(&key_name(key)).map(<[u8]>::to_vec)));
                    continue;
                }
                let [a, b] = pair_names(key);
                if value(&a) != value(&b) {
                    self.wrong = Some(format!("node {}: half a write is there: {a}, {b}", host.id));
                }
                found.push((key, value(&a).map(<[u8]>::to_vec)));
            }
            let now_us = self.world.now_us;
            self.world.tell(&Note::Seen { host: host.id, offset, digest });
            for (key, value) in found {
                let read = self.history.read((now_us, now_us), key, who, value.as_deref());
                self.wrong = self.wrong.take().or(read.err());
            }
        }
    }

    fn report(&self, seed: u64) -> Report {
        let sum = |get: fn(&super::Client) -> u64| self.clients.iter().map(get).sum();
        Report {
            seed,
            what: self.plan.to_string(),
            simulated_us: self.world.now_us,
            steps: self.steps,
            commands: self.hosts.iter().map(|host| host.commands).sum(),
            answered: sum(|client| client.answered),
            errors: sum(|client| client.errors),
            acknowledged: sum(|client| client.acknowledged),
            judged: self.history.len() as u64,
            compared: self.moments.compared,
            faults: KINDS.into_iter().zip(self.faults.counts).collect(),
            digest: self.world.record.digest(),
            wrong: self.wrong.clone(),
        }
    }
}
