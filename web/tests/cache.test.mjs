// The JavaScript library in Node: `Cache`, as built into pkg/.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { Cache, CacheError, initSync } from '../../pkg/larder_web.js';

initSync({ module: readFileSync(new URL('../../pkg/larder_web_bg.wasm', import.meta.url)) });

const code = (wanted) => (error) =>
  error instanceof CacheError && error instanceof Error && error.code === wanted;

test('commands as one array or one argument each', () => {
  const cache = new Cache();
  assert.equal(cache.execute('SET', 'a', '1'), 'OK');
  assert.equal(cache.execute(['GET', 'a']), '1');
  assert.equal(cache.execute('SET', 'n', 42), 'OK');
  assert.equal(cache.execute('SET', 'big', 2n ** 60n), 'OK');
  assert.equal(cache.execute('GET', 'big'), String(2n ** 60n));
  assert.equal(cache.execute('GET', 'nobody'), null);
});

test('integers are numbers, and bigints past 2^53 - 1', () => {
  const cache = new Cache();
  assert.equal(cache.execute('INCRBY', 'n', Number.MAX_SAFE_INTEGER), Number.MAX_SAFE_INTEGER);
  assert.equal(cache.execute('INCR', 'n'), 2n ** 53n);
  assert.equal(cache.execute('DECRBY', 'm', '9223372036854775807'), -(2n ** 63n) + 1n);
});

test('strings that are UTF-8 are strings, others bytes', () => {
  const cache = new Cache();
  cache.execute('SET', 'text', 'Käse 🧀');
  assert.equal(cache.execute('GET', 'text'), 'Käse 🧀');
  const bytes = new Uint8Array([0, 255, 13, 10, 254]);
  cache.execute('SET', 'bytes', bytes);
  assert.deepEqual(cache.execute('GET', 'bytes'), bytes);
  cache.execute('SET', 'empty', '');
  assert.equal(cache.execute('GET', 'empty'), '');
});

test('maps keep their order and mean nothing by __proto__', () => {
  const cache = new Cache();
  cache.execute('HSET', 'h', '__proto__', 'x', '2', 'two', '1', 'one');
  const map = cache.execute('HGETALL', 'h');
  assert.ok(map instanceof Map);
  assert.equal(map.get('__proto__'), 'x');
  assert.equal(map.size, 3);
  assert.deepEqual(cache.execute('HMGET', 'h', '1', 'none'), ['one', null]);
});

test('errors are thrown with a code', () => {
  const cache = new Cache();
  cache.execute('SET', 'a', 'x');
  assert.throws(() => cache.execute('HSET', 'a', 'f', 'v'), code('WRONGTYPE'));
  assert.throws(() => cache.execute('INCR', 'a'), code('ERR'));
  assert.throws(() => cache.execute('NOSUCH'), /unknown command/);
  assert.throws(() => cache.execute(), code('ERR'));
  assert.throws(() => cache.execute('GET', {}), /string, a number, a bigint or a Uint8Array/);
  assert.throws(() => cache.execute('GET', NaN), code('ERR'));
  assert.equal(cache.execute('GET', 'a'), 'x', 'the cache goes on');
});

test('errors inside a transaction are values', () => {
  const cache = new Cache();
  cache.execute('SET', 'a', 'x');
  cache.execute('MULTI');
  assert.equal(cache.execute('INCR', 'a'), 'QUEUED');
  cache.execute('SET', 'b', '2');
  const [first, second] = cache.execute('EXEC');
  assert.ok(first instanceof CacheError);
  assert.equal(second, 'OK');
});

test('time stands still until it is moved', () => {
  const cache = new Cache({ start: 1_000_000 });
  cache.execute('SET', 'a', '1', 'EX', 10);
  assert.equal(cache.now(), 1_000_000);
  cache.advance(9_999);
  assert.equal(cache.execute('PTTL', 'a'), 1);
  cache.advance(1);
  // It lives through the millisecond at which it expires.
  assert.equal(cache.execute('GET', 'a'), '1');
  cache.advance(1);
  assert.equal(cache.execute('GET', 'a'), null);
  assert.equal(cache.stats().expired, 1);
  assert.throws(() => cache.advance(-1), code('ERR'));
  assert.throws(() => cache.advance(NaN), code('ERR'));
  cache.advance(1e12);
});

