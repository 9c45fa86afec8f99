// The text scripts in workerd, over HTTP. A connection ends with its request there, so that scripts
// about connections have no meaning; of the others each command is sent, whoever sends it.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { differences, names, steps } from '../../web/tests/_scripts.mjs';
import { show, words } from './_cli.mjs';
import { TOKEN, start } from './_larder.mjs';

/**
 * Scripts about connections, a server's own state or several databases, that need DEBUG, or in a
 * dialect that HTTP doesn't have.
 */
const OTHERS = [
  'blocking',
  'client',
  'client-list',
  'commandlog',
  'config',
  'connection',
  'generic',
  'geo-resp3',
  'hash-fields-due',
  'info',
  'latency',
  'notices',
  'pubsub',
  'replication',
  'server',
  'shard-pubsub',
  'sorted-sets-resp3',
  'tracking',
  'transactions',
];
const REFUSED = /^\(error\) ERR .* available over HTTP/;

let larder;
before(async () => {
  larder = await start();
});
after(() => larder.stop());

async function send(args) {
  const path = args.map((arg) => arg.reduce((all, byte) => `${all}%${byte.toString(16).padStart(2, '0')}`, ''));
  const isText = args.every((arg) => Buffer.from(arg.toString()).equals(arg));
  const response = await fetch(larder.url + (isText ? '/' : `/${path.join('/')}/`), {
    method: 'POST',
    headers: { authorization: `Bearer ${TOKEN}`, 'upstash-response-format': 'resp2' },
    body: isText ? JSON.stringify(args.map(String)) : undefined,
  });
  const type = response.headers.get('content-type');
  const reply = Buffer.from(await response.arrayBuffer());
  // Refused by the door, which speaks JSON.
  if (type === 'application/json') return `(error) ${JSON.parse(reply).error}\n`;
  return show(reply);
}

/**
 * Plays a script, and gives what came where it can be compared: not in the other dialect, not within a
 * transaction, and not where it may rest on a command that was refused, until all is flushed.
 */
async function play(script) {
  const heard = [];
  const otherDialect = new Set();
  const queues = new Map();
  let misses = false;
  await send(words('FLUSHALL'));
  for (const { does, ms, line, conn, replies } of script) {
    let shown;
    if (does === 'advance') await sleep(ms);
    if (does === 'send') {
      const command = line.toLowerCase();
      const queue = queues.get(conn);
      if (command.startsWith('hello 3')) otherDialect.add(conn);
      if (command.startsWith('hello 2')) otherDialect.delete(conn);
      if (command.startsWith('flushall')) misses = false;
      if (command === 'multi') queues.set(conn, []);
      else if (command === 'exec') for (const queued of queue ?? []) await send(queued);
      else if (queue) queue.push(words(line));
      else shown = await send(words(line));
      if (command === 'exec' || command === 'discard') queues.delete(conn);
      const refused = REFUSED.test(shown ?? '');
      const isOwn = /^(hello|client)\b/.test(command);
      misses ||= refused && !isOwn && !replies?.startsWith('(error)');
      // It would wait; here it is answered as if its time were up.
      misses ||= replies === '' && shown === '(nil)\n';
      if (refused || misses || replies === '' || otherDialect.has(conn)) shown = undefined;
    }
    heard.push(shown);
  }
  return heard;
}

for (const name of names.filter((name) => !OTHERS.includes(name))) {
  test(`${name}.script`, async () => {
    const script = steps(name);
    const heard = await play(script);
    const compared = heard.filter((shown) => shown !== undefined);
    assert.ok(compared.length > script.length / 4, `only ${compared.length} replies compared`);
    assert.deepEqual(differences(script, heard), []);
  });
}
