//! Requests on their way, slowed down so that an eye can follow.
//!
//! A message takes a fraction of a millisecond, of which nobody would see anything. So each request
//! is played after the event, its messages one after the other in the order in which they were
//! sent, each for as long as its link deserves. The order within a request and everything that a
//! mark says is the simulation's; only the pace is the page's.

use super::layout::Spot;
use larder_sim::event::MessageKind;
use larder_sim::{EventKind, Operation, Outcome, Place, RequestId};

/// Requests that are played at a time. What comes beyond is counted but not drawn.
const MAX_TRIPS: usize = 420;
/// Milliseconds for which a message to or from the cache, the database and the user travels.
const TO_CACHE: f64 = 560.0;
const TO_DATABASE: f64 = 820.0;
const TO_USER: f64 = 300.0;
/// Milliseconds for which the database is seen at work on a statement.
const AT_DATABASE: f64 = 420.0;

/// What a mark means: each has a shape and a colour of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mark {
    /// A question that has no answer yet.
    Ask,
    /// It was in the cache.
    Hit,
    /// It was not in the cache, and goes to the database.
    Miss,
    /// Rows, from the database.
    Rows,
    /// Something is changed.
    Write,
    /// A value put into the cache, or taken out of it.
    Store,
    /// Served from the cache, and not true any more.
    Stale,
    /// Done.
    Done,
    /// An error.
    Error,
}

/// A message on its way.
#[derive(Clone, Copy, Debug)]
pub(super) struct Mote {
    pub(super) from: Spot,
    pub(super) to: Spot,
    pub(super) mark: Mark,
    pub(super) start: f64,
    pub(super) end: f64,
}

/// One request's messages.
#[derive(Clone, Debug)]
struct Trip {
    request: RequestId,
    app: usize,
    cell: Option<usize>,
    motes: Vec<Mote>,
    /// When the last of its messages has arrived, by the scene's clock.
    free_at: f64,
    /// While the database is seen at work on it.
    at_work: Option<(f64, f64)>,
    done: bool,
}

/// All requests that are played.
#[derive(Clone, Debug, Default)]
pub(super) struct Trips {
    /// In the order of their numbers.
    trips: Vec<Trip>,
    /// Messages of the console.
    console: Vec<Mote>,
    console_free_at: f64,
}

impl Trips {
    /// Takes an event in and says when, by the scene's clock, it is to be seen.
    pub(super) fn take(&mut self, event: &EventKind, clock: f64, cells: &[u32]) -> f64 {
        match *event {
            EventKind::RequestStarted { request, app, product, operation } => {
                let cell = cells.iter().position(|&id| id == product);
                self.begin(request, app as usize, cell, operation, clock);
                clock
            }
            EventKind::MessageSent { request: Some(request), from, to, kind, .. } => {
                self.message(request, from, to, kind, clock)
            }
            EventKind::MessageSent { request: None, from, to, kind, .. } => {
                self.console_message(from, to, kind, clock)
            }
            EventKind::RowRead { request, .. }
            | EventKind::RowWritten { request: Some(request), .. } => self.work(request, clock),
            EventKind::StaleRead { request, .. } => self.stale(request, clock),
            EventKind::RequestDone { request, outcome, .. } => self.end(request, outcome, clock),
            ref other => match other.request() {
                Some(request) => self.seen_at(request, clock),
                None => clock.max(self.console_free_at.min(clock + TO_CACHE)),
            },
        }
    }

    fn find(&mut self, request: RequestId) -> Option<&mut Trip> {
        let at = self.trips.binary_search_by_key(&request, |trip| trip.request).ok()?;
        self.trips.get_mut(at)
    }

    fn begin(
        &mut self,
        request: RequestId,
        app: usize,
        cell: Option<usize>,
        operation: Operation,
        clock: f64,
    ) {
        if self.trips.len() >= MAX_TRIPS {
            return;
        }
        let mark = if matches!(operation, Operation::Read) { Mark::Ask } else { Mark::Write };
        let end = clock + TO_USER;
        let first = Mote { from: Spot::Users, to: Spot::App(app), mark, start: clock, end };
        let trip = Trip {
            request,
            app,
            cell,
            motes: vec![first],
            free_at: end,
            at_work: None,
            done: false,
        };
        self.trips.push(trip);
    }

    fn message(
        &mut self,
        request: RequestId,
        from: Place,
        to: Place,
        kind: MessageKind,
        clock: f64,
    ) -> f64 {
        let Some(trip) = self.find(request) else { return clock };
        let (from, to) = (spot(from, trip.cell), spot(to, trip.cell));
        let long = from == Spot::Database || to == Spot::Database;
        trip.go(from, to, mark_of(kind), if long { TO_DATABASE } else { TO_CACHE }, clock);
        trip.free_at
    }

