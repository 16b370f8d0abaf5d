import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseEvent } from 'nestjs-event-tracking';
import { describe, expect, inject, it } from 'vitest';
import { connectMongo, databaseUri, dropMongo, storedIn } from './support/mongo.js';
import { ROOT } from './support/root.js';
import { runNode } from './support/run-node.js';

// `npm test` builds them first.
const DEMO = join(ROOT, 'dist/src/demo.js');
const COMPARE = join(ROOT, 'dist/src/demo/compare-events.js');

type Compare = (expected: readonly object[], delivered: readonly object[]) => string[];

describe('The demo', () => {
  it('delivers exactly the expected events, reports success and exits with 0', async () => {
    const { code, output } = await runNode([DEMO]);
    expect(output).toContain('✓ 12 events');
    expect(output).not.toMatch(/\[Nest\]|warn/i);
    expect(code).toBe(0);
  });

  it('stores warehouse events in a file and prints its path', async () => {
    const { output } = await runNode([DEMO]);
    const file = /stored its events in the file (\S+\.ndjson)\./.exec(output)![1]!;
    const events = readFileSync(file, 'utf8').trim().split('\n').map(parseEvent);
    expect(events.map(({ name }) => name).toSorted()).toEqual([
      'course.enrolled',
      'course.enrolled',
      'course.viewed',
      'course.viewed',
      'enrolment.reminder_sent',
      'enrolment.reminder_sent',
      'page.missing',
      'page.missing',
    ]);
  });

  it('stores warehouse events in MongoDB if configured', async () => {
    const uri = databaseUri();
    const { code, output } = await runNode([DEMO], { env: { MONGODB_URI: uri } });
    expect(output).toContain('✓ 12 events');
    expect(output).toContain("stored its events in the collection 'events' of 127.0.0.1");
    expect(code).toBe(0);
    const connection = await connectMongo(uri);
    expect(await storedIn(connection)).toHaveLength(8);
    await dropMongo(connection);
  });

  it('queues events on disk, or in Redis for a separate worker process if configured', async () => {
    const alone = await runNode([DEMO]);
    expect(alone.output).toMatch(/waited in the directory \S+queue\./);
    const { code, output } = await runNode([DEMO], { env: { REDIS_URL: inject('redisUrl') } });
    expect(output).toMatch(
      /waited in the queue \S+ of Redis, \S+; a worker delivered them \(process \d+\)/,
    );
    expect(output).toMatch(/analytics\.queue +8 +8 +0 +0 +0/);
    expect(output).toMatch(/analytics\.warehouse +0 +0 +0 +0 +0/);
    expect(output).toContain('✓ 12 events');
    expect(code).toBe(0);
  });

  it('prints every event with its user and destinations', async () => {
    const { output } = await runNode([DEMO]);
    const events = output.match(/^\d\d:\d\d:\d\d\.\d{3} {2}[\w.]+ +\S+ +\S+/gm);
    expect(events).toHaveLength(12);
    expect(output.match(/^ {14}→ \S/gm)).toHaveLength(12 + 1); // and the legend
    expect(output).toMatch(/course\.enrolled +ada +POST \/courses\/nest-101\/enrolments/);
  });

  it('exits with 1 and names the missing events when an event is lost', async () => {
    const { code, output } = await runNode([DEMO], { env: { DEMO_DROP: 'course.enrolled' } });
    expect(output).toMatch(/missing +course\.enrolled of ada-2 → .*default log/);
    expect(output).toMatch(/missing +course\.enrolled of ben-2/);
    expect(output).not.toContain('✓');
    expect(code).toBe(1);
  });

  it('detects a different context, data or destination and an extra event', async () => {
    const { compareEvents } = (await import(COMPARE)) as { compareEvents: Compare };
    const enrolled = {
      name: 'course.enrolled',
      to: ['default log'],
      context: { request_id: 'ada-2', user_id: 'ada' },
      data: { plan: 'free' },
    };
    expect(compareEvents([enrolled], [enrolled])).toEqual([]);
    const other = {
      ...enrolled,
      to: [],
      context: { ...enrolled.context, user_id: 'ben', leak: 1 },
      data: {},
    };
    expect(compareEvents([enrolled], [other, enrolled])).toEqual([
      'different    course.enrolled of ada-2: destinations: nobody, expected default log',
      'different    course.enrolled of ada-2: context.user_id: "ben", expected "ada"',
      'different    course.enrolled of ada-2: data.plan: not there, expected "free"',
      'different    course.enrolled of ada-2: context.leak: 1, expected nothing',
      'unexpected   course.enrolled of ada-2 → default log',
    ]);
  });

  it('uses colours only on a terminal', async () => {
    const { output } = await runNode([DEMO], { env: { NO_COLOR: '' } });
    expect(output).not.toContain('\u001b[');
  });
});
