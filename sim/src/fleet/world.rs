//! What all parts of a fleet share: the clock, the queue of what is to happen, and the record of what has.
//!
//! What must never be here: a part's state.

use super::network::{Machine, Parcel, WireId};
use super::record::{Note, Record};
use crate::queue::Queue;

/// Something that is to happen.
#[derive(Clone, Debug)]
pub(crate) enum Step {
    /// A piece that this end of a connection sent reaches the other one.
    Arrive {
        wire: WireId,
        end: usize,
        parcel: Parcel,
    },
    /// What this end sent and a partition held goes on.
    Release {
        wire: WireId,
        end: usize,
    },
    /// What this end was not ready for comes.
    Resume {
        wire: WireId,
        end: usize,
    },
    /// This end learns that the connection is broken.
    Broken {
        wire: WireId,
        end: usize,
    },
    /// A machine is asked for a connection.
    Knock(Call),
    /// Who asked for a connection hears what became of it.
    Answer(Call, Result<WireId, &'static str>),
    /// A node begins a turn, unless its plans have changed since; and its turn is over.
    Turn {
        host: Machine,
        plan: u64,
    },
    TurnEnd {
        host: Machine,
        plan: u64,
    },
    /// A disk is done with a part of a job.
    Disk {
        host: Machine,
        boot: u32,
        lane: usize,
    },
    /// A machine starts its node.
    Up {
        host: Machine,
        boot: u32,
    },
    /// A client looks what to do next.
    Go {
        client: Machine,
    },
    /// The next fault comes, and one ends.
    Fault,
    Relief(u64),
}

/// A wish for a connection.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Call {
    pub(crate) from: Machine,
    pub(crate) to: Machine,
    /// Which start of the caller it was.
    pub(crate) boot: u32,
    /// Which of its calls.
    pub(crate) dial: u32,
    pub(crate) since_us: u64,
}

#[derive(Clone, Debug)]
pub(crate) struct World {
    pub(crate) now_us: u64,
    pub(crate) queue: Queue<Step>,
    pub(crate) record: Record,
}

impl World {
    pub(crate) fn new() -> Self {
        World { now_us: 0, queue: Queue::new(), record: Record::default() }
    }

    pub(crate) fn tell(&mut self, note: &Note) {
        self.record.note(self.now_us, note);
    }

    pub(crate) fn plan_in(&mut self, after_us: u64, step: Step) {
        self.queue.plan(self.now_us.saturating_add(after_us), step);
    }
}
