import { randomUUID } from 'node:crypto';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Queue } from 'bullmq';
import {
  AsyncRoutingBackend,
  DeliveringBackend,
  parseEvent,
  PermanentDeliveryError,
  serializeEvent,
  Tracker,
  type Backend,
  type DeadLetter,
} from 'nestjs-event-tracking';
import { BullMqEventQueue } from 'nestjs-event-tracking/bullmq';
import { DiskEventQueue } from 'nestjs-event-tracking/disk';
import { MongoBackend } from 'nestjs-event-tracking/mongo';
import { afterEach, beforeEach, describe, expect, inject, it, vi } from 'vitest';
import { connectMongo } from './support/mongo.js';
import { ROOT } from './support/root.js';
import { runNode, type Run } from './support/run-node.js';

const CLI = join(ROOT, 'libs/event-tracking/dist/cli/main.js');
const APP = join(ROOT, 'test/support/replaying-application.mjs');
const log = { warn: vi.fn<(text: string) => void>(), error: vi.fn<(text: string) => void>() };

let directory: string;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'cli-'));
});

afterEach(async () => {
  await rm(directory, { recursive: true, force: true });
});

/**
 * Runs the command. The destinations of the application write received events to the file `taken`.
 */
function command(args: readonly string[], env: Record<string, string> = {}): Promise<Run> {
  return runNode([CLI, ...args], { env: { TAKEN: join(directory, 'taken'), ...env } });
}

/** Returns the redelivered events with the names of their destinations. */
async function redelivered(): Promise<[string, DeadLetter][]> {
  const text = await readFile(join(directory, 'taken'), 'utf8').catch(() => '');
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => {
      const [name = '', ...rest] = line.split(' ');
      return [name, parseEvent(rest.join(' ')) as DeadLetter];
    });
}

const refusing = (): Backend => ({
  send() {
    throw new PermanentDeliveryError('no such customer');
  },
});

/** Emits `sold` and `returned`, which the backends crm and shop reject permanently. */
async function giveUp(tracker: Tracker): Promise<void> {
  tracker.emit('sold', { at: new Date(5) });
  tracker.emit('returned');
  const isDead = (path: string) => tracker.stats().backends[path]!.dead === 2;
  await vi.waitUntil(() => isDead('node.crm') && isDead('node.shop'), { timeout: 15_000 });
  await tracker.close();
}

interface LetterStore {
  kind: string;
  /** Creates a source with four dead letters, and returns the arguments that name it. */
  fill(): Promise<string[]>;
  cleanUp?(): Promise<void>;
}

const name = `cli-${randomUUID().slice(0, 8)}`;
const STORES: LetterStore[] = [
  {
    kind: 'on disk',
    async fill() {
      const queue = new DiskEventQueue({ directory: join(directory, 'queue'), logger: log });
      await giveUp(behind(queue));
      return ['--from', join(directory, 'queue')];
    },
  },
  {
    kind: 'in Redis',
    async fill() {
      const redis = new URL(inject('redisUrl'));
      const connection = { host: redis.hostname, port: Number(redis.port) };
      await giveUp(behind(new BullMqEventQueue({ connection, name, logger: log })));
      return ['--from', inject('redisUrl'), '--queue', name];
    },
    async cleanUp() {
      const redis = new URL(inject('redisUrl'));
      const connection = { host: redis.hostname, port: Number(redis.port) };
      for (const each of [name, `${name}-dead-letters`]) {
        const queue = new Queue(each, { connection, prefix: '{event-tracking}' });
        await queue.obliterate({ force: true });
        await queue.close();
      }
    },
  },
  {
    kind: 'in MongoDB',
    async fill() {
      const uri = new URL(inject('mongoUri'));
      uri.pathname = `/${name}`;
      const connection = await connectMongo(uri.href);
      await connection.createCollection('dead_letters');
      const deadLetter = () =>
        new DeliveringBackend(new MongoBackend({ connection, collection: 'dead_letters' }));
      const leaf = () => new DeliveringBackend(refusing(), { deadLetter: deadLetter() });
      await giveUp(
        new Tracker({
          backends: {
            node: new AsyncRoutingBackend({ backends: { crm: leaf(), shop: leaf() } }),
          },
          logger: log,
        }),
      );
      await connection.close();
      return ['--from', uri.href];
    },
    async cleanUp() {
      const uri = new URL(inject('mongoUri'));
      uri.pathname = `/${name}`;
      const connection = await connectMongo(uri.href);
      await connection.dropDatabase();
      await connection.close();
    },
  },
];

