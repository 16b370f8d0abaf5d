import { execFile } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { appendFile, mkdtemp, readdir, readFile, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { Queue } from 'bullmq';
import {
  DeliveringBackend,
  Redelivery,
  RoutingBackend,
  Tracker,
  type DeadLetter,
  type DeadLetterStore,
  type TrackingEvent,
} from 'nestjs-event-tracking';
import { DeadLetterQueue } from 'nestjs-event-tracking/bullmq';
import { DeadLetterFiles } from 'nestjs-event-tracking/disk';
import { RecordingBackend } from 'nestjs-event-tracking/testing';
import { afterEach, beforeEach, describe, expect, inject, it, vi } from 'vitest';
import { letterOf } from './support/letter-of.js';
import { ROOT } from './support/root.js';
import { runNode } from './support/run-node.js';

let directory: string;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'dead-letters-'));
});

afterEach(() => rm(directory, { recursive: true, force: true }));

async function lettersIn(store: DeadLetterStore): Promise<DeadLetter[]> {
  const letters: DeadLetter[] = [];
  for await (const letter of store.read()) letters.push(letter);
  return letters;
}

const names = (events: readonly TrackingEvent[]): string[] => events.map(({ name }) => name);

describe('Dead letters in files', () => {
  it('are removed from all files if an event was given up again after a crash', async () => {
    const letters = new DeadLetterFiles(directory);
    const twice = letterOf('twice');
    await letters.sendBatch([twice]);
    await letters.sendBatch([twice, letterOf('once')]);
    const [first] = await lettersIn(letters);
    await letters.remove([first!]);
    expect(names(await lettersIn(letters))).toEqual(['once']);
  });

  it('are read and removed around damaged lines, which are logged and kept', async () => {
    const error = vi.fn<(text: string) => void>();
    const letters = new DeadLetterFiles(directory, { warn: error, error });
    await letters.sendBatch([letterOf('a'), letterOf('b')]);
    const [file] = await readdir(directory);
    await appendFile(join(directory, file!), '{"id":"half a let');
    await symlink('9.ndjson', join(directory, '9.ndjson')); // unreadable
    const all = await lettersIn(letters);
    expect(names(all)).toEqual(['a', 'b']);
    expect(error.mock.calls.flat()).toEqual([
      expect.stringMatching(
        /ndjson cannot be read completely: line 3 is not a dead letter: .*half a let/,
      ),
      expect.stringMatching(/9\.ndjson cannot be read completely: .*ELOOP/),
    ]);
    await letters.remove(all);
    expect((await readdir(directory)).toSorted()).toEqual([file, '9.ndjson'].toSorted());
    expect(await readFile(join(directory, file!), 'utf8')).toBe('{"id":"half a let\n');
  });

  it('leave no partial file when the disk is full', async () => {
    const program = `
      import { DeadLetterQueue } from 'nestjs-event-tracking/bullmq';
import { DeadLetterFiles } from 'nestjs-event-tracking/disk';
      const letters = new DeadLetterFiles(process.argv[1]);
      await letters.sendBatch([${JSON.stringify(letterOf('large'))}].map((letter) => ({ ...letter, data: { noise: 'x'.repeat(4_096) } })))
        .catch(({ code }) => console.log(code));
    `;
    const limited = `trap '' XFSZ; ulimit -S -f 1; exec "$0" "$@"`;
    const { stdout } = await promisify(execFile)(
      'bash',
      ['-c', limited, process.execPath, '--input-type=module', '-e', program, directory],
      { cwd: ROOT },
    );
    expect(stdout).toBe('RETRYABLE_DELIVERY\n');
    expect(await readdir(directory)).toEqual([]);
  });
});

describe('Dead letters in Redis', () => {
  const { hostname: host, port } = new URL(inject('redisUrl'));
  const address = {
    connection: { host, port: Number(port) },
    name: `letters-${randomUUID().slice(0, 8)}`,
    prefix: '{event-tracking}',
  };

  it('are read around jobs that are not dead letters, which are logged', async () => {
    const error = vi.fn<(text: string) => void>();
    const letters = new DeadLetterQueue(address, { warn: error, error });
    await letters.sendBatch([letterOf('a')]);
    const queue = new Queue(`${address.name}-dead-letters`, address);
    await queue.add('of another release', { v: 2 }, { jobId: 'strange' });
    await letters.sendBatch([letterOf('b')]);
    expect(names(await lettersIn(letters))).toEqual(['a', 'b']);
    expect(error.mock.calls.flat()).toEqual([
      expect.stringMatching(/job strange .* not a dead letter/),
    ]);
    await queue.obliterate({ force: true });
    await queue.close();
  });
});

describe('The command purge', () => {
  it('needs no more memory for more dead letters', async () => {
    const letters = new DeadLetterFiles(join(directory, 'dead-letters'));
    const some = Array.from({ length: 100 }, (_, index) =>
      letterOf(`${index}`, { noise: 'x'.repeat(50_000) }),
    );
    for (let file = 0; file < 16; file++) {
      await letters.sendBatch(some.map((letter) => ({ ...letter, id: randomUUID() })));
    }
    const cli = join(ROOT, 'libs/event-tracking/dist/cli/main.js');
    const run = await runNode([
      '--max-old-space-size=50',
      cli,
      'purge',
      '--from',
      directory,
      '--all',
    ]);
    expect(run).toEqual({ code: 0, output: '1600 dead letters were removed.\n' });
    expect(await readdir(letters.directory)).toEqual([]);
  });
});

describe('Redelivery', () => {
  it('delivers more events than fit into the memory of a backend', async () => {
    const crm = new RecordingBackend();
    const tracker = new Tracker({ backends: { crm } });
    const letters = ['a', 'b', 'c'].map((name) =>
      letterOf(name, { noise: 'x'.repeat(40 * 2 ** 20) }),
    );
    const redelivery = new Redelivery(() => tracker);
    expect(await redelivery.deliver(letters)).toEqual([]);
    expect(names(crm.events)).toEqual(['a', 'b', 'c']);
    await redelivery.end();
    await tracker.close();
  });

  it('waits for room in the backends of a node', async () => {
    const crm = new RecordingBackend();
    const leaf = new DeliveringBackend(crm, { capacity: 2 });
    const tracker = new Tracker({
      backends: { node: new RoutingBackend({ backends: { crm: leaf } }) },
    });
    const redelivery = new Redelivery(() => tracker, { target: 'node' });
    const all = ['a', 'b', 'c', 'd', 'e'];
    expect(await redelivery.deliver(all.map((name) => letterOf(name)))).toEqual([]);
    expect(names(crm.events)).toEqual(all);
    await tracker.close();
  });
});
