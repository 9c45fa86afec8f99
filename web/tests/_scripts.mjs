// The text scripts of cache-core/tests/scripts for homes that are spoken to from JavaScript.
// cache-core/tests/scripts.rs says how they are written.
import { readFileSync, readdirSync } from 'node:fs';

const FOLDER = new URL('../../cache-core/tests/scripts/', import.meta.url);
/** Scripts begin on 1 January 2026. */
export const EPOCH_MS = 1_767_225_600_000;

/** Their names, without `.script`. */
export const names = readdirSync(FOLDER)
  .filter((name) => name.endsWith('.script'))
  .map((name) => name.slice(0, -'.script'.length))
  .sort();

/**
 * A script as steps: `{ does: 'send' | 'hear' | 'close' | 'advance', conn, line, ms, replies }`, with
 * `replies` undefined where they are no matter.
 */
export function steps(name) {
  const found = [];
  for (const text of readFileSync(new URL(`${name}.script`, FOLDER), 'utf8').split('\n')) {
    const command = /^(\d*)([><!])(.*)$/.exec(text);
    const time = /^@ \+(\d+)ms$/.exec(text);
    const end = /^@ close (\d+)$/.exec(text);
    if (command) {
      const [, digits, kind, line] = command;
      found.push({
        does: kind === '<' ? 'hear' : 'send',
        conn: Number(digits || 1),
        line: line.trim(),
        replies: kind === '!' ? undefined : '',
        text,
      });
    } else if (time) {
      found.push({ does: 'advance', ms: Number(time[1]) });
    } else if (end) {
      found.push({ does: 'close', conn: Number(end[1]) });
    } else if (text && !text.startsWith('#') && found.at(-1)?.replies !== undefined) {
      found.at(-1).replies += `${text}\n`;
    }
  }
  return found;
}

/**
 * Plays steps to a `Cache` of one's own and gives what came, in the order of the steps. It stands
 * alone, so that it can be sent into a page, which has a library of its own.
 */
export async function play({ library, steps, start }) {
  if (!library) {
    library = await import(new URL('pkg/larder_web.js', document.baseURI).href);
    await library.default();
  }
  const config = { 'enable-debug-command': 'yes' };
  const cache = new library.Cache({ seed: 1, start, config });
  const conns = new Map();
  const conn = (number) => {
    if (!conns.has(number)) {
      conns.set(number, cache.connect(`127.0.0.1:${50_000 + number}`, '127.0.0.1:6379'));
    }
    return conns.get(number);
  };
  const take = (number, shown) => {
    if (shown.endsWith('(closed)\n')) conns.delete(number);
    return shown;
  };
  const heard = steps.map((step) => {
    if (step.does === 'send') {
      const own = conn(step.conn);
      const line = step.line.replaceAll(/(?<=\s)\$ID(\d+)/g, (_, other) => conn(Number(other)));
      return take(step.conn, cache.send(own, line));
    }
    if (step.does === 'hear') return take(step.conn, cache.heard(conn(step.conn)));
    if (step.does === 'advance') cache.advance(step.ms);
    if (step.does === 'close' && conns.has(step.conn)) {
      cache.disconnect(conns.get(step.conn));
      conns.delete(step.conn);
    }
    return '';
  });
  cache.free();
  return heard;
}

/** Where what came (`undefined`: nothing to compare) is not what the script says. */
export function differences(steps, heard) {
  return steps
    .map((step, i) => ({ ...step, heard: heard[i] }))
    .filter(({ replies, heard }) => replies !== undefined && heard !== undefined)
    .filter(({ replies, heard }) => replies !== heard)
    .map(({ text, replies, heard }) => `${text}\nexpected:\n${replies}got:\n${heard}`);
}
