//! The log in a Durable Object's SQLite.

use super::runtime::{self, get_random_values};
use crate::shard::{Damage, Fill, Log, Row};
use wasm_bindgen::{JsCast, JsValue};
use worker::{SqlStorage, SqlStorageValue, Storage};

/// The format of the stored log, to be told from later ones.
const FORMAT: &str = "1";

const SCHEMA: &str = "
    CREATE TABLE IF NOT EXISTS meta (name TEXT PRIMARY KEY, value TEXT NOT NULL);
    CREATE TABLE IF NOT EXISTS log (
        start INTEGER PRIMARY KEY, crc INTEGER NOT NULL, bytes BLOB NOT NULL);";
const INSERT: &str = "INSERT INTO log (start, crc, bytes) VALUES (?, ?, ?)";

pub(super) struct SqlLog {
    storage: Storage,
}

impl SqlLog {
    /// Opens the log, made first if need be, and gives the seed that it was made with.
    pub(super) fn open(storage: Storage) -> Result<(Self, u64), String> {
        let log = SqlLog { storage };
        log.exec(SCHEMA, vec![])?;
        let format = log.meta("format", || FORMAT.into())?;
        if format != FORMAT {
            return Err(format!("the stored log has format {format:?}, known is {FORMAT:?}"));
        }
        let seed = log.meta("seed", || {
            let mut bytes = [0; 8];
            get_random_values(&mut bytes);
            format!("{:016x}", u64::from_le_bytes(bytes))
        })?;
        let seed = u64::from_str_radix(&seed, 16)
            .map_err(|error| format!("the stored seed is unreadable: {error}"))?;
        Ok((log, seed))
    }

    fn sql(&self) -> SqlStorage {
        self.storage.sql()
    }

    fn exec(&self, statement: &str, values: Vec<SqlStorageValue>) -> Result<(), String> {
        self.sql().exec(statement, values).map(|_| ()).map_err(|error| error.to_string())
    }

    /// A remembered value, chosen now if there is none.
    fn meta(&self, name: &str, choose: impl FnOnce() -> String) -> Result<String, String> {
        let query = "SELECT value FROM meta WHERE name = ?";
        let cursor =
            self.sql().exec(query, vec![name.into()]).map_err(|error| error.to_string())?;
        match cursor.raw().next() {
            Some(Ok(row)) => match row.into_iter().next() {
                Some(SqlStorageValue::String(value)) => Ok(value),
                other => Err(format!("{name} is stored as {other:?}")),
            },
            Some(Err(error)) => Err(error.to_string()),
            None => {
                let value = choose();
                let values = vec![name.into(), value.as_str().into()];
                self.exec("INSERT INTO meta (name, value) VALUES (?, ?)", values)?;
                Ok(value)
            }
        }
    }

    fn insert(&self, row: Row<'_>) -> Result<(), String> {
        let start =
            SqlStorageValue::try_from_i64(row.start as i64).map_err(|error| error.to_string())?;
        let check = i64::from(row.check);
        self.exec(INSERT, vec![start, check.into(), row.bytes.to_vec().into()])
    }

    /// All of what `body` writes, or nothing.
    fn transaction(&self, mut body: impl FnMut() -> Result<(), String>) -> Result<(), String> {
        let storage: &runtime::Storage = self.storage.as_raw().unchecked_ref();
        storage
            .transaction_sync(&mut || body().map_err(|reason| JsValue::from_str(&reason)))
            .map_err(|thrown| match thrown.as_string() {
                Some(reason) => reason,
                None => worker::Error::from(thrown).to_string(),
            })
    }
}

impl Log for SqlLog {
    fn read(&self, visit: &mut dyn FnMut(Row<'_>) -> Result<(), Damage>) -> Result<(), Damage> {
        let unreadable = |error: worker::Error| Damage::at(0, &error.to_string());
        let query = "SELECT start, crc, bytes FROM log ORDER BY start";
        let cursor = self.sql().exec(query, vec![]).map_err(unreadable)?;
        for row in cursor.raw() {
            match row.map_err(unreadable)?.as_slice() {
                [
                    SqlStorageValue::Integer(start),
                    SqlStorageValue::Integer(check),
                    SqlStorageValue::Blob(bytes),
                ] => visit(Row { start: *start as u64, check: *check as u32, bytes })?,
                _ => return Err(Damage::at(0, "a row's columns have other types")),
            }
        }
        Ok(())
    }

    fn append(&mut self, rows: &[Row<'_>]) -> Result<(), String> {
        match rows {
            // A statement is a transaction of its own.
            [row] => self.insert(*row),
            rows => self.transaction(|| rows.iter().try_for_each(|row| self.insert(*row))),
        }
    }

    fn replace(&mut self, fill: Fill<'_>) -> Result<(), String> {
        self.transaction(|| {
            self.exec("DELETE FROM log", vec![])?;
            fill(&mut |row| self.insert(row))
        })
    }
}