    fn console_message(&mut self, from: Place, to: Place, kind: MessageKind, clock: f64) -> f64 {
        let start = clock.max(self.console_free_at);
        let end = start + TO_USER;
        self.console_free_at = end;
        let (from, to) = (spot(from, None), spot(to, None));
        self.console.push(Mote { from, to, mark: mark_of(kind), start, end });
        end
    }

    fn work(&mut self, request: RequestId, clock: f64) -> f64 {
        let Some(trip) = self.find(request) else { return clock };
        let from = trip.free_at.max(clock);
        trip.free_at = from + AT_DATABASE;
        trip.at_work = Some((from, trip.free_at));
        trip.free_at
    }

    /// What was found was not true: seen from the moment at which it left the cache.
    fn stale(&mut self, request: RequestId, clock: f64) -> f64 {
        let Some(trip) = self.find(request) else { return clock };
        for mote in trip.motes.iter_mut().filter(|mote| mote.mark == Mark::Hit) {
            mote.mark = Mark::Stale;
        }
        trip.free_at
    }

    fn end(&mut self, request: RequestId, outcome: Outcome, clock: f64) -> f64 {
        let Some(trip) = self.find(request) else { return clock };
        let mark = match outcome {
            Outcome::Hit => Mark::Hit,
            Outcome::Stale => Mark::Stale,
            Outcome::Miss | Outcome::Direct => Mark::Rows,
            Outcome::Written => Mark::Write,
            Outcome::NoSuchRow | Outcome::Failed(_) => Mark::Error,
        };
        // The user is answered at once, while the value may still be on its way into the cache.
        let start = trip.free_at.max(clock);
        let end = start + TO_USER;
        trip.motes.push(Mote { from: Spot::App(trip.app), to: Spot::Users, mark, start, end });
        trip.done = true;
        start
    }

    fn seen_at(&self, request: RequestId, clock: f64) -> f64 {
        self.trips
            .binary_search_by_key(&request, |trip| trip.request)
            .map_or(clock, |at| self.trips[at].free_at.max(clock))
    }

    /// Forgets what has arrived.
    pub(super) fn tidy(&mut self, clock: f64) {
        self.trips.retain_mut(|trip| {
            trip.motes.retain(|mote| mote.end > clock);
            !(trip.done && trip.motes.is_empty()) && trip.free_at + 20_000.0 > clock
        });
        self.console.retain(|mote| mote.end > clock);
    }

    /// Whether nothing is on its way.
    pub(super) fn is_empty(&self) -> bool {
        self.console.is_empty() && self.trips.iter().all(|trip| trip.motes.is_empty())
    }

    /// What is on its way at this moment.
    pub(super) fn flying(&self, clock: f64) -> impl Iterator<Item = &Mote> {
        let trips = self.trips.iter().flat_map(|trip| &trip.motes);
        trips.chain(&self.console).filter(move |mote| mote.start <= clock && clock < mote.end)
    }

    /// How many statements the database is seen at work on.
    pub(super) fn at_database(&self, clock: f64) -> usize {
        let at_work = self.trips.iter().filter_map(|trip| trip.at_work);
        at_work.filter(|&(from, to)| from <= clock && clock < to).count()
    }

    /// How many requests an application is seen at work on.
    pub(super) fn at_app(&self, app: usize, clock: f64) -> usize {
        let here = |trip: &&Trip| trip.app == app && trip.motes.iter().any(|m| m.end > clock);
        self.trips.iter().filter(here).count()
    }
}

impl Trip {
    fn go(&mut self, from: Spot, to: Spot, mark: Mark, lasts: f64, clock: f64) {
        let start = self.free_at.max(clock);
        self.free_at = start + lasts;
        self.motes.push(Mote { from, to, mark, start, end: self.free_at });
    }
}

fn spot(place: Place, cell: Option<usize>) -> Spot {
    match place {
        Place::App(app) => Spot::App(app as usize),
        Place::Cache => Spot::Cache(cell),
        Place::Database => Spot::Database,
        Place::Console => Spot::Console,
    }
}

fn mark_of(kind: MessageKind) -> Mark {
    match kind {
        MessageKind::Get | MessageKind::Command => Mark::Ask,
        MessageKind::Found => Mark::Hit,
        MessageKind::NotFound | MessageKind::Select => Mark::Miss,
        MessageKind::Rows => Mark::Rows,
        MessageKind::Update => Mark::Write,
        MessageKind::Set | MessageKind::Del => Mark::Store,
        MessageKind::Reply => Mark::Done,
        MessageKind::Error => Mark::Error,
    }
}
