// SQLite as a console over the simulation's rows. Loaded when the SQL console is first used; copied
// to pkg/. It holds no truth of its own: rows are put in before each statement and read out after.

/** SQL longer than this is refused, in UTF-16 units. */
const MAX_SQL = 64 * 1024;
/** Rows of a result that are shown. */
const MAX_ROWS = 200;
/** What a statement may take, in milliseconds, before it is interrupted: it holds up the page. */
const MAX_MS = 2000;
/** Instructions of SQLite's machine between two looks at the clock. */
const OPS = 10_000;

const TABLE = `CREATE TABLE IF NOT EXISTS products (
  id INTEGER PRIMARY KEY CHECK (id BETWEEN 1 AND 4294967295),
  name TEXT NOT NULL,
  price_cents INTEGER NOT NULL,
  stock INTEGER NOT NULL
) STRICT`;

/** A value as the result's grid shows it. */
function shown(value) {
  if (value === null) return null;
  if (value instanceof Uint8Array || value instanceof Int8Array) {
    const hex = Array.from(value, (b) => (b & 255).toString(16).padStart(2, '0'));
    return `x'${hex.join('')}'`;
  }
  return String(value);
}

class Database {
  #capi;
  #db;
  #deadline = 0;

  constructor(sqlite3) {
    this.#capi = sqlite3.capi;
    this.#db = new sqlite3.oo1.DB(':memory:', 'c');
    const late = () => (performance.now() > this.#deadline ? 1 : 0);
    this.#capi.sqlite3_progress_handler(this.#db.pointer, OPS, late, 0);
  }

  /** Puts rows `[id, name, price_cents, stock]`, all as text, in place of those that are there. */
  load(rows) {
    this.#deadline = performance.now() + MAX_MS;
    if (this.#isOpen()) this.#db.exec('ROLLBACK');
    this.#db.exec('DROP TABLE IF EXISTS temp.products');
    this.#db.exec('BEGIN');
    this.#db.exec(TABLE);
    this.#db.exec('DELETE FROM products');
    const insert = this.#db.prepare('INSERT INTO products VALUES (CAST(?1 AS INTEGER), ?2, CAST(?3 AS INTEGER), CAST(?4 AS INTEGER))');
    try {
      for (const row of rows) insert.bind(row).stepReset();
    } finally {
      insert.finalize();
    }
    this.#db.exec('COMMIT');
  }

  /** Runs statements. `{columns, rows, more, changes}` of the last that gave rows, or throws. */
  run(sql) {
    if (sql.length > MAX_SQL) {
      throw new Error(`the text has ${sql.length} characters; ${MAX_SQL} are allowed`);
    }
    const before = this.#db.changes(true);
    const columns = [];
    const rows = [];
    let more = 0;
    this.#deadline = performance.now() + MAX_MS;
    try {
      this.#db.exec({
        sql,
        columnNames: columns,
        rowMode: 'array',
        callback: (row) => {
          if (rows.length < MAX_ROWS) rows.push(row.map(shown));
          else more += 1;
        },
      });
    } catch (error) {
      throw new Error(this.#reason(error));
    }
    return { columns, rows, more, changes: this.#db.changes(true) - before };
  }

  /** The rows that are there now, as `load` takes them. */
  dump() {
    this.#deadline = performance.now() + MAX_MS;
    // A transaction left open has changed nothing yet for anyone else.
    if (this.#isOpen()) this.#db.exec('ROLLBACK');
    return this.#db.selectArrays(
      'SELECT CAST(id AS TEXT), name, CAST(price_cents AS TEXT), CAST(stock AS TEXT) FROM products ORDER BY id',
    );
  }

  #isOpen() {
    return this.#capi.sqlite3_get_autocommit(this.#db.pointer) === 0;
  }

  #reason(error) {
    if (error?.resultCode === this.#capi.SQLITE_INTERRUPT) {
      return `interrupted: it ran for more than ${MAX_MS / 1000} s`;
    }
    return String(error?.message ?? error).replace(/^.*?sqlite3? result code \d+: /i, '');
  }
}

/** Fetches SQLite and gives a database with nothing in it. */
export async function openDatabase() {
  // Its warnings are about storage on disk, which nobody here asked for.
  globalThis.sqlite3ApiConfig = { warn: () => {}, log: () => {} };
  const { default: init } = await import('./sqlite/index.mjs');
  const sqlite3 = await init({ print: () => {}, printErr: () => {} });
  return new Database(sqlite3);
}
