// The ordinary work of an application, by the real @upstash/redis.
import assert from 'node:assert/strict';
import { after, before, beforeEach, test } from 'node:test';
import { Redis } from '@upstash/redis';
import { READONLY_TOKEN, TOKEN, start, until } from './_larder.mjs';

let larder;
let redis;
before(async () => {
  larder = await start();
  redis = new Redis({ url: larder.url, token: TOKEN });
});
after(() => larder.stop());
beforeEach(() => redis.flushdb());

test('strings', async () => {
  assert.equal(await redis.set('greeting', 'hello'), 'OK');
  assert.equal(await redis.get('greeting'), 'hello');
  assert.equal(await redis.get('nothing'), null);
  assert.equal(await redis.append('greeting', ', world'), 12);
  assert.equal(await redis.getrange('greeting', 7, -1), 'world');
  assert.equal(await redis.set('greeting', 'x', { nx: true }), null);
  assert.equal(await redis.set('greeting', 'y', { xx: true, get: true }), 'hello, world');
  assert.equal(await redis.getdel('greeting'), 'y');
  assert.equal(await redis.set('ok', 'OK'), 'OK');
  assert.equal(await redis.get('ok'), 'OK');
  assert.equal(await redis.set('emoji', '🥫 déjà vu'), 'OK');
  assert.equal(await redis.get('emoji'), '🥫 déjà vu');
});

test('numbers', async () => {
  assert.equal(await redis.incr('n'), 1);
  assert.equal(await redis.incrby('n', 41), 42);
  assert.equal(await redis.decr('n'), 41);
  assert.equal(await redis.get('n'), 41);
  assert.equal(await redis.incrbyfloat('f', 1.5), 1.5);
});

test('values are serialized and read back without asking', async () => {
  const cart = { id: 7, items: [{ sku: 'jam', price: 3.5 }], gift: null, open: true };
  await redis.set('cart', cart);
  assert.deepEqual(await redis.get('cart'), cart);
  await redis.set('list', [1, 'two', { three: 3 }]);
  assert.deepEqual(await redis.get('list'), [1, 'two', { three: 3 }]);
  await redis.set('flag', false);
  assert.equal(await redis.get('flag'), false);
  const plain = new Redis({ url: larder.url, token: TOKEN, automaticDeserialization: false });
  assert.equal(await plain.get('cart'), JSON.stringify(cart));
  const unencoded = new Redis({ url: larder.url, token: TOKEN, responseEncoding: false });
  assert.deepEqual(await unencoded.get('cart'), cart);
});

test('several keys at once', async () => {
  assert.equal(await redis.mset({ a: 1, b: 'two', c: { d: 3 } }), 'OK');
  assert.deepEqual(await redis.mget('a', 'b', 'c', 'nothing'), [1, 'two', { d: 3 }, null]);
  assert.equal(await redis.exists('a', 'b', 'nothing'), 2);
  assert.equal(await redis.del('a', 'b'), 2);
  assert.equal(await redis.dbsize(), 1);
});

test('keys run out', async () => {
  assert.equal(await redis.set('short', 'x', { px: 300 }), 'OK');
  assert.equal(await redis.set('long', 'x', { ex: 100 }), 'OK');
  assert.ok((await redis.ttl('long')) > 90);
  assert.equal(await redis.persist('long'), 1);
  assert.equal(await redis.ttl('long'), -1);
  assert.equal(await redis.expire('long', 50), 1);
  assert.equal(await redis.get('short'), 'x');
  await until(async () => (await redis.get('short')) === null);
  assert.equal(await redis.ttl('short'), -2);
  assert.equal(await redis.getex('long', { persist: true }), 'x');
});

test('hashes', async () => {
  assert.equal(await redis.hset('user', { name: 'Ada', age: 36, tags: ['a', 'b'] }), 3);
  assert.deepEqual(await redis.hgetall('user'), { name: 'Ada', age: 36, tags: ['a', 'b'] });
  assert.equal(await redis.hget('user', 'name'), 'Ada');
  assert.deepEqual(await redis.hmget('user', 'name', 'nothing'), { name: 'Ada', nothing: null });
  assert.equal(await redis.hincrby('user', 'age', 1), 37);
  assert.equal(await redis.hexists('user', 'age'), 1);
  assert.equal(await redis.hlen('user'), 3);
  assert.deepEqual((await redis.hkeys('user')).sort(), ['age', 'name', 'tags']);
  assert.equal(await redis.hdel('user', 'tags'), 1);
  assert.equal(await redis.hgetall('nobody'), null);
  const [cursor, pairs] = await redis.hscan('user', 0);
  assert.deepEqual([cursor, pairs.length], ['0', 4]);
});

test('scanning meets every key once', async () => {
  const keys = Array.from({ length: 500 }, (_, i) => `key:${i}`);
  await redis.mset(Object.fromEntries(keys.map((key) => [key, 1])));
  const met = [];
  let cursor = '0';
  do {
    const [next, page] = await redis.scan(cursor, { match: 'key:*', count: 60 });
    met.push(...page);
    cursor = next;
  } while (cursor !== '0');
  assert.deepEqual(met.sort(), keys.sort());
  assert.equal((await redis.keys('key:1?')).length, 10);
});

test('pipelines, asked for and automatic', async () => {
  const results = await redis.pipeline().set('p', 1).incr('p').get('p').hset('h', { f: 1 }).exec();
  assert.deepEqual(results, ['OK', 2, 2, 1]);
  const kept = await redis
    .pipeline()
    .set('text', 'abc')
    .incr('text')
    .get('text')
    .exec({ keepErrors: true });
  assert.deepEqual(kept.map(({ result }) => result), ['OK', undefined, 'abc']);
  assert.match(kept[1].error, /not an integer/);
  // Without await in between they leave together: writes in one pipeline, reads in another.
  const written = await Promise.all([redis.set('auto', 5), redis.incr('auto'), redis.decr('auto')]);
  assert.deepEqual(written, ['OK', 6, 5]);
  const read = await Promise.all([redis.get('auto'), redis.get('text'), redis.exists('auto')]);
  assert.deepEqual(read, [5, 'abc', 1]);
});

test('transactions', async () => {
  const results = await redis.multi().set('m', 1).incr('m').get('m').exec();
  assert.deepEqual(results, ['OK', 2, 2]);
});

test('clients at the same time lose no update', async () => {
  const options = { url: larder.url, token: TOKEN, enableAutoPipelining: false };
  const clients = Array.from({ length: 8 }, () => new Redis(options));
  const each = async (client) => {
    for (let i = 0; i < 25; i++) await client.incr('shared');
  };
  await Promise.all(clients.map(each));
  assert.equal(await redis.get('shared'), 200);
});

test('errors reach the caller', async () => {
  await redis.set('text', 'abc');
  await assert.rejects(redis.incr('text'), /ERR value is not an integer/);
  await assert.rejects(redis.hget('text', 'f'), /WRONGTYPE/);
  const stranger = new Redis({ url: larder.url, token: 'wrong' });
  await assert.rejects(stranger.get('text'), /WRONGPASS invalid or missing auth token/);
  const reader = new Redis({ url: larder.url, token: READONLY_TOKEN });
  assert.equal(await reader.get('text'), 'abc');
  await assert.rejects(reader.set('text', 'x'), /NOPERM/);
});
