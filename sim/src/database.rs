//! The database: a small row store behind a modelled pool of connections. Statements in, rows out.
//!
//! It knows five typed statements over one table, and shows each as the SQL that a real application
//! would send. A SQLite console in the page mirrors it: rows go there, changed rows come back as
//! inputs. What must never be here: the cache, an application, a parser of SQL.

use crate::random::Random;
use crate::scenario::DatabaseModel;
use std::collections::VecDeque;

/// The most rows that the table holds.
pub const MAX_ROWS: u32 = 10_000;
/// The most bytes of a product's name.
pub const MAX_NAME_BYTES: u32 = 256;

/// The table's definition, as SQLite takes it.
pub const SCHEMA: &str = "CREATE TABLE products (\
    id INTEGER PRIMARY KEY, name TEXT NOT NULL, price_cents INTEGER NOT NULL, \
    stock INTEGER NOT NULL)";

/// A product.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Row {
    /// The primary key.
    pub id: u32,
    /// What it is.
    pub name: String,
    /// Its price in cents.
    pub price_cents: i64,
    /// How many there are.
    pub stock: i64,
}

/// What applications ask of the database.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Statement {
    /// One row by its id.
    Select {
        /// The product's id.
        id: u32,
    },
    /// All rows, by id.
    SelectAll,
    /// Another price for one row; gives the new row.
    UpdatePrice {
        /// The product's id.
        id: u32,
        /// The new price.
        price_cents: i64,
    },
    /// Another stock for one row; gives the new row.
    UpdateStock {
        /// The product's id.
        id: u32,
        /// The new stock.
        stock: i64,
    },
    /// A new row, or another one in place of that with its id.
    Put(Row),
    /// One row less; gives the row that was there.
    Delete {
        /// The product's id.
        id: u32,
    },
}

impl Statement {
    /// The statement in SQL, as SQLite and PostgreSQL take it.
    pub fn to_sql(&self) -> String {
        const COLUMNS: &str = "id, name, price_cents, stock";
        match self {
            Statement::Select { id } => format!("SELECT {COLUMNS} FROM products WHERE id = {id}"),
            Statement::SelectAll => format!("SELECT {COLUMNS} FROM products ORDER BY id"),
            Statement::UpdatePrice { id, price_cents } => format!(
                "UPDATE products SET price_cents = {price_cents} WHERE id = {id} RETURNING {COLUMNS}"
            ),
            Statement::UpdateStock { id, stock } => {
                format!("UPDATE products SET stock = {stock} WHERE id = {id} RETURNING {COLUMNS}")
            }
            Statement::Put(row) => format!(
                "INSERT INTO products ({COLUMNS}) VALUES ({}, '{}', {}, {}) \
                 ON CONFLICT (id) DO UPDATE SET name = excluded.name, \
                 price_cents = excluded.price_cents, stock = excluded.stock RETURNING {COLUMNS}",
                row.id,
                row.name.replace('\'', "''"),
                row.price_cents,
                row.stock
            ),
            Statement::Delete { id } => {
                format!("DELETE FROM products WHERE id = {id} RETURNING {COLUMNS}")
            }
        }
    }

    /// Whether it only reads.
    pub fn is_read(&self) -> bool {
        matches!(self, Statement::Select { .. } | Statement::SelectAll)
    }
}

/// The table `products`: rows by id.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Table {
    /// Sorted by id.
    rows: Vec<Row>,
}

impl Table {
    /// A table of these rows, cut to [`MAX_ROWS`]; of two with one id the later counts.
    pub(crate) fn new(rows: &[Row]) -> Self {
        let mut table = Table::default();
        for row in rows {
            table.execute(&Statement::Put(row.clone()));
        }
        table
    }

    /// Executes a statement and gives its rows.
    pub fn execute(&mut self, statement: &Statement) -> Vec<Row> {
        let row = match statement {
            Statement::Select { id } => self.get(*id).cloned(),
            Statement::SelectAll => return self.rows.clone(),
            Statement::UpdatePrice { id, price_cents } => {
                self.change(*id, &|row| row.price_cents = *price_cents)
            }
            Statement::UpdateStock { id, stock } => self.change(*id, &|row| row.stock = *stock),
            Statement::Put(row) => self.put(row),
            Statement::Delete { id } => self.place(*id).ok().map(|at| self.rows.remove(at)),
        };
        row.into_iter().collect()
    }

    fn change(&mut self, id: u32, change: &dyn Fn(&mut Row)) -> Option<Row> {
        let at = self.place(id).ok()?;
        change(&mut self.rows[at]);
        Some(self.rows[at].clone())
    }

    fn put(&mut self, row: &Row) -> Option<Row> {
        if !self.takes(row.id) || row.name.len() > MAX_NAME_BYTES as usize {
            return None;
        }
        match self.place(row.id) {
            Ok(at) => self.rows[at] = row.clone(),
            Err(at) => self.rows.insert(at, row.clone()),
        }
        Some(row.clone())
    }

