// Sessions of express-session in larder, kept by connect-redis over node-redis.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { after, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { RedisStore } from 'connect-redis';
import session from 'express-session';
import { createClient } from 'redis';
import { larder } from './_larder.mjs';

let server;
let client;

before(async () => {
  server = await larder();
  client = createClient({ url: `redis://127.0.0.1:${server.port}` });
  await client.connect();
});

after(async () => {
  await client?.close();
  await server?.stop();
});

test('a site that counts visits', async () => {
  const store = new RedisStore({ client, prefix: 'site:' });
  const options = { store, resave: false, saveUninitialized: false, secret: 'keyboard cat' };
  const withSession = session({ ...options, cookie: { maxAge: 60_000 } });
  const site = createServer((request, response) => {
    withSession(request, response, () => {
      if (request.url === '/leave') return request.session.destroy(() => response.end('gone'));
      request.session.visits = (request.session.visits ?? 0) + 1;
      return response.end(`${request.session.visits}`);
    });
  });
  await once(site.listen(0, '127.0.0.1'), 'listening');
  const visit = async (cookie, path = '/') => {
    const url = `http://127.0.0.1:${site.address().port}${path}`;
    const reply = await fetch(url, { headers: cookie ? { cookie } : {} });
    return [await reply.text(), reply.headers.get('set-cookie')?.split(';')[0]];
  };
  const [first, cookie] = await visit();
  assert.equal(first, '1');
  assert.equal((await visit(cookie))[0], '2');
  assert.equal((await visit(cookie))[0], '3');
  const [other, another] = await visit();
  assert.equal(other, '1');
  assert.notEqual(another, cookie);
  assert.equal(await store.length(), 2);
  const [key] = await client.keys('site:*');
  const ttl = await client.ttl(key);
  assert.ok(ttl > 50 && ttl <= 60, `${ttl}`);
  assert.equal((await visit(cookie, '/leave'))[0], 'gone');
  assert.equal((await visit(cookie))[0], '1');
  site.closeAllConnections();
  site.close();
});

test('the store itself', async () => {
  const store = new RedisStore({ client, prefix: 'own:', ttl: 100 });
  await store.set('one', { cookie: {}, user: 'Ada' });
  assert.equal((await store.get('one')).user, 'Ada');
  assert.equal(await client.ttl('own:one'), 100);
  assert.equal(await store.get('none'), null);
  for (let n = 0; n < 300; n++) await store.set(`many:${n}`, { cookie: {}, n });
  assert.equal(await store.length(), 301);
  assert.equal((await store.all()).length, 301);
  assert.ok((await store.ids()).includes('many:299'));
  await store.destroy('one');
  assert.equal(await store.length(), 300);

  await store.set('short', { cookie: { expires: new Date(Date.now() + 1000) } });
  await sleep(1300);
  assert.equal(await store.get('short'), null);
  await store.clear();
  assert.equal(await store.length(), 0);
});
