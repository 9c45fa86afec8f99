//! What happens at each step: it goes to the actor that it is for, and what the actor wants done
//! comes back here.
//!
//! What must never be here: an actor's own knowledge.

use crate::app::{Apps, Heard, Next};
use crate::cache::Cache;
use crate::checker::Checker;
use crate::client::{Delivered, Delivery};
use crate::database::{Admission, Database, Query, Row, Statement, Table};
use crate::event::{
    CacheTrouble, EventKind, Failure, MessageKind, Operation, Outcome, Place, RequestId,
};
use crate::input::Input;
use crate::queue::Queue;
use crate::random::{Purpose, Random};
use crate::scenario::{MAX_TTL_S, Pattern, Scenario};
use crate::shop;
use crate::trace::Recorder;
use crate::traffic::Source;
use crate::world::{Answer, Step, World};
use cache_core::protocol::{Value, request};
use std::fmt::Write as _;

/// All actors and what they share.
#[derive(Clone, Debug)]
pub(crate) struct Deployment {
    pub(crate) world: World,
    pub(crate) cache: Cache,
    pub(crate) apps: Apps,
    pub(crate) database: Database,
    pub(crate) traffic: Source,
    pub(crate) pattern: Pattern,
    pub(crate) ttl_s: u32,
    checker: Checker,
    scenario: Scenario,
}

impl Deployment {
    pub(crate) fn new(scenario: &Scenario, seed: u64) -> Self {
        let world = World {
            now_us: 0,
            queue: Queue::new(),
            recorder: Recorder::default(),
            links: Random::new(seed, Purpose::Links),
        };
        let table = Table::new(&scenario.products);
        let checker = Checker::new(table.rows());
        let mut deployment = Deployment {
            cache: Cache::new(scenario, seed, &world),
            apps: Apps::new(scenario.apps),
            database: Database::new(table, scenario.database, Random::new(seed, Purpose::Database)),
            traffic: Source::new(scenario.traffic, seed),
            pattern: scenario.pattern,
            ttl_s: scenario.ttl_s,
            checker,
            scenario: scenario.clone(),
            world,
        };
        deployment.plan_arrival();
        deployment
    }

    pub(crate) fn handle(&mut self, step: Step) {
        let world = &mut self.world;
        let deliveries = match step {
            Step::Arrival { generation } => return self.arrive(generation),
            Step::ToCache(segment) => return self.cache.handle_segment(world, &segment),
            Step::CacheTurn { plan } => return self.cache.handle_turn(world, plan),
            Step::CacheTurnEnd { plan } => return self.cache.handle_turn_end(world, plan),
            Step::CacheUp { plan } => return self.cache.handle_up(world, plan),
            Step::ToDatabase(query) => return self.query(query),
            Step::DatabaseDone(query) => return self.execute(&query),
            Step::FromDatabase(Answer { request, rows }) => {
                return self.hear(request, rows.map_or(Heard::Refused, Heard::Rows));
            }
            Step::FromCache(segment) => self.cache.handle_reply(&segment),
            Step::CacheClosed { client, generation } => {
                self.cache.handle_closed(client, generation)
            }
            Step::CacheTimeout { client, generation } => {
                self.cache.handle_timeout(world, client, generation)
            }
        };
        for delivery in deliveries {
            self.deliver(delivery);
        }
    }

    /// Does what a person does; the input is known to be within bounds.
    pub(crate) fn apply(&mut self, input: &Input) {
        match input {
            Input::ReadOnce { app, product } => self.start(*app, *product, Operation::Read),
            Input::WriteOnce { app, product, price_cents } => {
                self.start(*app, *product, Operation::Write { price_cents: *price_cents });
            }
            Input::SetTraffic(traffic) => {
                self.traffic.set(*traffic);
                self.world.tell(EventKind::TrafficSet(self.traffic.settings));
                self.plan_arrival();
            }
            Input::SetPattern(pattern) => {
                self.pattern = *pattern;
                self.world.tell(EventKind::PatternSet(*pattern));
            }
            Input::SetTtl(ttl_s) => {
                self.ttl_s = (*ttl_s).min(MAX_TTL_S);
                self.world.tell(EventKind::TtlSet(self.ttl_s));
            }
            Input::CacheCommand(args) => {
                let (console, bytes) = (self.cache.console(), request::encode(args));
                let kind = MessageKind::Command;
                if self.cache.send(&mut self.world, console, None, kind, bytes).is_err() {
                    self.world.tell(EventKind::ConsoleClosed);
                }
            }
            Input::RowPut(row) => self.change_row(&Statement::Put(row.clone())),
            Input::RowDelete(id) => self.change_row(&Statement::Delete { id: *id }),
            Input::RestartCache => self.cache.go_down(&mut self.world),
        }
    }

