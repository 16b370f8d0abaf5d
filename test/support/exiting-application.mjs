/**
 * Emits three events and ends in one of several ways.
 *
 * Arguments: how it ends, and the directory of a queue on disk, if it has one.
 */
import { AsyncRoutingBackend, DeliveringBackend, Tracker } from 'nestjs-event-tracking';
import { DiskEventQueue } from 'nestjs-event-tracking/disk';

const [ending, directory] = process.argv.slice(2);
const never = { send: () => new Promise(() => {}) };
const taking = { send() {} };

function crmOf() {
  if (directory === undefined) return new DeliveringBackend(ending === 'closed' ? taking : never);
  const queue = new DiskEventQueue({ directory });
  return new AsyncRoutingBackend({ queue, backends: { crm: never } });
}

const tracker = new Tracker({ name: 'shop', backends: { crm: crmOf(), log: taking } });
for (let number = 0; number < 3; number++) tracker.emit('order.paid', { number });

const endings = {
  exit: () => process.exit(0),
  returns() {},
  throws() {
    throw new Error('a bug');
  },
  rejects: () => void Promise.reject(new Error('a bug')),
  terminated: () => process.kill(process.pid, 'SIGTERM'),
  async closed() {
    await tracker.close({ signal: AbortSignal.timeout(1_000) });
    process.exit(0);
  },
  async persisted() {
    await tracker.persisted();
    process.exit(0);
  },
  async laterExit() {
    await tracker.persisted();
    tracker.emit('order.paid', { number: 3 });
    process.exit(0);
  },
};
await endings[ending]();
if (ending === 'terminated') setInterval(() => {}, 1_000);
