import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { AsyncRoutingBackend, MemoryBackend, Tracker } from 'nestjs-event-tracking';
import { DiskEventQueue } from 'nestjs-event-tracking/disk';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { runNode, type Run } from './support/run-node.js';
import { ROOT } from './support/root.js';

const PROGRAM = join(ROOT, 'test/support/exiting-application.mjs');
const LOST = (places: string): string =>
  `The process exits, and events of the tracker 'shop' that were still pending are lost: ${places}. ` +
  `Await tracker.close() before the process exits, or use a durable queue.`;

const endWith = (ending: string, ...args: string[]): Promise<Run> =>
  runNode([PROGRAM, ending, ...args], { cwd: ROOT });

const linesAbout = ({ output }: Run): string[] =>
  output.split('\n').filter((line) => line.includes("'shop'"));

describe('A process that ends with pending events', () => {
  it.each([
    ['process.exit()', 'exit', 0],
    ['an uncaught exception', 'throws', 1],
    ['an unhandled rejection', 'rejects', 1],
    ['nothing left to do', 'returns', 0],
  ])('reports them in one line after %s', async (_, ending, code) => {
    const run = await endWith(ending);
    expect(linesAbout(run)).toEqual([LOST(`3 at 'crm'`)]);
    expect(run.code).toBe(code);
  });

  it('reports nothing after SIGTERM without a handler, which no code can see', async () => {
    const run = await endWith('terminated');
    expect(run).toEqual({ code: null, output: '' });
  });

  it('reports nothing if its tracker was closed', async () => {
    expect(await endWith('closed')).toEqual({ code: 0, output: '' });
  });
});

describe('A process with a queue on disk', () => {
  let directory: string;

  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'exit-'));
  });

  afterEach(() => rm(directory, { recursive: true, force: true }));

  async function delivered(count = 3): Promise<unknown[]> {
    const memory = new MemoryBackend();
    const tracker = new Tracker({
      name: 'shop',
      backends: {
        crm: new AsyncRoutingBackend({
          queue: new DiskEventQueue({ directory }),
          backends: { crm: memory },
        }),
      },
    });
    await vi.waitFor(() => expect(memory.events.length).toBeGreaterThanOrEqual(count), 5_000);
    await tracker.close();
    return [...new Set(memory.events.map(({ data }) => data['number']))].sort();
  }

  it.each([
    ['process.exit()', 'exit', 0],
    ['an uncaught exception', 'throws', 1],
    ['an unhandled rejection', 'rejects', 1],
  ])('keeps its events after %s, and reports nothing of them', async (_, ending, code) => {
    const run = await endWith(ending, directory);
    expect(linesAbout(run)).toEqual([]);
    expect(run.code).toBe(code);
    expect(await delivered()).toEqual([0, 1, 2]);
  });

  it('reports nothing if tracker.persisted() has confirmed the events', async () => {
    expect(await endWith('persisted', directory)).toEqual({ code: 0, output: '' });
    expect(await readdir(directory)).toEqual(['0']);
    expect(await delivered()).toEqual([0, 1, 2]);
  });

  it('keeps events that were emitted just before, beside those in its store', async () => {
    expect(await endWith('laterExit', directory)).toEqual({ code: 0, output: '' });
    expect(await delivered(4)).toEqual([0, 1, 2, 3]);
  });

  it('keeps the events of many exits, and leaves one store once they are delivered', async () => {
    for (let exit = 0; exit < 3; exit++) await endWith('exit', directory);
    expect((await readdir(directory)).filter((name) => name.startsWith('exit-'))).toHaveLength(3);
    await delivered(9);
    expect(await readdir(directory)).toEqual(['0']);
  });

  it('reports its events where the disk does not take them', async () => {
    await rm(directory, { recursive: true });
    await writeFile(directory, 'a file is in the way');
    const { output } = await endWith('exit', directory);
    expect(output).toContain('directory must be one that this process can write to');
  });
});

describe('Trackers of one process', () => {
  const runScript = (script: string): Promise<Run> =>
    runNode(['--expose-gc', '--input-type=module', '-e', script], { cwd: ROOT });

  it('report each their own pending events, through one listener', async () => {
    const { output } = await runScript(`
      import { DeliveringBackend, Tracker } from 'nestjs-event-tracking';
      const never = { send: () => new Promise(() => {}) };
      for (const name of ['shop', 'audit', 'idle']) {
        const backends = { crm: new DeliveringBackend(never), plain: never };
        const tracker = new Tracker({ name, backends });
        if (name !== 'idle') tracker.emit('order.paid');
        if (name === 'audit') tracker.emit('order.paid');
      }
      const before = process.listenerCount('exit');
      for (let count = 0; count < 100; count++) new Tracker();
      console.log('further listeners: ' + (process.listenerCount('exit') - before));
      process.exit(0);
    `);
    expect(output).toContain('further listeners: 0\n');
    expect(output).toContain(LOST(`1 at 'crm', 1 at 'plain'`));
    expect(output).toContain(
      `of the tracker 'audit' that were still pending are lost: 2 at 'crm', 2 at 'plain'`,
    );
    expect(output.trimEnd().split('\n')).toHaveLength(3);
  });

  it('are garbage-collected, although they were never closed', async () => {
    const { output } = await runScript(`
      import { MemoryBackend, Tracker } from 'nestjs-event-tracking';
      let left = 1_000;
      const registry = new FinalizationRegistry(() => left--);
      for (let count = 0; count < 1_000; count++) {
        const tracker = new Tracker({ backends: { memory: new MemoryBackend() } });
        tracker.emit('order.paid');
        registry.register(tracker);
      }
      for (let turn = 0; turn < 20 && left > 1; turn++) {
        await new Promise((resolve) => setTimeout(resolve, 10));
        gc();
      }
      console.log('left: ' + left);
    `);
    expect(output).toMatch(/^left: [01]\n$/);
  });
});
