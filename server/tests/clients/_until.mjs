// Waits for what others bring about.

import { setTimeout as sleep } from 'node:timers/promises';

/// Comes back when the condition holds; five seconds without it are a failure.
export async function until(condition) {
  for (let waited = 0; waited < 500; waited++) {
    if (await condition()) return;
    await sleep(10);
  }
  throw new Error('it did not come to pass within five seconds');
}
