import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import {
  DeliveringBackend,
  MemoryBackend,
  Tracker,
  type Backend,
  type TrackingEvent,
} from 'nestjs-event-tracking';
import { backendContract } from 'nestjs-event-tracking/testing';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { startHttpServer, status, type TestHttpServer } from './services/http-server.js';
import { codeBlocks } from './support/code-blocks.js';
import { NestProject } from './support/nest-project.js';
import { ROOT } from './support/root.js';

const PAGE = 'docs/recipes/add-a-vendor.md';
const FILES = codeBlocks(readFileSync(join(ROOT, PAGE), 'utf8')).flatMap(({ file, code }) =>
  file === undefined ? [] : [[file, code] as const],
);

/** The options of the backend of the page. */
interface VendorOptions {
  projectId: string;
  account: { username: string; password: string };
  host: string;
}

describe('The vendor of the recipe', () => {
  let project: NestProject;
  let server: TestHttpServer;
  let create: () => Backend;

  beforeAll(async () => {
    project = await NestProject.of(Object.fromEntries(FILES));
    expect(await project.compile()).toBe('');
    const file = pathToFileURL(join(project.directory, 'dist/src/mixpanel-backend.js')).href;
    const { MixpanelBackend } = (await import(/* @vite-ignore */ file)) as {
      MixpanelBackend: new (options: VendorOptions) => Backend;
    };
    const account = { username: 'courses', password: 'secret' };
    create = () => new MixpanelBackend({ projectId: '7', account, host: server.url });
  }, 60_000);

  beforeEach(async () => {
    server = await startHttpServer();
  });

  afterEach(() => server.stop());
  afterAll(() => project[Symbol.asyncDispose]());

  it('has at most sixty lines', () => {
    expect(FILES[0]![1].trim().split('\n').length).toBeLessThanOrEqual(60);
  });

  it('rejects the events that the vendor rejects, and delivers the others', async () => {
    const dead = new MemoryBackend();
    const mixpanel = new DeliveringBackend(create(), { deadLetter: dead });
    const tracker = new Tracker({ backends: { mixpanel }, logger: { warn() {}, error() {} } });
    const failed = [{ index: 1, field: 'properties.time', message: 'is too old' }];
    server.answer(status(400, {}, JSON.stringify({ failed_records: failed })));
    for (let number = 0; number < 3; number++) tracker.emit('course.viewed', { number });
    await tracker.close();
    expect(server.requests.map(({ url }) => url)).toEqual(['/import?strict=1&project_id=7']);
    expect(tracker.stats().backends['mixpanel']).toMatchObject({ delivered: 2, dead: 1 });
    expect(dead.events).toMatchObject([
      {
        data: { number: 1 },
        dead_letter: { error: 'Error: Mixpanel rejected properties.time: is too old' },
      },
    ]);
  });

  it.each([
    'resolves flush() once all events sent before are stored',
    'resumes delivery after an outage',
  ])('%s', async (name) => {
    const contract = backendContract({
      create: () => create(),
      stored: async () => server.accepted.flatMap(({ body }) => eventsIn(body)),
      outage: {
        begin: async () => server.answerAlways(status(503)),
        end: async () => server.answerAlways(undefined),
      },
    });
    await contract.find((each) => each.name === name)!.run();
  });
});

/** Reads the events that the contract sends from the vendor's messages. */
function eventsIn(body: string): TrackingEvent[] {
  const messages = JSON.parse(body) as { event: string; properties: Record<string, unknown> }[];
  return messages.map(({ event, properties }) => {
    const { $insert_id: id, time, distinct_id: _, user_id, ...data } = properties;
    const timestamp = new Date(time as number);
    return { id: id as string, name: event, timestamp, context: { user_id }, data };
  });
}
