// node-redis with every type of value, blocking commands, streams, iterators and its own cache.

import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, test } from 'node:test';
import { createClient, RESP_TYPES } from 'redis';
import { larder } from './_larder.mjs';
import { until } from './_until.mjs';

let server;

before(async () => {
  server = await larder();
});

after(async () => {
  await server?.stop();
});

for (const RESP of [2, 3]) {
  describe(`RESP${RESP}`, () => {
    let client;
    const connect = async (options = {}) => {
      const url = `redis://127.0.0.1:${server.port}`;
      return createClient({ url, RESP, ...options }).connect();
    };
    const waiting = async () => /blocked_clients:(\d+)/.exec(await client.info('clients'))[1];
    const among = (count) => until(async () => (await waiting()) === `${count}`);

    before(async () => {
      client = await connect();
    });
    beforeEach(() => client.flushAll());
    after(() => client.close());

    test('lists and sets', async () => {
      assert.equal(await client.rPush('l', ['a', 'b', 'c']), 3);
      assert.deepEqual(await client.lRange('l', 0, -1), ['a', 'b', 'c']);
      assert.equal(await client.lMove('l', 'other', 'LEFT', 'RIGHT'), 'a');
      assert.deepEqual(await client.lPopCount('l', 5), ['b', 'c']);
      assert.equal(await client.sAdd('s', ['a', 'b']), 2);
      assert.equal(await client.sAdd('t', ['b', 'c']), 2);
      assert.deepEqual([...(await client.sUnion(['s', 't']))].sort(), ['a', 'b', 'c']);
      assert.deepEqual([...(await client.sInter(['s', 't']))], ['b']);
      assert.equal(await client.sIsMember('s', 'a'), 1);
    });

    test('sorted sets and places', async () => {
      const members = [{ value: 'a', score: 1 }, { value: 'b', score: 2.5 }];
      assert.equal(await client.zAdd('z', members), 2);
      assert.deepEqual(await client.zRangeWithScores('z', 0, -1), members);
      assert.equal(await client.zScore('z', 'b'), 2.5);
      assert.equal(await client.zIncrBy('z', 4, 'a'), 5);
      assert.equal(await client.zRevRank('z', 'a'), 0);
      assert.deepEqual(await client.zPopMin('z'), { value: 'b', score: 2.5 });
      await client.geoAdd('g', [
        { longitude: 13.361389, latitude: 38.115556, member: 'Palermo' },
        { longitude: 15.087269, latitude: 37.502669, member: 'Catania' },
      ]);
      assert.equal(await client.geoDist('g', 'Palermo', 'Catania', 'km'), 166.2742);
      const near = await client.geoSearch('g', 'Palermo', { radius: 10, unit: 'km' });
      assert.deepEqual(near, ['Palermo']);
    });

    test('iterators', async () => {
      const numbers = Array.from({ length: 300 }, (_, n) => `${n}`);
      await client.multi().sAdd('s', numbers).hSet('h', numbers.flatMap((n) => [n, n]))
        .zAdd('z', numbers.map((n) => ({ value: n, score: Number(n) }))).exec();
      const sorted = (found) => [...new Set(found)].sort((a, b) => a - b);
      const found = { keys: [], s: [], h: [], z: [] };
      for await (const keys of client.scanIterator({ TYPE: 'set' })) found.keys.push(...keys);
      for await (const members of client.sScanIterator('s')) found.s.push(...members);
      for await (const all of client.hScanIterator('h')) found.h.push(...all.map((e) => e.value));
      for await (const all of client.zScanIterator('z')) found.z.push(...all.map((e) => e.score));
      assert.deepEqual(found.keys, ['s']);
      for (const key of ['s', 'h', 'z']) assert.deepEqual(sorted(found[key]).map(String), numbers);
    });

    test('waiting', async () => {
      const one = await connect();
      const other = await connect();
      const first = one.blPop(['none', 'jobs'], 5);
      await among(1);
      const second = other.blMove('jobs', 'done', 'LEFT', 'RIGHT', 5);
      await among(2);
      await client.rPush('jobs', ['a', 'b']);
      assert.deepEqual(await first, { key: 'jobs', element: 'a' });
      assert.equal(await second, 'b');
      assert.equal(await one.blPop('jobs', 0.05), null);
      const popped = one.bzPopMax('z', 5);
      await among(1);
      await client.zAdd('z', { value: 'top', score: 9 });
      assert.deepEqual(await popped, { key: 'z', value: 'top', score: 9 });
      await one.close();
      await other.close();
    });

    test('a stream and a group', async () => {
      const id = await client.xAdd('log', '*', { level: 'info' });
      await client.xGroupCreate('log', 'readers', '0');
      const ask = (id) => client.xReadGroup('readers', 'me', { key: 'log', id }, { COUNT: 10 });
      const message = (reply) => (Array.isArray(reply) ? reply[0].messages : reply.log)[0];
      const got = message(await ask('>'));
      assert.deepEqual([got.id, { ...got.message }], [id, { level: 'info' }]);
      assert.equal(await ask('>'), null);
      const pending = await client.xPending('log', 'readers');
      assert.deepEqual([pending.pending, pending.firstId], [1, id]);
      const { messages } = await client.xAutoClaim('log', 'readers', 'you', 0, '0');
      assert.equal(messages[0].id, id);
      assert.equal(await client.xAck('log', 'readers', id), 1);
      assert.equal((await client.xInfoStream('log')).length, 1);
      assert.equal((await client.xInfoGroups('log'))[0].pending, 0);
    });

    test('bits and counts, as bytes too', async () => {
      await client.setBit('b', 0, 1);
      const bytes = client.withTypeMapping({ [RESP_TYPES.BLOB_STRING]: Buffer });
      assert.deepEqual(await bytes.get('b'), Buffer.from([128]));
      assert.equal(await client.bitCount('b'), 1);
      await client.pfAdd('h', ['a', 'b']);
      assert.equal(await client.pfCount('h'), 2);
    });

    test('shard channels and notifications', async () => {
      const listener = await connect();
      const heard = [];
      await listener.sSubscribe('orders', (message) => heard.push(message));
      await client.configSet('notify-keyspace-events', 'KEA');
      const event = (key, channel) => heard.push(`${channel} ${key}`);
      await listener.pSubscribe('__keyevent@0__:*', event);
      assert.equal(await client.sPublish('orders', 'one'), 1);
      await client.lPush('l', 'x');
      await until(() => heard.length === 2);
      assert.deepEqual(heard, ['one', '__keyevent@0__:lpush l']);
      await client.configSet('notify-keyspace-events', '');
      await listener.close();
    });
  });
}

test('its own cache is told what changed', async () => {
  const url = `redis://127.0.0.1:${server.port}`;
  const options = { url, RESP: 3, clientSideCache: { ttl: 0, maxEntries: 100 } };
  const cached = await createClient(options).connect();
  const writer = await createClient({ url }).connect();
  await writer.set('name', 'Ada');
  const hits = async () => /keyspace_hits:(\d+)/.exec(await writer.info('stats'))[1];
  assert.equal(await cached.get('name'), 'Ada');
  const before = await hits();
  for (let n = 0; n < 10; n++) assert.equal(await cached.get('name'), 'Ada');
  assert.equal(await hits(), before);
  await writer.set('name', 'Bob');
  await until(async () => (await cached.get('name')) === 'Bob');
  await writer.del('name');
  await until(async () => (await cached.get('name')) === null);
  await cached.close();
  await writer.close();
});
