// node web/tests/screenshots.mjs OUTDIR: pictures of the page in mid-traffic, to be looked at.
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { launch, open, serve, until } from './_site.mjs';

const dir = process.argv[2];
if (!dir) throw new Error('node web/tests/screenshots.mjs OUTDIR');
mkdirSync(dir, { recursive: true });

const SHOTS = [
  { name: 'light', colorScheme: 'light' },
  { name: 'dark', colorScheme: 'dark' },
  { name: 'light-full', colorScheme: 'light', full: true, busy: true },
  { name: 'off', colorScheme: 'light', off: true },
  { name: 'tablet', colorScheme: 'light', viewport: { width: 800, height: 1100 } },
  { name: 'phone', colorScheme: 'light', viewport: { width: 390, height: 844 }, deviceScaleFactor: 2 },
  { name: 'phone-full', colorScheme: 'dark', viewport: { width: 390, height: 844 }, full: true, busy: true },
  { name: 'phone-360', colorScheme: 'light', viewport: { width: 360, height: 640 }, full: true },
];

/** Uses the consoles, so that there is something to see in them. */
async function use(page) {
  await page.fill('#line', 'SET greeting "hello" EX 60');
  await page.press('#line', 'Enter');
  await page.fill('#line', 'HGETALL nobody');
  await page.press('#line', 'Enter');
  await page.fill('#line', 'GET product:2');
  await page.press('#line', 'Enter');
  await page.fill('#line', 'LPUSH greeting x');
  await page.press('#line', 'Enter');
  await page.click('#tab-database');
  await page.fill('#line', 'SELECT id, name, price_cents FROM products WHERE price_cents > 3000');
  await page.press('#line', 'Enter');
  await page.waitForSelector('.output .grid');
  await page.fill('#line', 'UPDATE products SET price_cents = price_cents + 100 WHERE id <= 3');
  await page.press('#line', 'Enter');
  await page.click('#tab-cache');
  await page.fill('#line', 'set key');
  await page.click('#read');
}

const site = await serve();
const browser = await launch();
try {
  for (const { name, full, busy, off, ...options } of SHOTS) {
    if (process.argv[3] && !process.argv[3].split(',').includes(name)) continue;
    const { page, context, faults } = await open(browser, site.url, options);
    await until(page, (s) => s.nowUs > 7e6, 'seven seconds have gone by', 40_000);
    if (off) {
      await page.click('.switch:not(.small)');
      await new Promise((done) => setTimeout(done, 4000));
    }
    if (busy) await use(page);
    await new Promise((done) => setTimeout(done, 700));
    await page.screenshot({ path: join(dir, `${name}.png`), fullPage: Boolean(full) });
    if (faults.length > 0) console.log(name, faults);
    await context.close();
  }
} finally {
  await browser.close();
  await site.close();
}
