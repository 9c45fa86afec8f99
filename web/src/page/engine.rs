//! The run behind the page: the simulation, how fast its time goes, and what is remembered of it.
//!
//! Everything that the page shows comes out of here, and everything that a visitor does goes in as
//! an [`Input`]. What must never be here: the DOM, and an opinion about what the cache should do.

use super::figures::{Figures, Meter};
use super::journal::Journal;
use super::strip::sentence;
use crate::scene::{Scene, Sight};
use larder_sim::{
    Advance, Event, EventKind, Input, Pattern, Refused, RequestId, Row, Scenario, Sim, Traffic,
    shop,
};

/// Simulated microseconds in one frame at the most: a tab that slept must not try to catch up.
const MAX_FRAME_US: f64 = 1_000_000.0;
/// Steps of the simulation between two looks at the visitor's clock.
const STEPS: u32 = 400;
/// How far a paused run goes on so that what was asked by hand is answered.
const MAX_ANSWER_US: u64 = 2_000_000;
/// How far it goes on so that a command of the console is: one may block.
const MAX_REPLY_US: u64 = 20_000;
/// The seed of the page's run, which is the same for everyone.
pub(crate) const SEED: u64 = 7;

/// The run behind the page.
#[derive(Debug)]
pub(crate) struct Engine {
    pub(crate) sim: Sim,
    pub(crate) scene: Option<Scene>,
    pub(crate) paused: bool,
    /// Simulated time for each unit of the visitor's.
    pub(crate) speed: f64,
    /// What was reached of it lately, on average.
    reached: f64,
    pub(crate) chosen: u32,
    /// What a write does while the cache is on; kept while it is off.
    pub(crate) writes: Pattern,
    pub(crate) journal: Journal,
    /// Replies to the console that it has not shown yet.
    pub(crate) replies: Vec<String>,
    meter: Meter,
    sight: Sight,
    /// Time stands still, but what is on its way is still seen to arrive.
    settling: bool,
    /// The last sentence about what is going on, and what it was about.
    lead: ((u64, Pattern, bool), String),
    /// The figures when the cache was last switched off.
    before: Option<Figures>,
    /// Simulated microseconds that a frame left over.
    rest_us: f64,
}

impl Engine {
    pub(crate) fn new(seed: u64) -> Engine {
        let traffic = Traffic { running: true, write_permille: 20, ..Traffic::default() };
        let scenario = Scenario { traffic, ..Scenario::default() };
        Engine {
            sim: Sim::new(scenario, seed),
            scene: None,
            paused: false,
            speed: 1.0,
            reached: 1.0,
            chosen: 1,
            writes: Pattern::default(),
            journal: Journal::default(),
            replies: Vec::new(),
            meter: Meter::default(),
            sight: Sight::default(),
            settling: false,
            lead: Default::default(),
            before: None,
            rest_us: 0.0,
        }
    }

    /// Lets `ms` milliseconds of the visitor's time go by. When `late` says so before they have,
    /// the simulation is too slow for the wanted speed, and goes as fast as it can.
    pub(crate) fn pass(&mut self, ms: f64, late: impl Fn() -> bool) {
        if !self.paused && ms > 0.0 {
            let us = (ms * 1000.0 * self.speed + self.rest_us).min(MAX_FRAME_US);
            self.rest_us = us.fract();
            let from = self.sim.now_us();
            self.advance(from + us as u64, late);
            let reached = (self.sim.now_us() - from) as f64 / 1000.0 / ms;
            self.reached += (reached - self.reached) * 0.05;
        }
        let flow = if self.paused { 1.0 } else { self.speed.sqrt() };
        if let Some(scene) = &mut self.scene
            && (!self.paused || self.settling)
        {
            scene.pass(ms * flow);
            self.settling &= !scene.is_still();
        }
    }

    /// Whether the drawing changes from frame to frame.
    pub(crate) fn is_moving(&self) -> bool {
        !self.paused || self.settling
    }

    fn advance(&mut self, until_us: u64, late: impl Fn() -> bool) {
        while self.sim.advance_to(until_us, STEPS) == Advance::BudgetSpent && !late() {}
        self.drain();
    }

    /// The speed that is reached, when it is less than what is wanted.
    pub(crate) fn reached(&self) -> Option<f64> {
        (!self.paused && self.reached < self.speed * 0.8).then_some(self.reached)
    }

    fn drain(&mut self) -> Vec<Event> {
        let events = self.sim.drain_events();
        for event in &events {
            if let Some(scene) = &mut self.scene {
                scene.take(event);
            }
            self.meter.take(event);
            self.journal.take(event, self.sim.ttl_s());
            if let Some(value) = event.kind.console_value() {
                self.replies.push(cache_core::protocol::display::show(&value));
            }
        }
        self.meter.sample(&self.sim);
        events
    }

    /// Does what a visitor does. While time stands still it goes on until `answered`, so that one
    /// sees what one did.
    fn act(
        &mut self,
        input: Input,
        answered: impl Fn(&EventKind, RequestId) -> bool,
    ) -> Result<(), Refused> {
        self.drain();
        self.sim.input(input)?;
        let events = self.drain();
        let started = events.iter().rev().find_map(|event| match event.kind {
            EventKind::RequestStarted { request, .. } => Some(request),
            _ => None,
        });
        self.journal.watch(started);
        let request = started.unwrap_or(0);
        if self.paused && !events.iter().any(|e| answered(&e.kind, request)) {
            self.settling = true;
            self.run_until(MAX_ANSWER_US, |kind| answered(kind, request));
        }
        Ok(())
    }

