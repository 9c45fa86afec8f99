// The page in Chromium. What is asserted is what the engine did, as `globalThis.larder` reports.
import assert from 'node:assert/strict';
import { after, afterEach, before, test } from 'node:test';
import { launch, open, serve, state, until } from './_site.mjs';

let site;
let browser;
let opened = [];

before(async () => {
  site = await serve();
  browser = await launch();
});

after(async () => {
  await browser?.close();
  await site?.close();
});

afterEach(async () => {
  for (const { context } of opened) await context.close();
  opened = [];
});

/** The page, its run paused and without traffic of its own when `quiet`. */
async function visit({ quiet = false, ...options } = {}) {
  const visitor = await open(browser, site.url, options);
  opened.push(visitor);
  if (quiet) {
    await visitor.page.click('#traffic');
    await until(visitor.page, (s) => s.ratePerS === 0 && s.counters.done === s.counters.reads + s.counters.writes, 'traffic rests');
    await choose(visitor.page, '24');
    await type(visitor.page, 'FLUSHALL');
    await until(visitor.page, (s) => s.keys.length === 0, 'the cache is empty');
  }
  return visitor;
}

async function type(page, line) {
  await page.fill('#line', line);
  await page.press('#line', 'Enter');
}

const choose = (page, product) => page.selectOption('#product', product);
const key = (s, name) => s.keys.find((k) => k.key === name);
const price = (s, id) => s.rows.find((row) => row.id === id).priceCents;
const shown = (page, selector) => page.locator(selector).innerText();
const printed = (page) => shown(page, '.output');

/** Waits until a part of the page shows something. */
async function shows(page, selector, wanted) {
  const end = Date.now() + 10_000;
  let text;
  while (Date.now() < end) {
    text = await shown(page, selector);
    if (wanted.test(text)) return text;
    await new Promise((done) => setTimeout(done, 50));
  }
  throw new Error(`${selector} never showed ${wanted}, but ${text}`);
}

test('the page opens running, complains of nothing and fetches no SQLite', async () => {
  site.asked.length = 0;
  const { page, faults } = await visit();
  const seen = await until(page, (s) => s.counters.hits > 3 && s.counters.databaseReads > 3, 'traffic');
  assert.equal(seen.paused, false);
  assert.equal(seen.pattern, 'lazy loading');
  await shows(page, '.strip', /hit ratio/);
  assert.deepEqual(faults, []);
  assert.ok(!site.asked.some((path) => path.includes('sqlite')), 'SQLite comes later');
  assert.equal(await page.evaluate(() => document.querySelectorAll('canvas').length), 1);
});