test('keys that nobody meets are removed as time goes on', () => {
  const cache = new Cache();
  for (let i = 0; i < 100; i += 1) cache.execute('SET', `k${i}`, 'v', 'PX', 100);
  assert.equal(cache.stats().keys, 100);
  cache.advance(60_000);
  const { keys, expired, expiredByCycle, usedMemory } = cache.stats();
  assert.deepEqual({ keys, expired, expiredByCycle, usedMemory }, {
    keys: 0, expired: 100, expiredByCycle: 100, usedMemory: 0,
  });
});

test('a clock of the caller', () => {
  let now = 5_000;
  const cache = new Cache({ clock: () => now });
  cache.execute('SET', 'a', '1', 'PX', 100);
  now += 50;
  assert.equal(cache.execute('PTTL', 'a'), 50);
  cache.advance(20);
  assert.equal(cache.execute('PTTL', 'a'), 30);
  now -= 1_000;
  assert.equal(cache.execute('PTTL', 'a'), 30, 'time never goes back');
  now += 1_100;
  assert.equal(cache.execute('GET', 'a'), null);
});

test('options, and those that are wrong', () => {
  const cache = new Cache({ maxmemory: '2kb', config: { 'maxmemory-policy': 'allkeys-lru' }, seed: 2n ** 63n });
  for (let i = 0; i < 100; i += 1) cache.execute('SET', `key:${i}`, 'x'.repeat(50));
  assert.ok(cache.stats().evicted > 0);
  assert.ok(cache.stats().usedMemory < 2048 + 200, 'room is made before a command, not after');
  assert.throws(() => new Cache({ maxmemory: 'lots' }), /maxmemory/);
  assert.throws(() => new Cache({ config: { 'no-such': 1 } }), /no-such/);
  assert.throws(() => new Cache({ max: 1 }), /no option is called max/);
  assert.throws(() => new Cache({ clock: 3 }), /clock must be a function/);
  assert.throws(() => new Cache({ seed: 'x' }), CacheError);
  assert.throws(() => new Cache(7), /must be an object/);
});

test('the same seed and calls give the same data; a fork goes its own way', () => {
  const fill = (cache) => {
    for (let i = 0; i < 50; i += 1) cache.execute('SET', `k${i}`, String(i));
    return cache;
  };
  const one = fill(new Cache({ seed: 3 }));
  const two = fill(new Cache({ seed: 3 }));
  assert.equal(one.digest(), two.digest());
  assert.deepEqual(one.execute('RANDOMKEY'), two.execute('RANDOMKEY'));
  const fork = one.fork();
  fork.execute('SET', 'only', 'here');
  assert.equal(one.execute('EXISTS', 'only'), 0);
  assert.equal(one.digest(), two.digest());
  one.free();
  assert.equal(fork.execute('GET', 'only'), 'here');
});

test('messages come apart from replies', () => {
  const cache = new Cache();
  cache.execute('SUBSCRIBE', 'news');
  assert.deepEqual(cache.messages(), [['subscribe', 'news', 1]]);
  assert.equal(cache.execute('PUBLISH', 'news', 'hello'), 1);
  assert.deepEqual(cache.messages(), [['message', 'news', 'hello']]);
  assert.deepEqual(cache.messages(), []);
});

test('a closed connection is followed by another', () => {
  const cache = new Cache();
  cache.execute('SET', 'a', '1');
  assert.equal(cache.execute('QUIT'), 'OK');
  assert.equal(cache.execute('GET', 'a'), '1');
});

test('a long value and many arguments', () => {
  const cache = new Cache();
  const long = 'x'.repeat(3_000_000);
  cache.execute('SET', 'long', long);
  assert.equal(cache.execute('STRLEN', 'long'), 3_000_000);
  const pairs = Array.from({ length: 20_000 }, (_, i) => `k${i}`);
  assert.equal(cache.execute(['MSET', ...pairs.flatMap((key) => [key, 'v'])]), 'OK');
  assert.equal(cache.execute(['EXISTS', ...pairs]), 20_000);
});
