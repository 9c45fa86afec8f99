// The REST protocol by raw requests: status codes, forms, and input that is wrong.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { READONLY_TOKEN, TOKEN, start } from './_larder.mjs';

let larder;
before(async () => {
  larder = await start();
});
after(() => larder.stop());

const ask = (path, options) => larder.ask(path, options);
const one = async (...body) => (await ask('/', { body })).json;

test('a command in the body, in the path, and both', async () => {
  assert.deepEqual(await one('SET', 'foo', 'bar'), { result: 'OK' });
  assert.deepEqual((await ask('/get/foo', { method: 'GET' })).json, { result: 'bar' });
  assert.deepEqual((await ask('/get/nothing', { method: 'GET' })).json, { result: null });
  assert.deepEqual((await ask('/set/json?EX=100', { body: '{"a":[1]}' })).json, { result: 'OK' });
  assert.deepEqual(await one('GET', 'json'), { result: '{"a":[1]}' });
  const { result } = await one('TTL', 'json');
  assert.ok(result > 90 && result <= 100, String(result));
  assert.deepEqual((await ask('/set/a%2Fb/c%20d/PX/90000', { method: 'PUT' })).json, {
    result: 'OK',
  });
  assert.deepEqual(await one('get', 'a/b'), { result: 'c d' });
});

test('replies keep their types', async () => {
  assert.deepEqual(await one('DEL', 'types'), { result: 0 });
  assert.deepEqual(await one('HSET', 'types', 'a', 1, 'b', 2.5, 'c', true), { result: 3 });
  assert.deepEqual(await one('HGETALL', 'types'), { result: ['a', '1', 'b', '2.5', 'c', 'true'] });
  assert.deepEqual(await one('MGET', 'foo', 'no'), { result: ['bar', null] });
  assert.deepEqual(await one('PING'), { result: 'PONG' });
  assert.deepEqual(await one('TYPE', 'types'), { result: 'hash' });
});

test('numbers keep every digit', async () => {
  const body = '["SET", "n", 12345678901234567890123]';
  assert.equal((await ask('/', { body })).status, 200);
  assert.deepEqual(await one('GET', 'n'), { result: '12345678901234567890123' });
});

test('whoever has no token stays out', async () => {
  for (const token of ['', 'wrong', `${TOKEN}x`, TOKEN.slice(1)]) {
    const answer = await ask('/get/foo', { method: 'GET', token });
    assert.equal(answer.status, 401, token);
    assert.match(answer.json.error, /^WRONGPASS /);
    assert.equal(answer.headers.get('www-authenticate'), 'Bearer');
  }
  const answer = await ask(`/get/foo?_token=${TOKEN}`, { method: 'GET', token: '' });
  assert.deepEqual([answer.status, answer.json], [200, { result: 'bar' }]);
  const basic = { authorization: `Basic ${btoa(`x:${TOKEN}`)}` };
  assert.equal((await ask('/', { token: '', headers: basic, body: ['PING'] })).status, 401);
});

test('a token may be there to read only', async () => {
  const token = READONLY_TOKEN;
  assert.deepEqual((await ask('/get/foo', { token })).json, { result: 'bar' });
  for (const body of [['SET', 'foo', 'x'], ['KEYS', '*'], ['FLUSHALL'], ['CONFIG', 'GET', '*']]) {
    const answer = await ask('/', { token, body });
    assert.equal(answer.status, 400);
    assert.match(answer.json.error, /^NOPERM /);
  }
  const mixed = await ask('/pipeline', { token, body: [['GET', 'foo'], ['DEL', 'foo']] });
  assert.equal(mixed.status, 200);
  assert.deepEqual(mixed.json[0], { result: 'bar' });
  assert.match(mixed.json[1].error, /^NOPERM /);
});

test('errors of commands are 400 with the text of Redis', async () => {
  await one('SET', 'text', 'abc');
  for (const [body, error] of [
    [['INCR', 'text'], 'ERR value is not an integer or out of range'],
    [['GET'], "ERR wrong number of arguments for 'get' command"],
    [['HGET', 'text', 'f'], 'WRONGTYPE Operation against a key holding the wrong kind of value'],
  ]) {
    const answer = await ask('/', { body });
    assert.deepEqual([answer.status, answer.json], [400, { error }]);
  }
  assert.match((await ask('/', { body: ['NOSUCH', 'x'] })).json.error, /^ERR unknown command/);
});

test('what cannot be done over HTTP says so', async () => {
  for (const body of [['SUBSCRIBE', 'c'], ['MULTI'], ['WATCH', 'k'], ['CLIENT', 'REPLY', 'OFF']]) {
    const answer = await ask('/', { body });
    assert.equal(answer.status, 400);
    assert.match(answer.json.error, /not available over HTTP/);
  }
  assert.equal((await ask('/subscribe/c')).status, 400);
});

test('a pipeline goes on past an error', async () => {
  const body = [['SET', 'p', 'x'], ['INCR', 'p'], ['GET', 'p'], ['NOSUCH']];
  const { status, json } = await ask('/pipeline', { body });
  assert.equal(status, 200);
  assert.deepEqual(json.slice(0, 3), [
    { result: 'OK' },
    { error: 'ERR value is not an integer or out of range' },
    { result: 'x' },
  ]);
  assert.match(json[3].error, /^ERR unknown command/);
});

test('a transaction runs whole or not at all', async () => {
  const good = await ask('/multi-exec', { body: [['SET', 't', '1'], ['INCR', 't'], ['GET', 't']] });
  assert.deepEqual(good.json, [{ result: 'OK' }, { result: 2 }, { result: '2' }]);
  const bad = await ask('/multi-exec', { body: [['SET', 't', '9'], ['GET']] });
  assert.equal(bad.status, 400);
  assert.match(bad.json.error, /^EXECABORT .*wrong number of arguments/);
  assert.deepEqual(await one('GET', 't'), { result: '2' });
  const partly = await ask('/multi-exec', { body: [['SET', 't', 'x'], ['INCR', 't']] });
  assert.deepEqual(partly.json, [
    { result: 'OK' },
    { error: 'ERR value is not an integer or out of range' },
  ]);
});

