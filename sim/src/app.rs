//! The application instances: how a request uses the cache and the database.
//!
//! Each request is a state machine: what arrived goes in, what to do next comes out. Instances are
//! stateless; what they know, the request carries. What must never be here: a connection, a link,
//! the truth about a row.

use crate::database::{Row, Statement};
use crate::event::{CacheTrouble, Failure, Operation, Outcome, RequestId};
use crate::scenario::{MAX_IN_FLIGHT, Pattern};
use crate::shop;
use cache_core::protocol::Value;
use std::collections::VecDeque;

/// What a request hears.
#[derive(Clone, Debug)]
pub(crate) enum Heard {
    /// Its user.
    Start,
    /// The cache's reply.
    Cache(Value),
    /// That the cache can't be used.
    NoCache(CacheTrouble),
    /// The database's rows.
    Rows(Vec<Row>),
    /// That the database is too busy.
    Refused,
}

/// What a request does next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Next {
    /// Ask the cache for the product.
    Get,
    /// Store the product in the cache.
    Set {
        /// As it is stored.
        payload: Vec<u8>,
    },
    /// Delete the product from the cache.
    Del,
    /// Ask the database.
    Query(Statement),
    /// Answer the user.
    Finish {
        /// How it ended.
        outcome: Outcome,
        /// What came from the cache and was shown.
        from_cache: Option<Vec<u8>>,
    },
}

/// What a request waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    New,
    /// The reply to GET.
    Get,
    /// The row, and whether it is to be stored in the cache then.
    Load {
        fill: bool,
    },
    /// The database to have written.
    Update,
    /// The cache to have stored or deleted, whatever it says: the answer is known.
    Settle(Outcome),
}

/// A request in flight.
#[derive(Clone, Debug)]
pub(crate) struct Request {
    pub(crate) app: u32,
    pub(crate) product: u32,
    pub(crate) operation: Operation,
    pub(crate) started_us: u64,
    pattern: Pattern,
    stage: Stage,
}

impl Request {
    /// The next step after what was heard.
    fn handle(&mut self, heard: Heard) -> Next {
        let (stage, next) = match (self.stage, heard) {
            (Stage::New, _) => self.start(),
            (Stage::Get, Heard::Cache(Value::Bulk(value))) => {
                return Next::Finish { outcome: Outcome::Hit, from_cache: Some(value) };
            }
            (Stage::Get, Heard::Cache(Value::Null)) => self.load(true),
            (Stage::Get, _) => self.load(false),
            (Stage::Load { fill }, Heard::Rows(rows)) => match rows.first() {
                None => return finish(Outcome::NoSuchRow),
                Some(row) if fill => store(row, Outcome::Miss),
                Some(_) => return finish(Outcome::Direct),
            },
            (Stage::Update, Heard::Rows(rows)) => match (rows.first(), self.pattern) {
                (None, _) => return finish(Outcome::NoSuchRow),
                (Some(row), Pattern::WriteThrough) => store(row, Outcome::Written),
                (Some(_), Pattern::LazyWithInvalidation) => {
                    (Stage::Settle(Outcome::Written), Next::Del)
                }
                (Some(_), _) => return finish(Outcome::Written),
            },
            (Stage::Load { .. } | Stage::Update, _) => {
                return finish(Outcome::Failed(Failure::DatabaseBusy));
            }
            (Stage::Settle(outcome), _) => return finish(outcome),
        };
        self.stage = stage;
        next
    }

    fn start(&self) -> (Stage, Next) {
        let id = self.product;
        match (self.operation, self.pattern) {
            (Operation::Write { price_cents }, _) => {
                (Stage::Update, Next::Query(Statement::UpdatePrice { id, price_cents }))
            }
            (Operation::Read, Pattern::NoCache) => self.load(false),
            (Operation::Read, _) => (Stage::Get, Next::Get),
        }
    }

    fn load(&self, fill: bool) -> (Stage, Next) {
        (Stage::Load { fill }, Next::Query(Statement::Select { id: self.product }))
    }
}

fn store(row: &Row, outcome: Outcome) -> (Stage, Next) {
    (Stage::Settle(outcome), Next::Set { payload: shop::payload(row) })
}

fn finish(outcome: Outcome) -> Next {
    Next::Finish { outcome, from_cache: None }
}

/// All instances, with their requests in flight.
#[derive(Clone, Debug)]
pub(crate) struct Apps {
    /// In the order in which they came, which is that of their ids.
    requests: VecDeque<(RequestId, Request)>,
    in_flight: Vec<u32>,
    last_request: RequestId,
    last_app: u32,
}

impl Apps {
    pub(crate) fn new(count: u32) -> Self {
        Apps {
            requests: VecDeque::new(),
            in_flight: vec![0; count as usize],
            last_request: 0,
            last_app: count - 1,
        }
    }

    /// The instance whose turn it is.
    pub(crate) fn balance(&mut self) -> u32 {
        self.last_app = (self.last_app + 1) % self.in_flight.len() as u32;
        self.last_app
    }

    /// Takes a request in and names it. `false`: the instance has too many and turns it away.
    pub(crate) fn admit(
        &mut self,
        now_us: u64,
        app: u32,
        product: u32,
        operation: Operation,
        pattern: Pattern,
    ) -> (RequestId, bool) {
        self.last_request += 1;
        let id = self.last_request;
        let in_flight = &mut self.in_flight[app as usize];
        if *in_flight >= MAX_IN_FLIGHT {
            return (id, false);
        }
        *in_flight += 1;
        let stage = Stage::New;
        let request = Request { app, product, operation, started_us: now_us, pattern, stage };
        self.requests.push_back((id, request));
        (id, true)
    }

    /// The request hears something; what it does next. `None`: it is over already.
    pub(crate) fn handle(&mut self, id: RequestId, heard: Heard) -> Option<(Next, &Request)> {
        let at = self.place(id)?;
        let request = &mut self.requests[at].1;
        let next = request.handle(heard);
        Some((next, request))
    }

    /// Forgets a request that was answered.
    pub(crate) fn retire(&mut self, id: RequestId) -> Option<Request> {
        let at = self.place(id)?;
        let (_, request) = self.requests.remove(at)?;
        self.in_flight[request.app as usize] -= 1;
        Some(request)
    }

    fn place(&self, id: RequestId) -> Option<usize> {
        self.requests.binary_search_by_key(&id, |(id, _)| *id).ok()
    }

    pub(crate) fn in_flight(&self, app: u32) -> u32 {
        self.in_flight.get(app as usize).copied().unwrap_or(0)
    }
}
