// node-redis does its ordinary work against larder.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { createClient, WatchError } from 'redis';
import { larder } from './_larder.mjs';

let server;
let client;

before(async () => {
  server = await larder();
  client = createClient({ url: `redis://127.0.0.1:${server.port}`, name: 'tester' });
  await client.connect();
});

after(async () => {
  await client?.close();
  await server?.stop();
});

test('strings', async () => {
  assert.equal(await client.set('name', 'Larder'), 'OK');
  assert.equal(await client.get('name'), 'Larder');
  assert.equal(await client.get('none'), null);
  assert.equal(await client.incrBy('count', 42), 42);
  await client.mSet({ a: '1', b: '2' });
  assert.deepEqual(await client.mGet(['a', 'none', 'b']), ['1', null, '2']);
  assert.equal(await client.exists(['a', 'b', 'none']), 2);
});

test('hashes', async () => {
  assert.equal(await client.hSet('user', { name: 'Ada', city: 'London' }), 2);
  assert.deepEqual({ ...(await client.hGetAll('user')) }, { name: 'Ada', city: 'London' });
  await assert.rejects(client.get('user'), /WRONGTYPE/);
});

test('expiry', async () => {
  await client.set('short', 'x', { expiration: { type: 'PX', value: 30 } });
  assert.ok((await client.pTTL('short')) > 0);
  await sleep(100);
  assert.equal(await client.get('short'), null);
});

test('transactions', async () => {
  assert.deepEqual(await client.multi().set('p', '1').incr('p').get('p').exec(), ['OK', 2, '2']);
  const other = client.duplicate();
  await other.connect();
  await client.watch('p');
  await other.set('p', 'meanwhile');
  await assert.rejects(client.multi().set('p', 'too late').exec(), WatchError);
  await other.close();
});

test('a thousand at once', async () => {
  const numbers = Array.from({ length: 1000 }, (_, n) => n);
  await Promise.all(numbers.map((n) => client.set(`many:${n}`, `${n}`)));
  const found = new Set();
  for await (const keys of client.scanIterator({ MATCH: 'many:*', COUNT: 100 })) {
    for (const key of keys) found.add(key);
  }
  assert.equal(found.size, 1000);
});

test('messages', async () => {
  const subscriber = client.duplicate();
  await subscriber.connect();
  const heard = [];
  await subscriber.subscribe('news', (message, channel) => heard.push([channel, message]));
  await subscriber.pSubscribe('user:*', (message, channel) => heard.push([channel, message]));
  assert.equal(await client.publish('news', 'hello'), 1);
  assert.equal(await client.publish('user:7', 'login'), 1);
  for (let waited = 0; heard.length < 2 && waited < 500; waited++) await sleep(10);
  assert.deepEqual(heard, [['news', 'hello'], ['user:7', 'login']]);
  await subscriber.unsubscribe();
  await subscriber.pUnsubscribe();
  await subscriber.close();
});

test('the server', async () => {
  assert.equal(await client.clientGetName(), 'tester');
  assert.match(await client.info(), /redis_version:/);
  const names = (await client.clientList()).map(({ name }) => name);
  assert.ok(names.includes('tester'), names.join());
  assert.deepEqual({ ...(await client.configGet('maxclients')) }, { maxclients: '10000' });
  assert.equal(await client.ping(), 'PONG');
  assert.ok((await client.commandCount()) > 50);
});

test('a password', async () => {
  const locked = await larder('--requirepass', 'secret');
  const url = `redis://:secret@127.0.0.1:${locked.port}`;
  const known = createClient({ url });
  await known.connect();
  assert.equal(await known.ping(), 'PONG');
  await known.close();
  const stranger = createClient({
    url: url.replace('secret', 'wrong'),
    // Or it would try again for ever.
    socket: { reconnectStrategy: false },
  });
  stranger.on('error', () => {});
  await assert.rejects(stranger.connect(), /WRONGPASS/);
  await locked.stop();
});
