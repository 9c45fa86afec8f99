// ioredis does its ordinary work against larder.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { Redis } from 'ioredis';
import { larder, larderAt } from './_larder.mjs';

let server;
let redis;

before(async () => {
  server = await larder();
  redis = new Redis({ port: server.port, host: '127.0.0.1', connectionName: 'tester' });
});

after(async () => {
  await redis?.quit();
  await server?.stop();
});

test('strings', async () => {
  assert.equal(await redis.set('name', 'Larder'), 'OK');
  assert.equal(await redis.get('name'), 'Larder');
  assert.equal(await redis.get('none'), null);
  assert.equal(await redis.incrby('count', 42), 42);
  assert.equal(await redis.set('name', 'x', 'NX'), null);
  await redis.mset({ a: 1, b: 2 });
  assert.deepEqual(await redis.mget('a', 'none', 'b'), ['1', null, '2']);
  const bytes = Buffer.from([0, 255, 13, 10, 128]);
  await redis.set('bytes', bytes);
  assert.deepEqual(await redis.getBuffer('bytes'), bytes);
});

test('hashes', async () => {
  assert.equal(await redis.hset('user', { name: 'Ada', city: 'London' }), 2);
  assert.deepEqual(await redis.hgetall('user'), { name: 'Ada', city: 'London' });
  assert.equal(await redis.hincrby('user', 'age', 36), 36);
  await assert.rejects(redis.get('user'), /WRONGTYPE/);
});

test('expiry', async () => {
  await redis.set('short', 'x', 'PX', 30);
  assert.ok((await redis.pttl('short')) > 0);
  await sleep(100);
  assert.equal(await redis.get('short'), null);
});

test('pipelines and transactions', async () => {
  const results = await redis.pipeline().set('p', 1).incr('p').hget('p', 'f').exec();
  assert.deepEqual(results.slice(0, 2), [[null, 'OK'], [null, 2]]);
  assert.match(results[2][0].message, /WRONGTYPE/);
  assert.deepEqual(await redis.multi().incr('p').get('p').exec(), [[null, 3], [null, '3']]);

  const other = redis.duplicate();
  await redis.watch('p');
  await other.set('p', 'meanwhile');
  assert.equal(await redis.multi().set('p', 'too late').exec(), null);
  await other.quit();
});

test('a thousand at once', async () => {
  const numbers = Array.from({ length: 1000 }, (_, n) => n);
  await Promise.all(numbers.map((n) => redis.set(`many:${n}`, n)));
  const values = await Promise.all(numbers.map((n) => redis.get(`many:${n}`)));
  assert.deepEqual(values, numbers.map(String));
  const found = new Set();
  for await (const keys of redis.scanStream({ match: 'many:*', count: 100 })) {
    for (const key of keys) found.add(key);
  }
  assert.equal(found.size, 1000);
});

test('messages', async () => {
  const subscriber = redis.duplicate();
  const heard = [];
  subscriber.on('message', (channel, message) => heard.push([channel, message]));
  subscriber.on('pmessage', (pattern, channel, message) => heard.push([pattern, channel, message]));
  assert.equal(await subscriber.subscribe('news'), 1);
  assert.equal(await subscriber.psubscribe('user:*'), 2);
  assert.equal(await redis.publish('news', 'hello'), 1);
  assert.equal(await redis.publish('user:7', 'login'), 1);
  for (let waited = 0; heard.length < 2 && waited < 500; waited++) await sleep(10);
  assert.deepEqual(heard, [['news', 'hello'], ['user:*', 'user:7', 'login']]);
  assert.equal(await subscriber.unsubscribe('news'), 1);
  await subscriber.quit();
});

test('the server', async () => {
  assert.equal(await redis.client('GETNAME'), 'tester');
  assert.match(await redis.info('server'), /redis_version:/);
  assert.equal(await redis.config('SET', 'timeout', '0'), 'OK');
  assert.equal(await redis.dbsize() > 0, true);
});

test('coming back after the server was gone', async () => {
  const mortal = await larder();
  const client = new Redis({ port: mortal.port, host: '127.0.0.1', retryStrategy: () => 20 });
  client.on('error', () => {});
  assert.equal(await client.ping(), 'PONG');
  await mortal.stop();
  const waiting = client.ping();
  const risen = await larderAt(mortal.port);
  assert.equal(await waiting, 'PONG');
  await client.quit();
  await risen.stop();
});
