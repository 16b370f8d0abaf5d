/** Measures events per second over HTTP against a bare loop with undici, and the cost of `emit` meanwhile. */
import { fork } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { DeliveringBackend, Tracker } from 'nestjs-event-tracking';
import { HttpBackend, httpBackend } from 'nestjs-event-tracking/http';
import { Pool } from 'undici';
import { nanosecondsPerCallInBursts, turn } from './bursts.mjs';
import { reportCallersCost } from './callers-cost.mjs';
import { report, sideBySide } from './side-by-side.mjs';
import { context, data, event, NAME } from './standard-event.mjs';

const EVENTS = 20_000;
const rounds = Number(process.env.BENCH_ROUNDS ?? 21);

// The server of the benchmark of Segment accepts any JSON.
const sink = fork(fileURLToPath(new URL('segment-sink.mjs', import.meta.url)));
const [port] = await once(sink, 'message');
const url = `http://127.0.0.1:${port}/events`;
const { delivery } = httpBackend({ url });
const { batchSize, concurrency } = delivery;

const tracker = new Tracker({
  backends: { http: new DeliveringBackend(new HttpBackend({ url }), delivery) },
});
tracker.enterContext('request', context());
const pending = () => tracker.stats().backends.http.pending;
const emit = () => tracker.emit(NAME, data());

async function eventsPerSecond(work) {
  const start = performance.now();
  await work();
  return (EVENTS / (performance.now() - start)) * 1_000;
}

async function throughHttpBackend() {
  await nanosecondsPerCallInBursts(emit, EVENTS, () => pending() < 9_000);
  await tracker.flush();
}

const eventsOfBatch = () =>
  Array.from({ length: batchSize }, () => ({ ...event(), id: randomUUID() }));

/** Sends batches, as many at once as delivery does. */
async function inBatches(send) {
  let started = 0;
  const worker = async () => {
    while (started < EVENTS) {
      started += batchSize;
      await send(eventsOfBatch());
      await turn();
    }
  };
  await Promise.all(Array.from({ length: concurrency }, worker));
}

const backend = new HttpBackend({ url });
const pool = new Pool(new URL(url).origin, { connections: concurrency });

async function withUndici(events) {
  const { statusCode, body } = await pool.request({
    path: '/events',
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(events),
  });
  await body.dump();
  if (statusCode !== 200) throw new Error(`The server answered ${statusCode}.`);
}

const bare = () => eventsPerSecond(() => inBatches(withUndici));

report({
  what: 'HttpBackend, against a bare loop with undici and batches of the same size',
  unit: 'events/s',
  result: await sideBySide({
    subject: () => eventsPerSecond(() => inBatches((events) => backend.sendBatch(events))),
    alternative: bare,
    rounds,
  }),
  goal: { atLeast: 0.9 },
});

report({
  what: 'the same through a tracker with delivery, from emit to the server',
  unit: 'events/s',
  result: await sideBySide({
    subject: () => eventsPerSecond(throughHttpBackend),
    alternative: bare,
    rounds,
  }),
});

await reportCallersCost({
  backend: 'HttpBackend',
  tracker,
  hasRoom: () => pending() < 9_000,
  events: EVENTS,
  rounds,
});

await tracker.close();
await backend.close();
await pool.close();
sink.kill();
