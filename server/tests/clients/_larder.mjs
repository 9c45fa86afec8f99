// Starts larder for a test in Node, and ends it.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

async function freePort() {
  const probe = createServer().listen(0, '127.0.0.1');
  await once(probe, 'listening');
  const { port } = probe.address();
  probe.close();
  await once(probe, 'close');
  return port;
}

function answers(port) {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    socket.on('connect', () => resolve(true)).on('error', () => resolve(false));
    socket.on('connect', () => socket.destroy());
  });
}

/// Starts a server with these options on a free port: `{ port, stop }`.
export async function larder(...options) {
  for (let attempt = 0; attempt < 5; attempt++) {
    const server = await larderAt(await freePort(), ...options);
    if (server) return server;
  }
  throw new Error(`larder does not start with ${options}`);
}

/// Starts a server on this port. Nothing comes back when someone else has it.
export async function larderAt(port, ...options) {
  const args = ['serve', '--bind', '127.0.0.1', '--port', `${port}`, '--http-port', '0', '--save', ''];
  const child = spawn(process.env.LARDER_BIN, [...args, '--loglevel', 'warning', ...options], {
    stdio: ['ignore', 'inherit', 'inherit'],
  });
  const ended = once(child, 'exit');
  const stop = async () => {
    child.kill('SIGTERM');
    const [code] = await ended;
    if (code !== 0) throw new Error(`larder ended with status ${code}`);
  };
  for (let waited = 0; waited < 1000 && child.exitCode === null; waited++) {
    if (await answers(port)) return { port, stop };
    await sleep(10);
  }
  child.kill('SIGKILL');
  return undefined;
}