function behind(queue: DiskEventQueue | BullMqEventQueue): Tracker {
  const backends = { crm: refusing(), shop: refusing() };
  return new Tracker({
    backends: { node: new AsyncRoutingBackend({ queue, backends }) },
    logger: log,
  });
}

describe.each(STORES)('Dead letters $kind', ({ fill, cleanUp }) => {
  let from: string[];

  beforeEach(async () => {
    from = await fill();
  }, 30_000);

  afterEach(() => cleanUp?.());

  async function list(...args: string[]): Promise<DeadLetter[]> {
    const { output } = await command(['list', ...from, '--json', ...args]);
    return output
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => parseEvent(line) as DeadLetter);
  }

  it('are listed with their reason, attempts and path, as selected by filters', async () => {
    const { output, code } = await command(['list', ...from]);
    expect(code).toBe(0);
    expect(output).toMatch(
      /rejected by node\.crm of the tracker default \(1 attempt\): .*no such customer/,
    );
    expect(output).toMatch(/4 events\.\n$/);

    const paths = async (...args: string[]) =>
      (await list(...args)).map((each) => `${each.name} ${each.dead_letter.path}`).toSorted();
    expect(await paths('--name', 'so*')).toEqual(['sold node.crm', 'sold node.shop']);
    expect(await paths('--path', 'node.crm')).toEqual(['returned node.crm', 'sold node.crm']);
    expect(await paths('--path', 'node', '--tracker', 'default')).toHaveLength(4);
    expect(await paths('--tracker', 'audit')).toEqual([]);
    expect(await paths('--since', '1h')).toHaveLength(4);
    expect(await paths('--since', '2999-01-01')).toEqual([]);
  });

  it('are printed in full by their id', async () => {
    const [letter] = await list('--name', 'sold');
    const { output } = await command(['inspect', ...from, letter!.id]);
    expect(output.match(/"reason": "rejected"/g)).toHaveLength(2);
    expect(output).toContain('"at": "1970-01-01T00:00:00.005Z"');
    expect((await command(['inspect', ...from, 'nobody'])).code).toBe(1);
  });

  it('are replayed to the backend that gave them up, and then removed', async () => {
    const [sold] = await list('--name', 'sold');
    const { code, output } = await command(['replay', ...from, '--app', APP, '--path', 'node.crm']);
    expect(output).toContain(
      '2 events were delivered and removed from the dead letters, 0 failed.',
    );
    expect(code).toBe(0);
    const delivered = await redelivered();
    expect(delivered.map(([by, event]) => `${by} ${event.name}`).toSorted()).toEqual([
      'crm returned',
      'crm sold',
    ]);
    const [, event] = delivered.find(([, each]) => each.name === 'sold')!;
    const { dead_letter: _, ...original } = sold!;
    expect(event).toEqual(original);
    expect((await list()).map((each) => each.dead_letter.path)).toEqual(['node.shop', 'node.shop']);
  });

  it('remain if the replay fails', async () => {
    const run = await command(['replay', ...from, '--app', APP, '--rate', '1000'], {
      REFUSED: 'sold',
    });
    expect(run.output).toContain(
      '2 events were delivered and removed from the dead letters, 2 failed and remain.',
    );
    expect(run.output).toContain('now: PermanentDeliveryError: it is refused');
    expect(run.code).toBe(1);
    expect((await list()).map((each) => each.name)).toEqual(['sold', 'sold']);
  });

  it('are not changed by a dry run', async () => {
    const { output } = await command(['replay', ...from, '--dry-run', '--target', 'node.crm']);
    expect(output).toBe('4 events would be delivered to node.crm of the tracker default.\n');
    expect((await command(['purge', ...from, '--all', '--dry-run'])).output).toBe(
      '4 dead letters would be removed.\n',
    );
    expect(await list()).toHaveLength(4);
  });

  it('are purged by a filter, or all with --all', async () => {
    expect((await command(['purge', ...from])).output).toMatch(
      /this would remove all dead letters/,
    );
    await command(['purge', ...from, '--name', 'sold']);
    expect((await list()).map((each) => each.name)).toEqual(['returned', 'returned']);
    await command(['purge', ...from, '--all']);
    expect(await list()).toEqual([]);
  });
});