    fn plan_arrival(&mut self) {
        if let Some(gap_us) = self.traffic.gap_us() {
            let generation = self.traffic.generation;
            self.world.plan_in(gap_us, Step::Arrival { generation });
        }
    }

    fn arrive(&mut self, generation: u32) {
        if generation != self.traffic.generation {
            return;
        }
        let wish = self.traffic.wish(&self.database.table);
        self.plan_arrival();
        self.start(None, wish.product, wish.operation);
    }

    /// A user's request reaches an instance.
    fn start(&mut self, app: Option<u32>, product: u32, operation: Operation) {
        let app = app.unwrap_or_else(|| self.apps.balance());
        let now_us = self.world.now_us;
        let (request, admitted) = self.apps.admit(now_us, app, product, operation, self.pattern);
        self.world.tell(EventKind::RequestStarted { request, app, product, operation });
        if admitted {
            return self.hear(request, Heard::Start);
        }
        let outcome = Outcome::Failed(Failure::AppBusy);
        self.world.tell(EventKind::RequestDone { request, app, product, latency_us: 0, outcome });
    }

    /// What arrived at a client of the cache.
    fn deliver(&mut self, Delivery { request, what }: Delivery) {
        let Some(request) = request else {
            self.world.tell(match what {
                Delivered::Bytes(bytes) => EventKind::ConsoleReply { bytes: bounded_reply(bytes) },
                Delivered::Reply(_) | Delivered::Lost(_) => EventKind::ConsoleClosed,
            });
            return;
        };
        let heard = match what {
            Delivered::Reply(Value::Error(_)) => Heard::NoCache(CacheTrouble::ErrorReply),
            Delivered::Reply(value) => Heard::Cache(value),
            Delivered::Lost(trouble) => Heard::NoCache(trouble),
            Delivered::Bytes(_) => return,
        };
        self.hear(request, heard);
    }

    /// A request hears something and does what comes next, at once again when the cache can't be
    /// reached.
    fn hear(&mut self, id: RequestId, heard: Heard) {
        let mut heard = heard;
        loop {
            let trouble = match heard {
                Heard::NoCache(trouble) => Some(trouble),
                _ => None,
            };
            let Some((next, request)) = self.apps.handle(id, heard) else { return };
            let (app, product) = (request.app, request.product);
            if let Some(trouble) = trouble {
                self.world.tell(EventKind::CacheFailed { request: id, app, trouble });
            }
            let (kind, bytes) = match next {
                Next::Finish { outcome, from_cache } => {
                    return self.finish(id, outcome, from_cache);
                }
                Next::Query(statement) => return self.ask(Query { app, request: id, statement }),
                Next::Get => (MessageKind::Get, command(&[b"GET", &shop::key(product)])),
                Next::Del => (MessageKind::Del, command(&[b"DEL", &shop::key(product)])),
                Next::Set { payload } => (MessageKind::Set, self.set_command(product, &payload)),
            };
            match self.cache.send(&mut self.world, app, Some(id), kind, bytes) {
                Ok(()) => return,
                Err(trouble) => heard = Heard::NoCache(trouble),
            }
        }
    }

    fn set_command(&self, product: u32, payload: &[u8]) -> Vec<u8> {
        let key = shop::key(product);
        match self.ttl_s {
            0 => command(&[b"SET", &key, payload]),
            ttl_s => command(&[b"SET", &key, payload, b"EX", ttl_s.to_string().as_bytes()]),
        }
    }

    fn finish(&mut self, id: RequestId, outcome: Outcome, from_cache: Option<Vec<u8>>) {
        let Some(request) = self.apps.retire(id) else { return };
        let (app, product, started_us) = (request.app, request.product, request.started_us);
        let stale = from_cache.filter(|served| !self.checker.was_true(product, served, started_us));
        let outcome = if stale.is_some() { Outcome::Stale } else { outcome };
        if let Some(served) = stale {
            let current = self.checker.current(product).map(|row| crate::event::cut(row).to_vec());
            let served = crate::event::cut(&served).to_vec();
            self.world.tell(EventKind::StaleRead { request: id, product, served, current });
        }
        let latency_us = self.world.now_us - started_us;
        self.world.tell(EventKind::RequestDone { request: id, app, product, latency_us, outcome });
    }

