// Fleets of nodes under faults: the same seed gives the same run natively and in WebAssembly, to the byte.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { createRequire } from 'node:module';
import { test } from 'node:test';

const root = new URL('../../', import.meta.url);
const out = new URL('target/fleet-wasm/', root).pathname;
/** What a trace may take. */
const maxBuffer = 1 << 30;

function run(program, ...args) {
  const stdio = ['ignore', 'pipe', 'inherit'];
  return execFileSync(program, args, { cwd: root, encoding: 'utf8', stdio, maxBuffer });
}

/** The trace and what came of it, natively. */
function native(seed) {
  const cargo = ['run', '--quiet', '--package', 'larder-sim', '--example', 'fleet', '--'];
  const told = run('cargo', ...cargo, '--seed', String(seed), '--trace');
  // Behind it stands how long it took.
  return told.slice(0, told.indexOf('\n1 seeds, ') + 1);
}

function load() {
  const target = 'wasm32-unknown-unknown';
  run('cargo', 'build', '--quiet', '--package', 'larder-sim-wasm', '--target', target);
  const wasm = `target/${target}/debug/larder_sim_wasm.wasm`;
  run('wasm-bindgen', '--target', 'nodejs', '--out-dir', out, wasm);
  return createRequire(import.meta.url)(`${out}larder_sim_wasm.js`);
}

test('a fleet under faults', () => {
  const { trace } = load();
  for (const seed of [3, 9]) {
    const told = trace(BigInt(seed));
    const lines = told.split('\n');
    const expected = native(seed).split('\n');
    assert.ok(lines.length > 1000, `${lines.length} lines`);
    // One that differs is told, and not both traces.
    const at = lines.findIndex((line, index) => line !== expected[index]);
    assert.equal(lines[at], expected[at], `seed ${seed}, line ${at + 1}`);
    assert.equal(lines.length, expected.length);
  }
});
