// Starts the built Worker in workerd, without the network, as wrangler.toml describes it.
import { readFileSync } from 'node:fs';
import { Log, LogLevel, Miniflare } from 'miniflare';

export const TOKEN = 'a-token-of-the-tests';
export const READONLY_TOKEN = 'a-token-that-only-reads';

const build = new URL('../build/', import.meta.url);
const config = readFileSync(new URL('../wrangler.toml', import.meta.url), 'utf8');
const compatibilityDate = /^compatibility_date = "(.*)"/m.exec(config)[1];

/** Collects what the Worker prints. */
class Lines extends Log {
  lines = [];
  constructor() {
    super(LogLevel.ERROR);
  }
  log(line) {
    this.lines.push(String(line));
  }
}

/**
 * @param {{ persist?: string, bindings?: Record<string, string> }} options `persist`: the
 *   directory where Durable Objects are kept; without it they end with the instance.
 */
export async function start({ persist, bindings = {} } = {}) {
  const log = new Lines();
  const miniflare = new Miniflare({
    log,
    // What the Worker prints would otherwise be taken for the test's own output.
    handleRuntimeStdio(stdout, stderr) {
      for (const stream of [stdout, stderr]) stream.on('data', (text) => log.log(text));
    },
    host: '127.0.0.1',
    port: 0,
    compatibilityDate,
    modules: [
      { type: 'ESModule', path: 'index.js', contents: readFileSync(new URL('index.js', build)) },
      {
        type: 'CompiledWasm',
        path: 'index_bg.wasm',
        contents: readFileSync(new URL('index_bg.wasm', build)),
      },
    ],
    bindings: {
      LARDER_TOKEN: TOKEN,
      LARDER_READONLY_TOKEN: READONLY_TOKEN,
      ...bindings,
    },
    durableObjects: { LARDER: { className: 'LarderCache', useSQLite: true } },
    durableObjectsPersist: persist ?? false,
    cf: false,
  });
  const url = (await miniflare.ready).origin;
  return {
    url,
    miniflare,
    lines: log.lines,
    stop: () => miniflare.dispose(),
    /** Sends a request and takes the answer apart. */
    async ask(path, { token = TOKEN, method = 'POST', headers = {}, body } = {}) {
      const authorization = token ? { authorization: `Bearer ${token}` } : {};
      const response = await fetch(url + path, {
        method,
        headers: { ...authorization, ...headers },
        body: Array.isArray(body) ? JSON.stringify(body) : body,
        ...(body instanceof ReadableStream ? { duplex: 'half' } : {}),
      });
      const text = await response.text();
      const isJson = response.headers.get('content-type') === 'application/json';
      return {
        status: response.status,
        headers: response.headers,
        text,
        json: isJson && text ? JSON.parse(text) : undefined,
      };
    },
  };
}

/** Waits until `check` gives something true, at most ten seconds. */
export async function until(check) {
  for (let i = 0; i < 200; i++) {
    if (await check()) return;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error('it did not happen within ten seconds');
}
