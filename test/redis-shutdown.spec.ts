import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { freePort } from './services/free-port.js';
import { startRedis } from './services/redis-server.js';
import { startTcpProxy } from './services/tcp-proxy.js';
import { ROOT } from './support/root.js';

const APPLICATION = join(ROOT, 'test/support/redis-application.mjs');
/** The deadline of `close`, the time to return jobs, and as much again for a busy machine. */
const LONGEST_MS = 10_000;

/** Brings a Redis into a state, before or after the application has connected to it. */
interface Fault {
  port: number;
  strike(): Promise<void>;
  repair(): Promise<void>;
}

async function unreachable(): Promise<Fault> {
  return { port: await freePort(), strike: async () => {}, repair: async () => {} };
}

async function dying(): Promise<Fault> {
  const server = await startRedis();
  return { port: server.port, strike: () => server.kill(), repair: () => server.stop() };
}

/** Accepts connections and never answers. */
async function hanging({ fromTheStart }: { fromTheStart: boolean }): Promise<Fault> {
  const server = await startRedis();
  const proxy = await startTcpProxy(server.port);
  if (fromTheStart) proxy.stall();
  return {
    port: proxy.port,
    strike: async () => proxy.stall(),
    async repair() {
      await proxy.stop();
      await server.stop();
    },
  };
}

const FAULTS: Record<string, () => Promise<Fault>> = {
  'was never reachable': unreachable,
  'died while it ran': dying,
  'hangs from the start': () => hanging({ fromTheStart: true }),
  'hangs after a while': () => hanging({ fromTheStart: false }),
};

async function outputOf(child: ChildProcess, text: RegExp): Promise<void> {
  let output = '';
  for await (const chunk of child.stdout!.iterator({ destroyOnReturn: false })) {
    output += String(chunk);
    if (text.test(output)) return;
  }
  throw new Error(`the application ended after: ${output}`);
}

describe.concurrent('A process that has closed its queue in Redis', () => {
  for (const [name, begin] of Object.entries(FAULTS)) {
    it.each(['producer', 'worker', 'both'])(
      `ends by itself if Redis ${name} and its role is %s`,
      async (role) => {
        const fault = await begin();
        const child = spawn(process.execPath, [APPLICATION, String(fault.port), role], {
          cwd: ROOT,
          stdio: ['pipe', 'pipe', 'inherit'],
        });
        try {
          const exit = once(child, 'exit');
          await outputOf(child, /connected/);
          await fault.strike();
          child.stdin.end();
          const timer = setTimeout(() => child.kill('SIGKILL'), LONGEST_MS);
          expect(await exit).toEqual([0, null]);
          clearTimeout(timer);
        } finally {
          child.kill('SIGKILL');
          await fault.repair();
        }
      },
      60_000,
    );
  }
});