test('a read misses and stores, the next one hits', async () => {
  const { page } = await visit({ quiet: true });
  const first = await state(page);
  await page.click('#read');
  const missed = await until(page, (s) => s.counters.done === first.counters.done + 1 && key(s, 'product:24'), 'a read');
  assert.equal(missed.counters.misses, first.counters.misses + 1);
  assert.equal(missed.counters.hits, first.counters.hits);
  assert.equal(missed.counters.databaseReads, first.counters.databaseReads + 1);
  assert.ok(key(missed, 'product:24').ttlMs <= 10_000);
  await shows(page, '[role=status]', /Product 24 wasn't in the cache/);
  await page.click('#read');
  const hit = await until(page, (s) => s.counters.done === first.counters.done + 2, 'a second read');
  assert.equal(hit.counters.hits, first.counters.hits + 1);
  assert.equal(hit.counters.databaseReads, missed.counters.databaseReads);
  await shows(page, '[role=status]', /Product 24 was in the cache/);
});

test('a key runs out of time', async () => {
  const { page } = await visit({ quiet: true });
  await page.locator('#ttl').press('Home');
  await until(page, (s) => s.ttlS === 1, 'the TTL is a second');
  const before = await state(page);
  await page.click('#read');
  await until(page, (s) => key(s, 'product:24'), 'the key is stored');
  await until(page, (s) => !key(s, 'product:24'), 'the key is gone');
  const gone = await state(page);
  const expired = (s) => s.counters.expiredByAccess + s.counters.expiredByCycle;
  assert.equal(expired(gone), expired(before) + 1);
  await page.click('#read');
  const again = await until(page, (s) => s.counters.misses === before.counters.misses + 2, 'a miss');
  assert.equal(again.counters.hits, before.counters.hits);
});

test('now and then a read meets a key whose time has run out', async () => {
  const { page } = await visit();
  const met = await until(page, (s) => s.counters.expiredByAccess > 0 && s.counters.expiredByCycle > 0,
    'keys met and keys swept', 60_000);
  assert.equal(met.ratePerS, 20, 'by the traffic that there is at first');
  // Each has its figure, its mark in the legend and its line in the log.
  await page.click('#pause');
  const { counters } = await until(page, (s) => s.paused, 'time stands still');
  const figures = new RegExp(`${counters.expiredByAccess} met, ${counters.expiredByCycle} swept`);
  await shows(page, '.strip .cell.expired', figures);
  await shows(page, '.log', /ran out of time: a read found it expired/);
  for (const name of ['met', 'expired']) await page.waitForSelector(`.legend .mark.${name}`);
  await page.waitForSelector('.log .mark.met');
});

test('a write by lazy loading leaves a stale read, one by write-through does not', async () => {
  const { page } = await visit({ quiet: true });
  const readAndWrite = async () => {
    const { counters } = await state(page);
    for (const button of ['#read', '#write', '#read']) {
      const { done } = (await state(page)).counters;
      await page.click(button);
      await until(page, (s) => s.counters.done === done + 1, `${button} is done`);
    }
    const end = await state(page);
    assert.equal(end.counters.databaseWrites, counters.databaseWrites + 1);
    return end.counters.staleReads - counters.staleReads;
  };
  assert.equal(await readAndWrite(), 1);
  await shows(page, '.log', /Product 24 was served stale/);
  await page.click('text=Write-through');
  await until(page, (s) => s.pattern === 'write-through', 'write-through');
  await type(page, 'FLUSHALL');
  await until(page, (s) => s.keys.length === 0, 'the cache is empty');
  assert.equal(await readAndWrite(), 0);
  const end = await state(page);
  assert.ok(key(end, 'product:24').value.includes(`"price_cents":${price(end, 24)}`));
  await page.click('text=Lazy + delete');
  await until(page, (s) => s.pattern === 'lazy loading with invalidation', 'invalidation');
  assert.equal(await readAndWrite(), 0);
});

test('without the cache every read goes to the database', async () => {
  const { page } = await visit();
  await page.click('text=Cache on');
  const off = await until(page, (s) => s.pattern === 'no cache', 'no cache');
  const later = await until(page, (s) => s.counters.reads > off.counters.reads + 20, 'twenty reads');
  assert.ok(later.counters.databaseReads >= off.counters.databaseReads + 15);
  assert.ok(later.counters.hits - off.counters.hits <= 2, 'what was under way may still end');
  await shows(page, '.lead', /Without a cache/);
  await page.click('text=Cache off');
  await until(page, (s) => s.pattern === 'lazy loading', 'the cache is on');
});

test('the cache console', async () => {
  const { page } = await visit();
  await type(page, 'SET greeting "hello you" EX 100');
  const set = await until(page, (s) => key(s, 'greeting'), 'the key is there');
  assert.equal(key(set, 'greeting').value, 'hello you');
  assert.ok(key(set, 'greeting').ttlMs > 90_000);
  await type(page, 'GET greeting');
  await shows(page, '.output', /"hello you"/);
  await type(page, 'HGET greeting x');
  await shows(page, '.output', /\(error\) WRONGTYPE/);
  await type(page, 'SET "half');
  await shows(page, '.output', /Invalid argument/);
  // History, hints and completion.
  await page.press('#line', 'ArrowUp');
  await page.press('#line', 'ArrowUp');
  assert.equal(await page.inputValue('#line'), 'HGET greeting x');
  await page.press('#line', 'ArrowDown');
  assert.equal(await page.inputValue('#line'), 'SET "half');
  await page.fill('#line', 'hgeta');
  await page.press('#line', 'Tab');
  assert.equal(await page.inputValue('#line'), 'HGETALL ');
  await shows(page, '#hint', /HGETALL key/);
  await type(page, 'help EXPIRE');
  await shows(page, '.output', /EXPIRE key seconds/);
  await type(page, 'clear');
  await until(page, async () => true, 'anything');
  assert.ok(!(await printed(page)).includes('WRONGTYPE'));
});

test('a huge paste into the console is refused in words', async () => {
  const { page, faults } = await visit();
  await page.evaluate(() => {
    const input = document.querySelector('#line');
    input.value = `SET a ${'x'.repeat(10_000_000)}`;
    input.dispatchEvent(new InputEvent('input', { bubbles: true }));
  });
  await page.press('#line', 'Enter');
  await shows(page, '.output', /64 KiB|65536 are allowed|too long/);
  await type(page, 'PING');
  await shows(page, '.output', /PONG/);
  assert.deepEqual(faults, []);
});

test('SQL changes the row behind the cache, and the next read is stale', async () => {
  const { page, faults } = await visit({ quiet: true });
  await page.click('#read');
  await until(page, (s) => key(s, 'product:24'), 'the key is stored');
  const before = await state(page);
  await page.click('#tab-database');
  await type(page, 'UPDATE products SET price_cents = 12345 WHERE id = 24');
  const changed = await until(page, (s) => price(s, 24) === 12345, 'the row has changed');
  assert.ok(!key(changed, 'product:24').value.includes('12345'));
  assert.equal(changed.counters.databaseWrites, before.counters.databaseWrites + 1);
  await shows(page, '.output', /1 row changed/);
  await page.click('#read');
  await until(page, (s) => s.counters.staleReads === before.counters.staleReads + 1, 'a stale read');
  // Results, errors, rows that come and go, and a table that must stay.
  await type(page, 'SELECT name, price_cents, NULL FROM products WHERE id = 24');
  await shows(page, '.output .grid', /Quince jelly, 220 g\s+12345\s+NULL/);
  await type(page, 'SELEC 1');
  await shows(page, '.output', /syntax error/);
  await type(page, "INSERT INTO products VALUES (25, 'Bread''s end', 100, 1)");
  const more = await until(page, (s) => s.rows.length === 25, 'a row more');
  assert.equal(more.rows.at(-1).name, "Bread's end");
  await type(page, 'DELETE FROM products WHERE id = 25');
  await until(page, (s) => s.rows.length === 24, 'a row less');
  await type(page, "UPDATE products SET price_cents = 'much' WHERE id = 1");
  await shows(page, '.output', /cannot store TEXT/);
  await type(page, 'DROP TABLE products');
  await shows(page, '.output', /put back/);
  await type(page, 'SELECT count(*) AS how_many FROM products');
  await shows(page, '.output .grid:last-of-type', /24/);
  await type(page, 'WITH RECURSIVE t(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM t) SELECT max(n) FROM t');
  await shows(page, '.output', /interrupted/);
  assert.equal((await state(page)).rows.length, 24);
  assert.deepEqual(faults, []);
});

test('pause stops time; a step and what is done by hand go on to their end', async () => {
  const { page } = await visit();
  await page.click('#pause');
  const paused = await until(page, (s) => s.paused, 'paused');
  await new Promise((done) => setTimeout(done, 400));
  const later = await state(page);
  assert.equal(later.nowUs, paused.nowUs);
  assert.equal(later.traceDigest, paused.traceDigest);
  await page.click('#step');
  const stepped = await state(page);
  assert.equal(stepped.counters.done, paused.counters.done + 1);
  assert.ok(stepped.paused && stepped.nowUs > paused.nowUs);
  await type(page, 'ECHO "still here"');
  await shows(page, '.output', /"still here"/);
  const echoed = await state(page);
  await new Promise((done) => setTimeout(done, 300));
  assert.equal((await state(page)).nowUs, echoed.nowUs);
  await page.click('#pause');
  await until(page, (s) => s.nowUs > echoed.nowUs + 200_000, 'time goes on');
});

test('speed', async () => {
  const { page } = await visit();
  const pace = async () => {
    const from = await state(page);
    const start = performance.now();
    await new Promise((done) => setTimeout(done, 1500));
    const to = await state(page);
    return (to.nowUs - from.nowUs) / 1000 / (performance.now() - start);
  };
  await page.locator('#speed').press('End');
  await until(page, (s) => s.speed === 10, 'ten times');
  const fast = await pace();
  await page.locator('#speed').press('Home');
  await until(page, (s) => s.speed === 0.1, 'a tenth');
  const slow = await pace();
  assert.ok(fast > 3 && fast < 12, `fast: ${fast}`);
  assert.ok(slow > 0.03 && slow < 0.12, `slow: ${slow}`);
});

test('a restarted cache comes back empty', async () => {
  const { page } = await visit();
  await until(page, (s) => s.keys.length > 5, 'keys');
  await page.click('#restart');
  await until(page, (s) => s.keys.length === 0, 'no keys');
  await until(page, (s) => s.keys.length > 3, 'keys again');
  await shows(page, '.log', /cache is there, empty/);
});

test('by keyboard alone', async () => {
  const { page } = await visit();
  await page.keyboard.press('Tab');
  assert.equal(await page.evaluate(() => document.activeElement.className), 'skip');
  const seen = [];
  for (let i = 0; i < 40; i += 1) {
    await page.keyboard.press('Tab');
    const focus = await page.evaluate(() => {
      const element = document.activeElement;
      const style = getComputedStyle(element);
      const ring = style.outlineStyle !== 'none' || element.closest('.prompt');
      return { id: element.id || element.textContent.slice(0, 20), visible: Boolean(ring) };
    });
    assert.ok(focus.visible, `no visible focus on ${focus.id}`);
    seen.push(focus.id);
    if (focus.id === 'line') break;
  }
  for (const id of ['pause', 'step', 'speed', 'ttl', 'traffic', 'rate', 'share', 'product', 'read', 'write']) {
    assert.ok(seen.includes(id), `${id} is never reached; seen: ${seen}`);
  }
  await page.keyboard.type('SET typed 1');
  await page.keyboard.press('Enter');
  await until(page, (s) => key(s, 'typed'), 'the key is there');
  // An empty line doesn't catch Tab.
  await page.keyboard.press('Tab');
  assert.notEqual(await page.evaluate(() => document.activeElement.id), 'line');
  await page.focus('#pause');
  await page.keyboard.press('Space');
  await until(page, (s) => s.paused, 'paused');
});

test('on a phone nothing has to be scrolled sideways', async () => {
  for (const width of [360, 390, 768]) {
    const { page } = await visit({ viewport: { width, height: 780 }, hasTouch: true });
    await page.click('#tab-database');
    await type(page, 'SELECT * FROM products');
    await page.waitForSelector('.output .grid');
    const wide = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
    assert.ok(wide <= 0, `${width}: ${wide} px too wide`);
  }
});

test('dark and light, as the system says or as one chooses', async () => {
  const { page, context } = await visit({ colorScheme: 'dark' });
  const paper = () => page.evaluate(() => getComputedStyle(document.body).backgroundColor);
  const dark = await paper();
  await page.click('text=Light');
  assert.notEqual(await paper(), dark);
  const again = await context.newPage();
  await again.goto(site.url);
  await until(again, (s) => s.nowUs > 0, 'runs');
  assert.equal(await again.evaluate(() => document.documentElement.dataset.theme), 'light');
});

test('with reduced motion the run goes on', async () => {
  const { page, faults } = await visit({ reducedMotion: 'reduce' });
  await until(page, (s) => s.counters.hits > 5, 'hits');
  assert.deepEqual(faults, []);
});

test('colours that can be read', async () => {
  for (const colorScheme of ['light', 'dark']) {
    const { page } = await visit({ colorScheme });
    const ratios = await page.evaluate(() => {
      const style = getComputedStyle(document.documentElement);
      const light = (name) => {
        const hex = style.getPropertyValue(name).trim();
        const [r, g, b] = [1, 3, 5].map((i) => {
          const c = Number.parseInt(hex.slice(i, i + 2), 16) / 255;
          return c <= 0.03928 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4;
        });
        return 0.2126 * r + 0.7152 * g + 0.0722 * b;
      };
      const ratio = (a, b) => (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
      const names = ['--ink', '--soft', '--hit', '--miss', '--write', '--stale', '--expired', '--focus'];
      return names.flatMap((name) =>
        ['--paper', '--sheet'].map((under) => [name, under, ratio(light(name), light(under))]));
    });
    for (const [name, under, ratio] of ratios) {
      assert.ok(ratio >= 4.5, `${colorScheme}: ${name} on ${under} has ${ratio.toFixed(2)}`);
    }
  }
});

test('without WebAssembly, or without the engine, there is a message', async () => {
  const context = await browser.newContext();
  opened.push({ context });
  const bare = await context.newPage();
  await bare.addInitScript(() => delete globalThis.WebAssembly);
  await bare.goto(site.url);
  await bare.waitForSelector('[role=alert]');
  assert.match(await bare.locator('main').innerText(), /no WebAssembly/);
  const cut = await context.newPage();
  await cut.route('**/*.wasm', (route) => route.abort());
  await cut.goto(site.url);
  await cut.waitForSelector('[role=alert]');
  assert.match(await cut.locator('main').innerText(), /could not be loaded/);
  const scriptless = await browser.newContext({ javaScriptEnabled: false });
  opened.push({ context: scriptless });
  const still = await scriptless.newPage();
  await still.goto(site.url);
  assert.match(await still.locator('main').innerText(), /WebAssembly, started by JavaScript/);
});
