// ioredis with every type of value, blocking commands, streams and messages, in both protocols.

import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, test } from 'node:test';
import { Redis } from 'ioredis';
import { larder } from './_larder.mjs';
import { until } from './_until.mjs';

let server;

before(async () => {
  server = await larder();
});

after(async () => {
  await server?.stop();
});

for (const protocol of [2, 3]) {
  describe(`RESP${protocol}`, () => {
    let redis;
    const connect = () => new Redis({ port: server.port, host: '127.0.0.1', protocol });
    const waiting = async () => /blocked_clients:(\d+)/.exec(await redis.info('clients'))[1];
    const among = (count) => until(async () => (await waiting()) === `${count}`);

    before(() => {
      redis = connect();
    });
    beforeEach(() => redis.flushall());
    after(() => redis.quit());

    test('lists', async () => {
      assert.equal(await redis.rpush('l', 'a', 'b', 'c'), 3);
      assert.equal(await redis.lpush('l', 'z'), 4);
      assert.deepEqual(await redis.lrange('l', 0, -1), ['z', 'a', 'b', 'c']);
      assert.equal(await redis.lpop('l'), 'z');
      assert.deepEqual(await redis.rpop('l', 2), ['c', 'b']);
      assert.equal(await redis.lmove('l', 'other', 'LEFT', 'RIGHT'), 'a');
      assert.equal(await redis.lpop('l'), null);
      assert.deepEqual(await redis.lmpop(2, 'l', 'other', 'LEFT'), ['other', ['a']]);
    });

    test('sets and sorted sets', async () => {
      assert.equal(await redis.sadd('s', 'a', 'b', 'c'), 3);
      assert.equal(await redis.sadd('t', ['b', 'c', 'd']), 3);
      assert.deepEqual((await redis.sinter('s', 't')).sort(), ['b', 'c']);
      assert.deepEqual(await redis.sdiff('s', 't'), ['a']);
      assert.deepEqual(await redis.smismember('s', 'a', 'x'), [1, 0]);
      assert.equal(await redis.zadd('z', 1, 'one', 2, 'two', 3.5, 'more'), 3);
      assert.deepEqual(await redis.zrange('z', 0, -1), ['one', 'two', 'more']);
      assert.deepEqual(await redis.zrangebyscore('z', '(1', '+inf'), ['two', 'more']);
      assert.equal(Number(await redis.zscore('z', 'more')), 3.5);
      assert.equal(Number(await redis.zincrby('z', 2, 'one')), 3);
      assert.equal(await redis.zrank('z', 'one'), 1);
      assert.deepEqual(`${await redis.zpopmin('z')}`, 'two,2');
      assert.deepEqual(`${await redis.zrange('z', 0, 0, 'WITHSCORES')}`, 'one,3');
    });

    test('bits, counts and places', async () => {
      await redis.setbit('b', 7, 1);
      assert.equal(await redis.bitcount('b'), 1);
      assert.deepEqual(await redis.bitfield('b', 'INCRBY', 'u4', '#2', 5, 'GET', 'u8', 0), [5, 1]);
      assert.equal(await redis.pfadd('h', 'a', 'b', 'c', 'a'), 1);
      assert.equal(await redis.pfcount('h'), 3);
      await redis.geoadd('g', 13.361389, 38.115556, 'Palermo', 15.087269, 37.502669, 'Catania');
      assert.equal(Number(await redis.geodist('g', 'Palermo', 'Catania', 'km')), 166.2742);
      const near = ['FROMLONLAT', 15, 37, 'BYRADIUS', 200, 'km', 'ASC'];
      assert.deepEqual(await redis.geosearch('g', ...near), ['Catania', 'Palermo']);
    });

    test('scan streams', async () => {
      const numbers = Array.from({ length: 500 }, (_, n) => `${n}`);
      await redis.sadd('s', numbers);
      await redis.zadd('z', ...numbers.flatMap((n) => [n, n]));
      await redis.hset('h', ...numbers.flatMap((n) => [n, n]));
      const all = async (stream, step) => {
        const found = new Set();
        for await (const part of stream) {
          for (let at = 0; at < part.length; at += step) found.add(part[at]);
        }
        return [...found].sort((a, b) => a - b);
      };
      assert.deepEqual(await all(redis.sscanStream('s', { count: 50 }), 1), numbers);
      assert.deepEqual(await all(redis.zscanStream('z', { count: 50 }), 2), numbers);
      assert.deepEqual(await all(redis.hscanStream('h', { count: 50 }), 2), numbers);
    });

    test('several wait for a list', async () => {
      const waiters = [connect(), connect(), connect()];
      const served = [];
      for (const [n, waiter] of waiters.entries()) {
        waiter.blpop('none', 'jobs', 5).then((reply) => served.push([n, ...reply]));
        await among(n + 1);
      }
      await redis.rpush('jobs', 'first', 'second');
      await until(() => served.length === 2);
      assert.deepEqual(served.sort(), [[0, 'jobs', 'first'], [1, 'jobs', 'second']]);
      await redis.multi().rpush('jobs', 'third', 'fourth').rpop('jobs').exec();
      await until(() => served.length === 3);
      assert.deepEqual(served[2], [2, 'jobs', 'third']);
      assert.equal(await waiters[0].blpop('jobs', 0.05), null);
      assert.equal(await waiters[0].blmove('jobs', 'x', 'LEFT', 'LEFT', 0.05), null);
      const popped = waiters[1].bzpopmin('z', 5);
      await among(1);
      await redis.zadd('z', 1, 'low', 2, 'high');
      assert.equal(`${await popped}`, 'z,low,1');
      await Promise.all(waiters.map((waiter) => waiter.quit()));
    });

    test('a stream and a group', async () => {
      const reader = connect();
      const next = reader.xread('BLOCK', 5000, 'STREAMS', 'log', '$');
      await among(1);
      const id = await redis.xadd('log', '*', 'level', 'info', 'text', 'up');
      const entries = (reply) => (Array.isArray(reply) ? reply.flat(1)[1] : reply.log);
      const entry = [id, ['level', 'info', 'text', 'up']];
      assert.deepEqual(entries(await next), [entry]);
      assert.deepEqual(await redis.xrange('log', '-', '+'), [entry]);

      assert.equal(await redis.xgroup('CREATE', 'log', 'readers', '0'), 'OK');
      await assert.rejects(redis.xgroup('CREATE', 'log', 'readers', '0'), /BUSYGROUP/);
      const ask = ['GROUP', 'readers', 'me', 'COUNT', 10, 'STREAMS', 'log'];
      assert.equal(entries(await redis.xreadgroup(...ask, '>'))[0][0], id);
      assert.equal(await redis.xreadgroup(...ask, '>'), null);
      assert.deepEqual(await redis.xpending('log', 'readers'), [1, id, id, [['me', '1']]]);
      const [following, claimed] = await redis.xautoclaim('log', 'readers', 'you', 0, '0');
      assert.deepEqual([following, claimed[0][0]], ['0-0', id]);
      assert.equal(await redis.xack('log', 'readers', id), 1);
      assert.equal(await redis.xtrim('log', 'MAXLEN', 0), 1);
      await reader.quit();
    });

    test('notifications and shard channels', async () => {
      await redis.config('SET', 'notify-keyspace-events', 'KEA');
      const listener = connect();
      const heard = [];
      const key = (channel) => channel.split(':')[1];
      listener.on('pmessage', (_, channel, event) => heard.push(`${key(channel)} ${event}`));
      listener.on('smessage', (channel, message) => heard.push(`${channel} ${message}`));
      await listener.psubscribe('__keyspace@0__:*');
      await redis.set('k', 1, 'PX', 20);
      await redis.sadd('s', 'a');
      await redis.srem('s', 'a');
      await until(() => heard.includes('k expired'));
      const of = (key) => heard.filter((text) => text.startsWith(key));
      assert.deepEqual(of('k'), ['k set', 'k expire', 'k expired']);
      assert.deepEqual(of('s'), ['s sadd', 's srem', 's del']);
      await redis.config('SET', 'notify-keyspace-events', '');
      await listener.ssubscribe('orders');
      assert.equal(await redis.spublish('orders', 'one'), 1);
      await until(() => heard.at(-1) === 'orders one');
      await listener.quit();
    });

    test('a monitor', async () => {
      const monitor = await redis.monitor();
      const seen = [];
      monitor.on('monitor', (_time, words) => seen.push(words.join(' ')));
      await redis.set('watched', 'x');
      await until(() => seen.includes('set watched x'));
      monitor.disconnect();
    });
  });
}