describe('A log', () => {
  const event = (index: number, timestamp: string) =>
    serializeEvent({
      id: `${index}`,
      name: index % 2 === 0 ? 'even' : 'odd',
      timestamp: new Date(timestamp),
      context: {},
      data: { index },
    });

  it('is replayed to a new destination, through the processors of its node', async () => {
    const file = join(directory, 'events.ndjson');
    const lines = [
      event(1, '2026-01-01'),
      event(2, '2026-01-02'),
      'no event',
      event(3, '2026-01-03'),
    ];
    await writeFile(file, lines.join('\n'));
    const args = [
      'replay',
      '--from',
      file,
      '--app',
      APP,
      '--target',
      'node',
      '--since',
      '2026-01-02',
    ];
    const { code, output } = await command(args);
    expect(output).toMatch(/Skipped line 3\. .*not valid JSON/);
    expect(output).toContain('2 events were delivered, 0 failed.');
    expect(code).toBe(0);
    const delivered = await redelivered();
    expect(delivered.map(([by, { id }]) => `${by} ${id}`).toSorted()).toEqual([
      'crm 2',
      'crm 3',
      'shop 2',
      'shop 3',
    ]);
    expect(delivered.every(([, { context }]) => context['processed'] === true)).toBe(true);
  });

  it('is neither replayed without a target nor purged', async () => {
    const file = join(directory, 'events.ndjson');
    await writeFile(file, event(1, '2026-01-01'));
    expect((await command(['replay', '--from', file, '--app', APP])).output).toMatch(
      /is not a dead letter, so its destination is unknown/,
    );
    expect((await command(['purge', '--from', file, '--all'])).output).toMatch(/read-only/);
    expect(await redelivered()).toEqual([]);
  });
});

describe('An unreachable Redis', () => {
  it.each(['redis://localhost:1', 'redis://[::1]:1'])('is reported at once: %s', async (from) => {
    const { code, output } = await command(['list', '--from', from]);
    expect(output).toMatch(/ECONNREFUSED (127\.0\.0\.1|::1):1\n$/);
    expect(code).toBe(1);
  });
});

describe('An invalid command line', () => {
  it.each([
    [
      ['remove'],
      /unknown command 'remove'; commands: list, inspect, replay, purge, discover, catalogue\./,
    ],
    [['list'], /--from must name the source of the events/],
    [['list', '--from', '/no/such/place'], /--from: no directory or file '\/no\/such\/place'/],
    [['list', '--frm', 'x'], /Unknown option '--frm'/],
    [['list', '--from', '.', '--since', 'tomorrow'], /--since must be a moment such as/],
    [['list', '--from', '.', '--since', '2026-02-30'], /--since must be a moment such as/],
    [['list', '--from', '.', '--since', '999999999999d'], /--since must be a moment such as/],
    [['inspect', '--from', '.'], /inspect: the id of the event is missing/],
    [['replay', '--from', '.'], /--app must name the module of the application/],
    [['replay', '--from', '.', '--app', './no.js'], /--app: \.\/no\.js could not be loaded/],
    [
      ['replay', '--from', '.', '--app', `${APP}#Other`],
      /exports no class Other; it exports: AppModule/,
    ],
    [['replay', '--from', '.', '--app', 'x', '--rate', '0'], /--rate must be a number/],
    [['purge', '--from', '.', 'x'], /purge: unexpected argument 'x'/],
  ])('%j is rejected with the reason and code 2', async (args, message) => {
    const { code, output } = await command(args);
    expect(output).toMatch(message);
    expect(output).toContain('npx event-tracking --help');
    expect(code).toBe(2);
  });
});

it('The command prints its usage with --help or without arguments', async () => {
  expect(await command(['--help'])).toEqual(await command([]));
  expect((await command([])).output).toMatch(/npx event-tracking list/);
});
