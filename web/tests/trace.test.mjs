// The same seed gives the same trace natively and in WebAssembly.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { initSync, rehearse, simulate } from '../../pkg/larder_web.js';

initSync({ module: readFileSync(new URL('../../pkg/larder_web_bg.wasm', import.meta.url)) });

/** What an example of larder-sim prints, natively. */
function native(example, ...args) {
  const cargo = ['run', '--quiet', '--package', 'larder-sim', '--example', example, '--', ...args];
  return execFileSync('cargo', cargo, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] });
}

test('one run that goes through everything', () => {
  for (const seed of [1, 2, 77]) {
    assert.equal(rehearse(BigInt(seed)), native('rehearsal', String(seed)));
  }
});

test('the shop under traffic', () => {
  const told = native('shop', '--seed', '7', '--ms', '20000', '--rate', '20', '--quiet');
  assert.ok(told.includes(simulate(7n, 20_000)), told);
  assert.notEqual(simulate(7n, 20_000), simulate(8n, 20_000));
});