test('base64 and RESP2', async () => {
  const encoded = { 'Upstash-Encoding': 'base64' };
  assert.deepEqual((await ask('/set/b/caf%C3%A9', { headers: encoded })).json, { result: 'OK' });
  assert.deepEqual((await ask('/get/b', { headers: encoded })).json, { result: 'Y2Fmw6k=' });
  const resp = { 'Upstash-Response-Format': 'resp2' };
  const raw = await ask('/get/b', { headers: resp });
  assert.equal(raw.text, '$5\r\ncafé\r\n');
  assert.equal(raw.headers.get('content-type'), 'application/octet-stream');
  assert.equal((await ask('/get/b', { headers: { ...resp, ...encoded } })).status, 400);
  assert.equal((await ask('/get/b', { headers: { 'Upstash-Encoding': 'rot13' } })).status, 400);
});

test('binary values come back as they went in', async () => {
  const bytes = Uint8Array.from({ length: 256 }, (_, i) => i);
  assert.equal((await ask('/set/binary', { body: bytes })).status, 200);
  const answer = await ask('/get/binary', { headers: { 'Upstash-Encoding': 'base64' } });
  assert.deepEqual(new Uint8Array(Buffer.from(answer.json.result, 'base64')), bytes);
});

test('bodies that are no commands', async () => {
  for (const body of ['', '{}', '[', 'null', '"GET"', '[]', '[null]', '[["GET"]]', '["GET",{}]']) {
    const answer = await ask('/', { body });
    assert.equal(answer.status, 400, body);
    assert.match(answer.json.error, /^ERR /, body);
  }
  for (const body of ['[]', '["GET","a"]', '[[]]', '{"a":1}']) {
    assert.equal((await ask('/pipeline', { body })).status, 400, body);
    assert.equal((await ask('/multi-exec', { body })).status, 400, body);
  }
});

test('a million open brackets', async () => {
  for (const path of ['/', '/pipeline', '/multi-exec']) {
    assert.equal((await ask(path, { body: '['.repeat(1_000_000) })).status, 400);
  }
});

test('a body that is too large, announced or not', async () => {
  const size = 10 * 1024 * 1024 + 1;
  assert.equal((await ask('/set/large', { body: 'x'.repeat(size) })).status, 413);
  const piece = new Uint8Array(1 << 20);
  let left = 11;
  const body = new ReadableStream({
    pull(controller) {
      if (left-- > 0) controller.enqueue(piece);
      else controller.close();
    },
  });
  assert.equal((await ask('/set/large', { body })).status, 413);
  assert.deepEqual(await one('EXISTS', 'large'), { result: 0 });
});

test('values of several megabytes', async () => {
  const value = 'abcdefgh'.repeat(1 << 19);
  assert.equal((await ask('/set/big', { body: value })).status, 200);
  assert.equal((await ask('/get/big')).json.result, value);
});

test('replies that are too large', async () => {
  const body = Array.from({ length: 12 }, () => ['GET', 'big']);
  const answer = await ask('/pipeline', { body });
  assert.equal(answer.status, 413);
  assert.match(answer.json.error, /replies are larger/);
  assert.deepEqual(await one('PING'), { result: 'PONG' });
});

test('methods', async () => {
  for (const method of ['DELETE', 'PATCH']) {
    const answer = await ask('/get/foo', { method });
    assert.equal(answer.status, 405);
    assert.match(answer.headers.get('allow'), /POST/);
  }
  for (const path of ['/', '/pipeline', '/multi-exec']) {
    assert.equal((await ask(path, { method: 'GET' })).status, 405, path);
  }
  const head = await ask('/get/foo', { method: 'HEAD' });
  assert.deepEqual([head.status, head.text], [200, '']);
});

test('pages of other origins may ask', async () => {
  const headers = { origin: 'https://example.org', 'access-control-request-headers': 'authorization' };
  const answer = await ask('/', { method: 'OPTIONS', token: '', headers });
  assert.equal(answer.status, 204);
  assert.equal(answer.headers.get('access-control-allow-origin'), '*');
  assert.equal(answer.headers.get('access-control-allow-headers'), 'authorization');
  assert.equal((await ask('/', { body: ['PING'] })).headers.get('access-control-allow-origin'), '*');
});

test('no token is ever printed', () => {
  assert.ok(!larder.lines.some((line) => line.includes(TOKEN) || line.includes(READONLY_TOKEN)));
});

test('without a token configured nobody gets in, and the reason is told', async () => {
  const open = await start({ bindings: { LARDER_TOKEN: '', LARDER_READONLY_TOKEN: '' } });
  try {
    const answer = await open.ask('/', { token: 'any', body: ['PING'] });
    assert.equal(answer.status, 500);
    assert.match(answer.json.error, /LARDER_TOKEN is not set/);
  } finally {
    await open.stop();
  }
});

test('a setting that is wrong is named', async () => {
  for (const [name, value] of [['LARDER_MAXMEMORY', 'plenty'], ['LARDER_HOUSEKEEPING', 'soon']]) {
    const wrong = await start({ bindings: { [name]: value } });
    try {
      const answer = await wrong.ask('/', { body: ['PING'] });
      assert.equal(answer.status, 500);
      assert.ok(answer.json.error.includes(`${name}=${value}`), answer.json.error);
    } finally {
      await wrong.stop();
    }
  }
});
