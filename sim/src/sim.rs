//! The run itself: time goes on, and inputs come.
//!
//! What may be looked at stands in `view`. What must never be here: what happens at a step.

use crate::event::Event;
use crate::input::{Input, MAX_INPUT_BYTES, MAX_INPUTS, Recording, Refused, TimedInput};
use crate::run::Deployment;
use crate::scenario::Scenario;
use std::collections::VecDeque;

/// The clock stops here: after ten years.
pub const MAX_TIME_US: u64 = 10 * 365 * 24 * 3600 * 1_000_000;

/// How far [`Sim::advance_to`] came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub enum Advance {
    /// The wanted moment is reached.
    Reached,
    /// The budget is used up before it: look, draw, and call again.
    BudgetSpent,
}

/// A run.
///
/// # Use
///
/// ```
/// use larder_sim::{Advance, Input, Scenario, Sim};
///
/// let mut sim = Sim::new(Scenario::default(), 7);
/// sim.input(Input::ReadOnce { app: None, product: 1 })?;
/// assert_eq!(sim.advance_to(1_000_000, 10_000), Advance::Reached);
/// for event in sim.drain_events() {
///     println!("{event}");
/// }
/// # Ok::<(), larder_sim::Refused>(())
/// ```
#[derive(Clone, Debug)]
pub struct Sim {
    seed: u64,
    scenario: Scenario,
    all: Deployment,
    steps: u64,
    inputs: Vec<TimedInput>,
    input_bytes: u64,
    /// Recorded inputs whose moment is still to come.
    script: VecDeque<TimedInput>,
}

impl Sim {
    /// A run at its start. Numbers of the scenario that are out of bounds are brought inside.
    pub fn new(scenario: Scenario, seed: u64) -> Self {
        let scenario = scenario.bounded();
        Sim {
            all: Deployment::new(&scenario, seed),
            seed,
            scenario,
            steps: 0,
            inputs: Vec::new(),
            input_bytes: 0,
            script: VecDeque::new(),
        }
    }

    /// A recorded run at its start: as time goes on, its inputs come as they came then.
    pub fn replay(recording: Recording) -> Self {
        let mut sim = Sim::new(recording.scenario, recording.seed);
        sim.script = recording.inputs.into();
        sim
    }

    /// The clock: microseconds since the start.
    pub fn now_us(&self) -> u64 {
        self.all.world.now_us
    }

    /// Lets time go on to `until_us`, in at most `budget` steps (a step is one thing that happens
    /// to one actor and makes a handful of events at the most). Does nothing when the clock is past
    /// it already. The outcome does not depend on how time is cut into calls.
    pub fn advance_to(&mut self, until_us: u64, budget: u32) -> Advance {
        let until_us = until_us.min(MAX_TIME_US);
        for _ in 0..budget {
            if self.script_is_due(until_us) {
                self.play_script();
            } else if let Some((at_us, step)) = self.all.world.queue.next_until(until_us) {
                self.all.world.now_us = at_us;
                self.steps += 1;
                self.all.handle(step);
            } else {
                self.all.world.now_us = self.now_us().max(until_us);
                return Advance::Reached;
            }
        }
        if self.next_step_at_us().is_some_and(|at_us| at_us <= until_us) {
            return Advance::BudgetSpent;
        }
        self.all.world.now_us = self.now_us().max(until_us);
        Advance::Reached
    }

    /// When the next thing happens, for stepping through a run. `None`: nothing will without an
    /// input.
    pub fn next_step_at_us(&self) -> Option<u64> {
        let scripted = self.script.front().map(|input| input.at_us.max(self.now_us()));
        self.all.world.queue.next_at().into_iter().chain(scripted).min()
    }

    /// Whether the next recorded input comes before the next step.
    fn script_is_due(&self, until_us: u64) -> bool {
        let Some(input) = self.script.front() else { return false };
        let next_at = self.all.world.queue.next_at();
        input.at_us <= until_us
            && (self.steps >= input.step || next_at.is_none_or(|at_us| at_us > input.at_us))
    }

    fn play_script(&mut self) {
        let Some(TimedInput { at_us, input, .. }) = self.script.pop_front() else { return };
        let now_us = self.now_us();
        // What was recorded honestly is never after the next step.
        let next_us = self.all.world.queue.next_at().unwrap_or(u64::MAX);
        self.all.world.now_us = now_us.max(at_us.min(next_us));
        // What is refused now was not recorded by a run.
        let _ = self.take(input);
    }

    /// Does what a person does, now. A replay goes its own way from here on: what is left of its
    /// recorded inputs is dropped.
    ///
    /// # Errors
    /// The input is out of bounds; nothing has changed.
    pub fn input(&mut self, input: Input) -> Result<(), Refused> {
        self.take(input)?;
        self.script.clear();
        Ok(())
    }

    fn take(&mut self, input: Input) -> Result<(), Refused> {
        let bytes = input.check(self.scenario.apps, &self.all.database.table)?;
        self.input_bytes += u64::from(bytes);
        if self.inputs.len() >= MAX_INPUTS as usize || self.input_bytes > MAX_INPUT_BYTES {
            self.input_bytes -= u64::from(bytes);
            return Err(Refused::TooManyInputs);
        }
        self.all.apply(&input);
        self.inputs.push(TimedInput { at_us: self.now_us(), step: self.steps, input });
        Ok(())
    }

    /// What happened since the last call, in order. At most
    /// [`MAX_UNDRAINED`](crate::MAX_UNDRAINED) events are kept for it.
    pub fn drain_events(&mut self) -> Vec<Event> {
        self.all.world.recorder.drain()
    }

    /// Everything that decides this run so far.
    pub fn recording(&self) -> Recording {
        Recording { seed: self.seed, scenario: self.scenario.clone(), inputs: self.inputs.clone() }
    }

    pub(crate) fn all(&self) -> &Deployment {
        &self.all
    }

    /// What the run started from.
    pub fn scenario(&self) -> &Scenario {
        &self.scenario
    }

    /// The seed.
    pub fn seed(&self) -> u64 {
        self.seed
    }

    /// How many steps the run has made.
    pub fn steps(&self) -> u64 {
        self.steps
    }
}
