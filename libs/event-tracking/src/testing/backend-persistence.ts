import { Tracker } from '../core/tracker/tracker.js';
import { DeliveringBackend } from '../delivery/delivering-backend.js';
import { NotPersistedError } from '../core/diagnostics/errors.js';
import type { Backend } from '../core/tree/backend.js';
import { copyOf } from '../core/event/snapshot.js';
import type { TrackingEvent } from '../core/event/event.js';
import type { ContractClause } from './contract-clause.js';
import { contractEvent } from './contract-samples.js';

const COUNT = 3;
const SHORT_MS = 50;
const SILENT = { warn() {}, error() {} };

/** An event that `tracker.persisted()` has confirmed is stored. */
export const confirmsStored: ContractClause = {
  name: 'has stored each event when tracker.persisted() resolves',
  async verify(harness) {
    const { tracker, emitted, emit } = trackerOf(await harness.create());
    emit();
    await harness.within('persisted()', () => tracker.persisted());
    await harness.expectStored(emitted);
    await harness.within('close()', () => tracker.close());
  },
};

/** An event that an unreachable destination does not have is not durable. */
export const confirmsNothingDuringOutages: ContractClause = {
  name: 'stores each event that tracker.persisted() confirms, also during an outage',
  async verify(harness) {
    const { tracker, emitted, emit } = trackerOf(await harness.create());
    emit();
    await harness.within('persisted()', () => tracker.persisted());
    const settled = await harness.duringOutage(async () => {
      emit();
      return harness.settle(() => tracker.persisted({ timeout: SHORT_MS }));
    });
    if (settled.as === 'pending') {
      throw new Error(`persisted({ timeout: ${SHORT_MS} }) did not settle during an outage.`);
    }
    if (settled.as === 'rejected' && !(settled.error instanceof NotPersistedError)) {
      throw new Error('persisted() must reject with a NotPersistedError.', {
        cause: settled.error,
      });
    }
    await harness.within('persisted() after an outage', () => tracker.flush());
    const confirmed = settled.as === 'resolved' ? emitted : emitted.slice(0, COUNT);
    await harness.expectStored(confirmed, { atLeastOnce: true });
    await harness.within('close()', () => tracker.close());
  },
};

function trackerOf(backend: Backend): {
  tracker: Tracker;
  emitted: TrackingEvent[];
  emit: () => void;
} {
  const emitted: TrackingEvent[] = [];
  // As the module wraps it.
  const destination = backend.sendBatch === undefined ? backend : new DeliveringBackend(backend);
  const tracker = new Tracker({
    logger: SILENT,
    backends: {
      destination,
      emitted: { send: (event: TrackingEvent) => void emitted.push(copyOf(event)) },
    },
  });
  const { context } = contractEvent();
  tracker.enterContext('contract', context);
  const emit = (): void => {
    for (let number = 0; number < COUNT; number++) tracker.emit('contract.event', { number });
  };
  return { tracker, emitted, emit };
}
