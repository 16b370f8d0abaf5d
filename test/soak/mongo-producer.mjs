/**
 * Emits many events to MongoDB in a separate process, and prints their cost and the stats.
 *
 * Options: uri, count, burst (events between two turns of the event loop; 0 never yields), paced
 * (waits for room), delivery
 */
import { monitorEventLoopDelay } from 'node:perf_hooks';
import mongoose from 'mongoose';
import { DeliveringBackend, Tracker } from 'nestjs-event-tracking';
import { MongoBackend } from 'nestjs-event-tracking/mongo';

const { uri, count, burst, delivery, paced = false } = JSON.parse(process.argv[2]);
const WARM_UP = 200_000;
const quiet = { warn() {}, error() {} };
const connection = await mongoose
  .createConnection(uri, { serverSelectionTimeoutMS: 2_000, maxPoolSize: 10 })
  .asPromise();

const rejections = [];
process.on('unhandledRejection', (reason) => rejections.push(String(reason)));

const tracker = new Tracker({
  backends: {
    mongo: new DeliveringBackend(new MongoBackend({ connection, logger: quiet }), delivery),
  },
  logger: quiet,
});
const nothing = new Tracker({ backends: { nothing: { send() {} } }, logger: quiet });
const context = {
  user_id: 10938,
  session_id: '29871kjdyoioey',
  ip: '203.0.113.7',
  host: 'shop.example.org',
  agent: 'Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0',
  path: '/addresses',
};
for (const each of [tracker, nothing]) each.enterContext('request', context);

const turn = () => new Promise((resolve) => setImmediate(resolve));
const stats = () => tracker.stats().backends.mongo;

/** Emits in bursts; returns the nanoseconds per call of `emit`. */
async function emitTo(target, many, mark) {
  let nanoseconds = 0n;
  const size = burst === 0 ? many : burst;
  for (let done = 0; done < many; done += size) {
    const start = process.hrtime.bigint();
    for (let index = done; index < Math.min(many, done + size); index++) {
      target.emit('address.create', {
        name: 'foo',
        mark,
        index,
        address: { postal_code: '90210', country: 'United States' },
      });
    }
    nanoseconds += process.hrtime.bigint() - start;
    if (burst === 0) continue;
    await turn();
    if (paced) while (target === tracker && stats().pending > delivery.capacity / 2) await turn();
  }
  return Number(nanoseconds) / many;
}

await emitTo(nothing, WARM_UP, 'warm-up');
// Measure a process whose heap has grown to its working size.
for (let done = 0; done < WARM_UP; done += delivery.capacity / 2) {
  await emitTo(tracker, delivery.capacity / 2, 'warm-up');
  await tracker.flush({ signal: AbortSignal.timeout(30_000) });
}
const warmUp = stats();
const noop = await emitTo(nothing, Math.min(count, 300_000), 'no-op');

const before = process.memoryUsage().rss;
let peak = before;
const sampler = setInterval(() => (peak = Math.max(peak, process.memoryUsage().rss)), 20);
const delays = monitorEventLoopDelay({ resolution: 5 });
delays.enable();
process.send?.('emitting');
const started = performance.now();
const emit = await emitTo(tracker, count, 'counted');
const growthWhileEmitting = Math.max(peak, process.memoryUsage().rss) - before;
process.send?.('emitted');
await tracker.flush({ signal: AbortSignal.timeout(120_000) });
const seconds = (performance.now() - started) / 1000;
delays.disable();
peak = Math.max(peak, process.memoryUsage().rss);
clearInterval(sampler);
await tracker.close({ signal: AbortSignal.timeout(5_000) });

console.log(
  `end ${JSON.stringify({
    stats: stats(),
    warmUp: warmUp.arrived,
    emitNanoseconds: emit,
    noopNanoseconds: noop,
    eventsPerSecond: count / seconds,
    delayP99Milliseconds: delays.percentile(99) / 1e6,
    growthWhileEmitting,
    growth: peak - before,
    rejections,
  })}`,
);
process.exit(0);
