/**
 * A worker that is killed while it stores a dead letter: `<port> <moment>`. Its destination rejects every event. Before the
 * letter is stored it prints `given up` and waits; after that it kills itself before the job can be acknowledged.
 */
import { AsyncRoutingBackend, PermanentDeliveryError, Tracker } from 'nestjs-event-tracking';
import { BullMqEventQueue } from 'nestjs-event-tracking/bullmq';

const [port, moment] = process.argv.slice(2);
const logger = { warn() {}, error() {} };
const queue = new BullMqEventQueue({
  connection: { host: '127.0.0.1', port: Number(port) },
  worker: { lockDuration: 1_000, stalledInterval: 250 },
  logger,
});
const store = queue.deadLetters.sendBatch.bind(queue.deadLetters);
queue.deadLetters.sendBatch = async (...args) => {
  if (moment === 'after') await store(...args);
  console.log('given up');
  if (moment === 'after') process.kill(process.pid, 'SIGKILL');
  await new Promise(() => {});
};
const out = {
  send() {
    throw new PermanentDeliveryError('422');
  },
};
const node = new AsyncRoutingBackend({ queue, backends: { out }, worker: true });
new Tracker({ logger, backends: { node } });
