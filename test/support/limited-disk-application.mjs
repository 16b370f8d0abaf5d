/** An application with a queue on disk whose process starts with a file size limit. */
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { AsyncRoutingBackend, Tracker } from 'nestjs-event-tracking';
import { DiskEventQueue } from 'nestjs-event-tracking/disk';

const [directory] = process.argv.slice(2);
const logger = { warn() {}, error() {} };
const ids = new Set();
const destination = { send: ({ id }) => void ids.add(id) };
const queue = new DiskEventQueue({ directory, logger, delivery: { batchSize: 100 } });
const tracker = new Tracker({
  backends: { node: new AsyncRoutingBackend({ queue, backends: { destination } }) },
  logger,
});
const stats = () => tracker.stats().backends['node.queue'];

for (let index = 0; index < 2_000; index++) {
  tracker.emit('noise', { text: randomBytes(1_000).toString('hex') });
}
const watching = setInterval(() => {
  if (stats().retried === 0) return;
  clearInterval(watching);
  console.log(JSON.stringify(stats()));
}, 10);
await once(process.stdin.resume(), 'end');
await tracker.flush();
await tracker.close();
console.log(JSON.stringify({ ...stats(), delivered: ids.size }));
