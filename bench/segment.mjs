/** Measures events per second to Segment against its client, and the cost of `emit` meanwhile. */
import { fork } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { Analytics } from '@segment/analytics-node';
import { DeliveringBackend, Tracker } from 'nestjs-event-tracking';
import { SegmentBackend, segmentBackend } from 'nestjs-event-tracking/segment';
import { nanosecondsPerCallInBursts } from './bursts.mjs';
import { reportCallersCost } from './callers-cost.mjs';
import { report, sideBySide } from './side-by-side.mjs';
import { context, data, event, NAME } from './standard-event.mjs';

const EVENTS = 10_000;
const rounds = Number(process.env.BENCH_ROUNDS ?? 31);
const { delivery } = segmentBackend({ writeKey: 'key' });

const sink = fork(fileURLToPath(new URL('segment-sink.mjs', import.meta.url)));
const [port] = await once(sink, 'message');
const settings = { writeKey: 'key', host: `http://127.0.0.1:${port}` };

const tracker = new Tracker({
  backends: { segment: new DeliveringBackend(new SegmentBackend(settings), delivery) },
});
tracker.enterContext('request', context());
const pending = () => tracker.stats().backends.segment.pending;
const emit = () => tracker.emit(NAME, data());

async function eventsPerSecond(work) {
  const start = performance.now();
  await work();
  return (EVENTS / (performance.now() - start)) * 1_000;
}

async function throughSegmentBackend() {
  await nanosecondsPerCallInBursts(emit, EVENTS, () => pending() < 5_000);
  await tracker.flush();
}

const client = new Analytics({ ...settings, flushAt: delivery.batchSize, flushInterval: 100 });
let open = 0;
client.on('track', () => open--);
client.on('error', ({ reason }) => console.error(reason));

function track() {
  open++;
  const each = { ...event(), id: randomUUID() };
  client.track({
    userId: String(each.context.user_id),
    event: each.name,
    properties: { ...each },
    context: {
      ip: each.context.ip,
      userAgent: each.context.agent,
      page: { path: each.context.path, url: `https://${each.context.host}${each.context.path}` },
    },
    messageId: each.id,
    timestamp: each.timestamp,
  });
}

async function withBareClient() {
  await nanosecondsPerCallInBursts(track, EVENTS, () => open < 5_000);
  await client.flush();
}

report({
  what: 'SegmentBackend, against the bare client with batches of the same size',
  unit: 'events/s',
  result: await sideBySide({
    subject: () => eventsPerSecond(throughSegmentBackend),
    alternative: () => eventsPerSecond(withBareClient),
    rounds,
  }),
  goal: { atLeast: 0.95 },
});

await reportCallersCost({
  backend: 'SegmentBackend',
  tracker,
  hasRoom: () => pending() < 9_000,
  events: EVENTS,
  rounds,
});

await tracker.close();
await client.closeAndFlush();
sink.kill();
