/**
 * An application with a queue in Redis: `<port> <role>`. It emits an event, and closes its tracker within a second when its
 * standard input ends. It never calls `process.exit`, so it ends only if nothing is left that keeps it alive.
 */
import { AsyncRoutingBackend, Tracker } from 'nestjs-event-tracking';
import { BullMqEventQueue } from 'nestjs-event-tracking/bullmq';

const [port, role] = process.argv.slice(2);
const logger = { warn() {}, error() {} };
const queue = new BullMqEventQueue({
  connection: { host: '127.0.0.1', port: Number(port) },
  name: `ends-${process.pid}`,
  worker: { lockDuration: 1_000, stalledInterval: 500 },
  logger,
});
let delivered = 0;
const out = { send: () => void delivered++ };
const tracker = new Tracker({
  logger,
  backends: {
    node: new AsyncRoutingBackend({ queue, backends: { out }, worker: role !== 'producer' }),
  },
});
if (role !== 'worker') tracker.emit('sold');
const check = queue.check({ signal: AbortSignal.timeout(1_000) });
check.then(
  () => console.log('connected'),
  () => console.log('not connected'),
);
process.stdin.on('end', () => void close());
process.stdin.resume();

async function close() {
  await tracker.close({ signal: AbortSignal.timeout(1_000) });
  console.log('closed');
}