    /// Lets the run go on until something has happened, but not for longer than `within_us`.
    fn run_until(&mut self, within_us: u64, happened: impl Fn(&EventKind) -> bool) {
        let end = self.sim.now_us() + within_us;
        while let Some(next) = self.sim.next_step_at_us().filter(|&at| at <= end) {
            while self.sim.advance_to(next, STEPS) == Advance::BudgetSpent {}
            if self.drain().iter().any(|event| happened(&event.kind)) {
                return;
            }
        }
    }

    /// Goes on to the end of the next request, and stands still.
    pub(crate) fn step(&mut self) {
        self.paused = true;
        self.settling = true;
        self.run_until(MAX_ANSWER_US, |kind| matches!(kind, EventKind::RequestDone { .. }));
    }

    pub(crate) fn set_speed(&mut self, speed: f64) {
        self.speed = speed;
        self.reached = speed;
    }

    pub(crate) fn set_paused(&mut self, paused: bool) {
        self.paused = paused;
        self.settling = false;
    }

    pub(crate) fn read(&mut self) -> Result<(), Refused> {
        self.act(Input::ReadOnce { app: None, product: self.chosen }, is_done)
    }

    /// Raises or lowers the chosen product's price a little, so that one sees the difference.
    pub(crate) fn write(&mut self) -> Result<(), Refused> {
        let price = self.row(self.chosen).map_or(1000, |row| row.price_cents);
        let price_cents = if price > 100_000 { price - 20 } else { price + 10 };
        self.act(Input::WriteOnce { app: None, product: self.chosen, price_cents }, is_done)
    }

    /// Sends a command from the console. Time goes on to the reply at once, less than a
    /// millisecond as a rule, so that it is printed before anything else is typed.
    pub(crate) fn command(&mut self, args: Vec<Vec<u8>>) -> Result<(), Refused> {
        self.drain();
        self.sim.input(Input::CacheCommand(args))?;
        self.settling |= self.paused;
        self.run_until(MAX_REPLY_US, |kind| {
            matches!(kind, EventKind::ConsoleReply { .. } | EventKind::ConsoleClosed)
        });
        Ok(())
    }

    /// Makes the simulation's rows those that are given: what a console of the database did.
    pub(crate) fn put_rows(&mut self, rows: &[Row]) -> Result<(), Refused> {
        let gone: Vec<u32> = self
            .sim
            .database_rows()
            .map(|row| row.id)
            .filter(|id| !rows.iter().any(|row| row.id == *id))
            .collect();
        for id in gone {
            self.sim.input(Input::RowDelete(id))?;
        }
        for row in rows {
            if self.row(row.id) != Some(row) {
                self.sim.input(Input::RowPut(row.clone()))?;
            }
        }
        self.drain();
        let products: Vec<u32> = self.sim.database_rows().map(|row| row.id).collect();
        if let Some(scene) = &mut self.scene {
            scene.set_products(&products);
        }
        Ok(())
    }

    pub(crate) fn set(&mut self, input: Input) {
        // Switches are always within bounds; the one way to be refused is a run that is too long.
        let _ = self.sim.input(input);
        self.drain();
    }

    pub(crate) fn set_pattern(&mut self, pattern: Pattern) {
        if pattern == Pattern::NoCache {
            self.before = Some(self.figures());
        }
        self.meter.forget_latencies();
        self.set(Input::SetPattern(pattern));
    }

    pub(crate) fn row(&self, id: u32) -> Option<&Row> {
        self.sim.database_rows().find(|row| row.id == id)
    }

    pub(crate) fn figures(&self) -> Figures {
        self.meter.figures(&self.sim)
    }

    /// What is going on, in a sentence. Anew once a simulated second and when the pattern changes:
    /// nobody reads a sentence that changes with every frame.
    pub(crate) fn lead(&mut self) -> String {
        let figures = self.figures();
        let now = (figures.now_us / 1_000_000, self.sim.pattern(), figures.hit_ms.is_some());
        if now != self.lead.0 || self.lead.1.is_empty() {
            self.lead = (now, sentence(&figures, self.sim.pattern(), self.before.as_ref()));
        }
        self.lead.1.clone()
    }

    /// Looks at what changes slowly enough to be looked at a few times a second.
    pub(crate) fn look(&mut self) {
        let figures = self.figures();
        let keys = self.sim.cache_keys();
        let held = |id| {
            let wanted = shop::key(id);
            keys.iter().position(|key| key.db == 0 && key.key == wanted)
        };
        let mut is_product = vec![false; keys.len()];
        let mut differing = Vec::new();
        for row in self.sim.database_rows() {
            let Some(at) = held(row.id) else { continue };
            is_product[at] = true;
            if keys[at].value.as_deref() != Some(&shop::payload(row)) {
                differing.push(row.id);
            }
        }
        let others = keys.iter().zip(&is_product).filter(|&(_, &is_product)| !is_product);
        self.sight = Sight {
            keys: keys.len(),
            bytes: self.sim.node().keyspace().used_bytes(),
            others: others.map(|(key, _)| String::from_utf8_lossy(&key.key).into_owned()).collect(),
            differing,
            hit_ms: figures.hit_ms,
            miss_ms: figures.miss_ms,
            database_reads_per_s: figures.database_reads_per_s,
            ..Sight::default()
        };
    }

    /// Draws the moment.
    pub(crate) fn draw(&mut self) {
        let sight = &mut self.sight;
        sight.now_us = self.sim.now_us();
        sight.cache_on = self.sim.pattern() != Pattern::NoCache;
        sight.cache_up = self.sim.cache_is_up();
        sight.load = Some(self.sim.database_load());
        sight.chosen = self.chosen;
        if let Some(scene) = &self.scene {
            scene.draw(sight);
        }
    }
}

fn is_done(kind: &EventKind, wanted: RequestId) -> bool {
    matches!(kind, EventKind::RequestDone { request, .. } if *request == wanted)
}