    /// An application sends a statement.
    fn ask(&mut self, query: Query) {
        let kind =
            if query.statement.is_read() { MessageKind::Select } else { MessageKind::Update };
        let places = (Place::App(query.app), Place::Database);
        let sql = query.statement.to_sql().into_bytes();
        let transit_us = self.tell_database_message(query.request, places, kind, sql);
        self.world.plan_in(transit_us, Step::ToDatabase(query));
    }

    fn tell_database_message(
        &mut self,
        request: RequestId,
        (from, to): (Place, Place),
        kind: MessageKind,
        bytes: Vec<u8>,
    ) -> u64 {
        let transit_us = self.world.transit_us(self.scenario.database_link);
        self.world.tell(EventKind::MessageSent {
            request: Some(request),
            from,
            to,
            kind,
            bytes,
            arrives_at_us: self.world.now_us + transit_us,
        });
        transit_us
    }

    /// A statement reaches the database.
    fn query(&mut self, query: Query) {
        let request = query.request;
        match self.database.handle_query(query) {
            Admission::Started { query, service_us } => {
                self.world.plan_in(service_us, Step::DatabaseDone(query));
            }
            Admission::Waiting(waiting) => {
                self.world.tell(EventKind::DatabaseQueued { request, waiting });
            }
            Admission::Refused(query) => {
                self.world.tell(EventKind::DatabaseRefused { request });
                self.answer(&query, None);
            }
        }
    }

    /// The database is done with a statement: only now does it take effect.
    fn execute(&mut self, query: &Query) {
        let rows = self.database.table.execute(&query.statement);
        let request = query.request;
        match &query.statement {
            Statement::Select { id } => {
                let found = !rows.is_empty();
                self.world.tell(EventKind::RowRead { request, product: *id, found });
            }
            _ => rows.iter().for_each(|row| self.note_written(Some(request), row)),
        }
        self.answer(query, Some(rows));
        if let Some((query, service_us)) = self.database.handle_done() {
            self.world.plan_in(service_us, Step::DatabaseDone(query));
        }
    }

    fn answer(&mut self, query: &Query, rows: Option<Vec<Row>>) {
        let places = (Place::Database, Place::App(query.app));
        let (kind, text) = match &rows {
            Some(rows) => (MessageKind::Rows, rows_text(rows)),
            None => (MessageKind::Error, String::from("ERROR: sorry, too many clients already")),
        };
        let request = query.request;
        let transit_us = self.tell_database_message(request, places, kind, text.into_bytes());
        self.world.plan_in(transit_us, Step::FromDatabase(Answer { request, rows }));
    }

    /// A row is changed on the database's console.
    fn change_row(&mut self, statement: &Statement) {
        self.traffic.forget_popularity();
        for row in self.database.table.execute(statement) {
            if matches!(statement, Statement::Delete { .. }) {
                self.checker.note(self.world.now_us, row.id, None);
                self.world.tell(EventKind::RowDeleted { product: row.id });
            } else {
                self.note_written(None, &row);
            }
        }
    }

    fn note_written(&mut self, request: Option<RequestId>, row: &Row) {
        self.checker.note(self.world.now_us, row.id, Some(row));
        let (product, price_cents) = (row.id, row.price_cents);
        self.world.tell(EventKind::RowWritten { request, product, price_cents });
    }
}

fn command(args: &[&[u8]]) -> Vec<u8> {
    request::encode(args)
}

/// Rows as SQLite's shell lists them.
fn rows_text(rows: &[Row]) -> String {
    let mut text = String::new();
    for row in rows {
        let _ = writeln!(text, "{}|{}|{}|{}", row.id, row.name, row.price_cents, row.stock);
    }
    text
}

fn bounded_reply(bytes: Vec<u8>) -> Vec<u8> {
    const LIMIT: u32 = crate::event::MAX_CONSOLE_REPLY_BYTES;
    if bytes.len() <= LIMIT as usize {
        return bytes;
    }
    let len = bytes.len();
    format!("-ERR the reply has {len} bytes; this console shows {LIMIT} at the most\r\n").into()
}
