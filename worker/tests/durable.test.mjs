// What outlives the object's memory, and what does not hurt it.
import assert from 'node:assert/strict';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterEach, beforeEach, test } from 'node:test';
import { start, until } from './_larder.mjs';

let persist;
beforeEach(async () => {
  persist = await mkdtemp(join(tmpdir(), 'larder-'));
});
afterEach(() => rm(persist, { recursive: true }));

/** Runs `work` against a Worker that begins with what is stored. */
async function life(work, bindings) {
  const larder = await start({ persist, bindings });
  const one = async (...body) => {
    const { json } = await larder.ask('/', { body });
    return 'result' in json ? json.result : json;
  };
  try {
    return await work(one, larder);
  } finally {
    await larder.stop();
  }
}

/** Looks into the object's database. */
async function database(work) {
  const files = await readdir(persist, { recursive: true });
  const path = files.find((file) => file.endsWith('.sqlite') && !file.endsWith('metadata.sqlite'));
  const db = new DatabaseSync(join(persist, path));
  try {
    return work(db);
  } finally {
    db.close();
  }
}

test('writes are there after a restart', async () => {
  const long = 'x'.repeat(3_000_000);
  await life(async (one, larder) => {
    await one('SET', 'a', '1');
    await one('INCR', 'a');
    await one('HSET', 'h', 'f', 'v', 'g', 'w');
    await one('SET', 'gone', 'x');
    await one('DEL', 'gone');
    await one('SET', 'ttl', 'x', 'EX', '100');
    await larder.ask('/set/long', { body: long });
    await larder.ask('/multi-exec', { body: [['SET', 't1', '1'], ['SET', 't2', '2']] });
  });
  await life(async (one) => {
    assert.equal(await one('GET', 'a'), '2');
    assert.deepEqual(await one('HGETALL', 'h'), ['f', 'v', 'g', 'w']);
    assert.equal(await one('EXISTS', 'gone'), 0);
    assert.ok((await one('TTL', 'ttl')) > 80);
    assert.equal(await one('GET', 'long'), long);
    assert.deepEqual(await one('MGET', 't1', 't2'), ['1', '2']);
    assert.equal(await one('INCR', 'a'), 3);
  });
  await life(async (one) => assert.equal(await one('GET', 'a'), '3'));
});

test('a scan goes on after a restart', async () => {
  const keys = Array.from({ length: 300 }, (_, i) => `k${i}`);
  const met = [];
  let cursor = '0';
  await life(async (one) => {
    await one('MSET', ...keys.flatMap((key) => [key, '1']));
    const [next, page] = await one('SCAN', cursor, 'COUNT', '100');
    cursor = next;
    met.push(...page);
  });
  assert.notEqual(cursor, '0');
  await life(async (one) => {
    while (cursor !== '0') {
      const [next, page] = await one('SCAN', cursor, 'COUNT', '100');
      cursor = next;
      met.push(...page);
    }
  });
  assert.deepEqual(met.sort(), keys.sort());
});

test('a key that runs out while nobody is there is gone', async () => {
  await life(async (one) => {
    await one('SET', 'short', 'x', 'PX', '200');
    await one('SET', 'kept', 'x', 'PX', '200');
    await one('PERSIST', 'kept');
  });
  await new Promise((resolve) => setTimeout(resolve, 300));
  await life(async (one) => {
    assert.equal(await one('GET', 'short'), null);
    assert.equal(await one('GET', 'kept'), 'x');
  });
});

test('expired keys are removed although nobody asks for them', async () => {
  const removed = () =>
    database((db) => {
      const rows = db.prepare('SELECT bytes FROM log').all();
      return rows.some(({ bytes }) => Buffer.from(bytes).includes('DEL'));
    });
  await life(
    async (one) => {
      await one('SET', 'short', 'x', 'PX', '100');
      await until(removed);
    },
    { LARDER_HOUSEKEEPING: '1' },
  );
});

test('the log is rewritten before it grows without end', async () => {
  const value = 'x'.repeat(1_000_000);
  await life(async (one, larder) => {
    for (let i = 0; i < 16; i++) await larder.ask('/set/same', { body: value + i });
    await one('SET', 'other', '1');
    await until(() => larder.lines.some((line) => line.includes('Rewrote the log')));
  });
  await database((db) => {
    const { bytes, rows } = db.prepare('SELECT sum(length(bytes)) bytes, count(*) rows FROM log').get();
    assert.ok(bytes < 10_000_000, `${bytes} bytes`);
    assert.ok(rows < 20, `${rows} rows`);
  });
  await life(async (one) => {
    assert.equal(await one('GET', 'same'), `${value}15`);
    assert.equal(await one('GET', 'other'), '1');
  });
});

test('a damaged log is refused by name, again and again, without harm', async () => {
  await life(async (one) => {
    for (const key of ['a', 'b', 'c']) await one('SET', key, '1');
  });
  await database((db) => {
    const { start } = db.prepare('SELECT start FROM log ORDER BY start LIMIT 1 OFFSET 1').get();
    db.prepare('UPDATE log SET bytes = ? WHERE start = ?').run(Buffer.from('*1\r\n$4'), start);
  });
  await life(async (one, larder) => {
    for (let i = 0; i < 3; i++) {
      const { status, json } = await larder.ask('/', { body: ['GET', 'a'] });
      assert.equal(status, 500);
      assert.match(json.error, /stored log is damaged in the row at \d+: its checksum/);
    }
    assert.ok(larder.lines.some((line) => line.includes('stored log is damaged')));
  });
});

test('a log of a later version is left alone', async () => {
  await life((one) => one('SET', 'a', '1'));
  await database((db) => db.exec("UPDATE meta SET value = '99' WHERE name = 'format'"));
  await life(async (one, larder) => {
    const { status, json } = await larder.ask('/', { body: ['GET', 'a'] });
    assert.equal(status, 500);
    assert.match(json.error, /format "99"/);
  });
});

test('caches of other names are others', async () => {
  await life((one) => one('SET', 'a', '1'));
  await life(async (one) => assert.equal(await one('GET', 'a'), null), { LARDER_CACHE: 'second' });
  await life(async (one) => assert.equal(await one('GET', 'a'), '1'));
});

test('memory is bounded, the oldest keys go', async () => {
  await life(
    async (one, larder) => {
      for (let i = 0; i < 20; i++) await larder.ask(`/set/k${i}`, { body: 'x'.repeat(100_000) });
      const left = await one('DBSIZE');
      assert.ok(left > 5 && left < 12, String(left));
      assert.equal(await one('EXISTS', 'k19'), 1);
    },
    { LARDER_MAXMEMORY: '1mb' },
  );
  await life(async (one) => assert.ok((await one('DBSIZE')) < 12));
});