    /// Whether a row with this id could be put.
    pub(crate) fn takes(&self, id: u32) -> bool {
        self.rows.len() < MAX_ROWS as usize || self.place(id).is_ok()
    }

    /// A row as it is now.
    pub fn get(&self, id: u32) -> Option<&Row> {
        self.place(id).ok().map(|at| &self.rows[at])
    }

    /// All rows, by id.
    pub fn rows(&self) -> impl ExactSizeIterator<Item = &Row> {
        self.rows.iter()
    }

    /// Where a row is, or would be.
    fn place(&self, id: u32) -> Result<usize, usize> {
        self.rows.binary_search_by_key(&id, |row| row.id)
    }
}

/// A statement that an application has sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Query {
    pub(crate) app: u32,
    pub(crate) request: u64,
    pub(crate) statement: Statement,
}

/// What becomes of a statement that arrives.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Admission {
    /// It is being worked on and will be done after so many microseconds.
    Started { query: Query, service_us: u64 },
    /// It waits, with as many others as this.
    Waiting(u32),
    /// Too many wait.
    Refused(Query),
}

/// The database: the table, and the pool in front of it.
#[derive(Clone, Debug)]
pub(crate) struct Database {
    pub(crate) table: Table,
    model: DatabaseModel,
    random: Random,
    busy: u32,
    waiting: VecDeque<Query>,
}

impl Database {
    pub(crate) fn new(table: Table, model: DatabaseModel, random: Random) -> Self {
        Database { table, model, random, busy: 0, waiting: VecDeque::new() }
    }

    /// A statement arrives.
    pub(crate) fn handle_query(&mut self, query: Query) -> Admission {
        if self.busy < self.model.pool {
            self.busy += 1;
            let service_us = self.service_us(&query.statement);
            return Admission::Started { query, service_us };
        }
        if self.waiting() >= self.model.queue {
            return Admission::Refused(query);
        }
        self.waiting.push_back(query);
        Admission::Waiting(self.waiting())
    }

    /// A statement is done: its connection takes up the one that has waited longest, which will be
    /// done after so many microseconds.
    pub(crate) fn handle_done(&mut self) -> Option<(Query, u64)> {
        let Some(query) = self.waiting.pop_front() else {
            self.busy = self.busy.saturating_sub(1);
            return None;
        };
        let service_us = self.service_us(&query.statement);
        Some((query, service_us))
    }

    fn service_us(&mut self, statement: &Statement) -> u64 {
        let least = if statement.is_read() { self.model.read_us } else { self.model.write_us };
        (least + self.random.below(self.model.jitter_us + 1)).max(1)
    }

    /// How many statements are being worked on.
    pub(crate) fn busy(&self) -> u32 {
        self.busy
    }

    /// How many wait.
    pub(crate) fn waiting(&self) -> u32 {
        self.waiting.len() as u32
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(id: u32, name: &str) -> Row {
        Row { id, name: name.into(), price_cents: 100, stock: 1 }
    }

    fn query(request: u64) -> Query {
        Query { app: 0, request, statement: Statement::Select { id: 1 } }
    }

    #[test]
    fn statements_change_rows_and_read_as_sql() {
        let mut table = Table::new(&[row(2, "b"), row(1, "a")]);
        let update = Statement::UpdatePrice { id: 1, price_cents: 250 };
        assert_eq!(table.execute(&update)[0].price_cents, 250);
        assert_eq!(
            update.to_sql(),
            "UPDATE products SET price_cents = 250 WHERE id = 1 \
             RETURNING id, name, price_cents, stock"
        );
        assert_eq!(table.execute(&Statement::UpdateStock { id: 2, stock: 9 })[0].stock, 9);
        assert!(table.execute(&Statement::Select { id: 3 }).is_empty());
        assert!(Statement::Put(row(3, "it's")).to_sql().contains("'it''s'"));
        assert_eq!(table.execute(&Statement::Put(row(3, "it's"))).len(), 1);
        assert_eq!(table.execute(&Statement::Delete { id: 1 }).len(), 1);
        let ids: Vec<u32> = table.execute(&Statement::SelectAll).iter().map(|r| r.id).collect();
        assert_eq!(ids, [2, 3]);
    }

    #[test]
    fn the_pool_works_then_queues_then_refuses() {
        let model = DatabaseModel { pool: 1, queue: 1, read_us: 10, write_us: 20, jitter_us: 0 };
        let random = Random::new(1, crate::random::Purpose::Database);
        let mut database = Database::new(Table::default(), model, random);
        assert_eq!(
            database.handle_query(query(1)),
            Admission::Started { query: query(1), service_us: 10 }
        );
        assert_eq!(database.handle_query(query(2)), Admission::Waiting(1));
        assert_eq!(database.handle_query(query(3)), Admission::Refused(query(3)));
        assert_eq!(database.handle_done(), Some((query(2), 10)));
        assert_eq!((database.busy(), database.waiting()), (1, 0));
        assert_eq!(database.handle_done(), None);
        assert_eq!(database.busy(), 0);
    }
}
