//! The node's files: a thread for each lane of jobs, and the way of a job there and back.
//!
//! Paths are relative to the working directory, which `dir` names. What must never be here: which file
//! is written when; a decision of any kind. A job that fails is answered with why, and the next one is
//! done.

mod work;

use cache_core::node::{FileEvent, FileJob, Lane};
use mio::Waker;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::{self, JoinHandle};
use std::time::Duration;
use work::Worker;

/// What a lane's thread has to say: of which job, and what has become of it.
type Answer = (u64, FileEvent);

/// The threads that do jobs.
#[derive(Debug)]
pub(crate) struct Disk {
    log: Sender<FileJob>,
    snapshots: Sender<FileJob>,
    answers: Receiver<Answer>,
    /// The job that is to be left undone; 0 is none.
    stop: Arc<AtomicU64>,
}

impl Disk {
    /// Starts the threads. They wake the event loop when there is an answer.
    pub(crate) fn start(waker: &Arc<Waker>) -> io::Result<Self> {
        let (answer, answers) = channel();
        let stop = Arc::new(AtomicU64::new(0));
        let lane = |name: &str| {
            let (jobs, asked) = channel();
            let back = Back { answers: answer.clone(), waker: Arc::clone(waker) };
            let worker = Worker::new(Arc::clone(&stop));
            spawn(name, worker, asked, back).map(|_| jobs)
        };
        let (log, snapshots) = (lane("log")?, lane("snapshots")?);
        Ok(Disk { log, snapshots, answers, stop })
    }

    /// Has a job done.
    pub(crate) fn give(&self, job: FileJob) {
        let lane = match job.lane {
            Lane::Log => &self.log,
            Lane::Snapshot => &self.snapshots,
        };
        // A thread ends with the process only.
        let _ = lane.send(job);
    }

    /// Lets a job be left undone, if it isn't done yet.
    pub(crate) fn stop(&self, job: u64) {
        self.stop.store(job, Ordering::Relaxed);
    }

    /// As [`answer`](Self::answer), and waits for it so long.
    pub(crate) fn wait_for_answer(&self, limit: Duration) -> Option<Answer> {
        self.answers.recv_timeout(limit).ok()
    }

    /// What has become of jobs since this was last asked.
    pub(crate) fn answer(&self) -> Option<Answer> {
        self.answers.try_recv().ok()
    }
}

/// The way back to the event loop.
#[derive(Debug)]
struct Back {
    answers: Sender<Answer>,
    waker: Arc<Waker>,
}

impl Back {
    fn say(&self, id: u64, event: FileEvent) {
        // Nobody listens any more when the process ends.
        if self.answers.send((id, event)).is_ok() {
            let _ = self.waker.wake();
        }
    }
}

fn spawn(
    name: &str,
    mut worker: Worker,
    jobs: Receiver<FileJob>,
    back: Back,
) -> io::Result<JoinHandle<()>> {
    thread::Builder::new().name(name.to_string()).spawn(move || {
        for FileJob { id, op, .. } in jobs {
            let event = worker.work(id, op, |saved| back.say(id, FileEvent::Progress(saved)));
            back.say(id, event);
        }
    })
}
