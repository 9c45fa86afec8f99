// The text scripts against the JavaScript library in Node.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import * as library from '../../pkg/larder_web.js';
import { EPOCH_MS, differences, names, play, steps } from './_scripts.mjs';

const { initSync } = library;
initSync({ module: readFileSync(new URL('../../pkg/larder_web_bg.wasm', import.meta.url)) });

assert.ok(names.length > 30, 'there are scripts');
for (const name of names) {
  test(`${name}.script`, async () => {
    const script = steps(name);
    assert.deepEqual(differences(script, await play({ library, steps: script, start: EPOCH_MS })), []);
  });
}
