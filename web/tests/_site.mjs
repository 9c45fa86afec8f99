// What the page's tests share: a static server as any host would be, under a path of its own, and a
// browser.
import { createReadStream, statSync } from 'node:fs';
import { createServer } from 'node:http';
import { extname, join, normalize } from 'node:path';
import { chromium } from 'playwright-core';

const ROOT = new URL('../../', import.meta.url).pathname;
/** The page must not care under which path it stands. */
const BASE = '/some/where/';
const TYPES = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript',
  '.mjs': 'text/javascript',
  '.css': 'text/css',
  '.wasm': 'application/wasm',
};
const ARGS = [
  '--no-sandbox',
  '--disable-gpu',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

/** Serves index.html and pkg/, and nothing else. `asked` lists the paths that were asked for. */
export async function serve() {
  const asked = [];
  const server = createServer((request, response) => {
    const path = decodeURIComponent(new URL(request.url, 'http://localhost').pathname);
    asked.push(path);
    const name = normalize(path.slice(BASE.length) || 'index.html');
    const known = path.startsWith(BASE) && (name === 'index.html' || name.startsWith('pkg/'));
    const file = join(ROOT, name);
    if (!known || !statSync(file, { throwIfNoEntry: false })?.isFile()) {
      response.writeHead(404).end();
      return;
    }
    response.writeHead(200, { 'content-type': TYPES[extname(name)] ?? 'application/octet-stream' });
    createReadStream(file).pipe(response);
  });
  await new Promise((done) => server.listen(0, '127.0.0.1', done));
  const url = `http://127.0.0.1:${server.address().port}${BASE}`;
  const close = () => {
    server.closeAllConnections();
    return new Promise((done) => server.close(done));
  };
  return { url, asked, close };
}

/** A headless Chromium. */
export function launch(extra = []) {
  const executablePath = process.env.CHROMIUM ?? '/usr/bin/chromium';
  return chromium.launch({ executablePath, args: [...ARGS, ...extra] });
}

/** Opens the page and waits until its run goes on. `faults` gathers what the console complains of. */
export async function open(browser, url, options = {}) {
  const context = await browser.newContext({ viewport: { width: 1280, height: 800 }, ...options });
  const page = await context.newPage();
  const faults = [];
  page.on('console', (message) => {
    if (['error', 'warning'].includes(message.type())) faults.push(message.text());
  });
  page.on('pageerror', (error) => faults.push(String(error)));
  await page.goto(url);
  await until(page, (state) => state.nowUs > 0, 'the run goes on');
  return { page, context, faults };
}

/** The engine's own state. */
export const state = (page) => page.evaluate(() => globalThis.larder?.state());

/** Waits until the engine's state is as wanted, and gives it. */
export async function until(page, wanted, what, ms = 15_000) {
  const end = Date.now() + ms;
  let last;
  while (Date.now() < end) {
    last = await state(page);
    if (last && wanted(last)) return last;
    await new Promise((done) => setTimeout(done, 40));
  }
  throw new Error(`not within ${ms} ms: ${what}; last seen: ${JSON.stringify(last)?.slice(0, 2000)}`);
}
