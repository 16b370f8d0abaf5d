/** Events per second to Segment, against the bare client; and what `emit` costs its caller meanwhile. */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { Analytics } from '@segment/analytics-node';
import { DeliveringBackend, Tracker } from 'nestjs-event-tracking';
import { SegmentBackend, segmentBackend } from 'nestjs-event-tracking/segment';
import { nanosecondsPerCallInBursts } from './bursts.mjs';
import { report, sideBySide } from './side-by-side.mjs';
import { context, data, event, NAME } from './standard-event.mjs';

const EVENTS = 10_000;
const rounds = Number(process.env.BENCH_ROUNDS ?? 7);
const { delivery } = segmentBackend({ writeKey: 'key' });

const sink = fork(fileURLToPath(new URL('segment-sink.mjs', import.meta.url)));
const [port] = await once(sink, 'message');
const settings = { writeKey: 'key', host: `http://127.0.0.1:${port}` };

const tracker = new Tracker({
  backends: { segment: new DeliveringBackend(new SegmentBackend(settings), delivery) },
});
const nothing = new Tracker({ backends: { nothing: { send() {} } } });
for (const each of [tracker, nothing]) each.enterContext('request', context());
const pending = () => tracker.account().backends.segment.pending;
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
  const each = event();
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

report({
  what: 'emit on the caller’s path with SegmentBackend at work, against a backend that does nothing',
  unit: 'ns',
  result: await sideBySide({
    subject: async () => {
      const figure = await nanosecondsPerCallInBursts(emit, EVENTS, () => pending() < 9_000);
      await tracker.flush();
      return figure;
    },
    alternative: () => nanosecondsPerCallInBursts(() => nothing.emit(NAME, data()), EVENTS),
    rounds,
  }),
  goal: { atMost: 1.2 },
});

await tracker.close();
await client.closeAndFlush();
sink.kill();
