//! SQL on the simulation's database, by SQLite, which `web/static/database.js` loads when first
//! asked to.
//!
//! The simulation's rows are the truth. Before a statement they are put into SQLite; after it, what
//! has changed there is an input to the simulation, as if someone had edited the database behind
//! the cache's back (which is what it is).

use super::engine::Engine;
use super::model::{Grid, Line};
use js_sys::{Array, Function, Promise};
use larder_sim::Row;
use std::cell::RefCell;
use std::rc::Rc;
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::JsFuture;

#[wasm_bindgen]
extern "C" {
    /// `Database` of `web/static/database.js`.
    #[derive(Clone, Debug)]
    type Database;

    #[wasm_bindgen(method, catch)]
    fn load(this: &Database, rows: &Array) -> Result<(), JsValue>;
    #[wasm_bindgen(method, catch)]
    fn run(this: &Database, sql: &str) -> Result<Ran, JsValue>;
    #[wasm_bindgen(method, catch)]
    fn dump(this: &Database) -> Result<Array, JsValue>;

    /// What its `run` gives.
    type Ran;

    #[wasm_bindgen(method, getter)]
    fn columns(this: &Ran) -> Array;
    #[wasm_bindgen(method, getter)]
    fn rows(this: &Ran) -> Array;
    #[wasm_bindgen(method, getter)]
    fn more(this: &Ran) -> u32;
    #[wasm_bindgen(method, getter)]
    fn changes(this: &Ran) -> u32;
}

/// What became of a line of SQL.
#[derive(Clone, Debug)]
pub(crate) struct Outcome {
    grid: Option<Grid>,
    message: Option<String>,
    fault: Option<String>,
}

impl Outcome {
    fn fault(text: String) -> Self {
        Outcome { grid: None, message: None, fault: Some(text) }
    }

    pub(crate) fn lines(self) -> impl Iterator<Item = Line> {
        let grid = self.grid.map(|grid| Line::Grid(Rc::new(grid)));
        let rest = self.message.map(Line::Text).into_iter().chain(self.fault.map(Line::Fault));
        grid.into_iter().chain(rest)
    }
}

/// The console's SQLite, fetched once.
#[derive(Clone, Debug)]
pub(crate) struct Console {
    opener: Function,
    database: Rc<RefCell<Option<Database>>>,
}

impl Console {
    /// `opener` fetches SQLite and gives a promise of a `Database`.
    pub(crate) fn new(opener: Function) -> Self {
        Console { opener, database: Rc::default() }
    }

    /// Runs statements on the engine's rows.
    pub(crate) async fn run(&self, engine: &RefCell<Engine>, sql: &str) -> Outcome {
        match self.try_run(engine, sql).await {
            Ok(outcome) => outcome,
            Err(error) => Outcome::fault(message(&error)),
        }
    }

    async fn try_run(&self, engine: &RefCell<Engine>, sql: &str) -> Result<Outcome, JsValue> {
        let database = self.open().await?;
        let before = rows_out(engine.borrow().sim.database_rows());
        database.load(&before)?;
        // What failed half-way may have changed rows before: read them back in any case.
        let ran = database.run(sql);
        let after = database.dump().map_err(|_| {
            JsValue::from("the table products is gone or changed; it was put back as it was")
        })?;
        let rows = after.iter().map(|row| row_in(&row)).collect::<Result<Vec<_>, _>>()?;
        let put = engine.borrow_mut().put_rows(&rows);
        let ran = ran?;
        let columns: Vec<String> = ran.columns().iter().filter_map(|c| c.as_string()).collect();
        let cells = |row: JsValue| Array::from(&row).iter().map(|cell| cell.as_string()).collect();
        let message = match ran.changes() {
            0 if columns.is_empty() => Some("Done.".to_owned()),
            0 => None,
            1 => Some("1 row changed. The cache was not told.".to_owned()),
            n => Some(format!("{n} rows changed. The cache was not told.")),
        };
        let grid = (!columns.is_empty()).then(|| Grid {
            columns,
            rows: ran.rows().iter().map(cells).collect(),
            more: ran.more(),
        });
        Ok(Outcome { grid, message, fault: put.err().map(|refused| refused.to_string()) })
    }

    async fn open(&self) -> Result<Database, JsValue> {
        if let Some(database) = &*self.database.borrow() {
            return Ok(database.clone());
        }
        let promise: Promise = self.opener.call0(&JsValue::NULL)?.dyn_into()?;
        let database: Database = JsFuture::from(promise).await?.unchecked_into();
        *self.database.borrow_mut() = Some(database.clone());
        Ok(database)
    }
}

/// Rows as `[id, name, price_cents, stock]`, all as text: a JavaScript number is no 64-bit integer.
fn rows_out<'a>(rows: impl Iterator<Item = &'a Row>) -> Array {
    let texts = |row: &Row| {
        [row.id.to_string(), row.name.clone(), row.price_cents.to_string(), row.stock.to_string()]
            .into_iter()
            .map(JsValue::from)
            .collect::<Array>()
    };
    rows.map(texts).collect()
}

fn row_in(row: &JsValue) -> Result<Row, JsValue> {
    let row = Array::from(row);
    let text = |i| row.get(i).as_string().unwrap_or_default();
    let wrong = |_| JsValue::from("a row of products holds what is no number");
    Ok(Row {
        id: text(0).parse().map_err(wrong)?,
        name: text(1),
        price_cents: text(2).parse().map_err(wrong)?,
        stock: text(3).parse().map_err(wrong)?,
    })
}

fn message(error: &JsValue) -> String {
    let text = error.dyn_ref::<js_sys::Error>().map(|e| String::from(e.message()));
    text.or_else(|| error.as_string()).unwrap_or_else(|| "SQLite could not be loaded".to_owned())
}
