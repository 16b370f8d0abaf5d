import { copyOf } from '../core/event/snapshot.js';
import { contractEvents } from './contract-samples.js';
import type { ContractClause } from './contract-clause.js';
import { contractRecord } from './contract-samples.js';
import { liveSignal } from './harness.js';

/** Clauses about `register`, `check`, `flush` and `close` of a backend. */
export const backendLife: readonly ContractClause[] = [
  {
    name: 'accepts a metadata record that is already registered',
    async verify(harness) {
      const [backend, other] = [await harness.create(), await harness.create()];
      const record = contractRecord();
      for (const each of [backend, backend, other]) {
        await harness.within('register(record)', async () => each.register?.(record));
      }
      const events = contractEvents(3);
      await harness.deliver(backend, events);
      await harness.expectStored(events);
    },
  },
  {
    name: 'resolves check() while the destination is reachable',
    async verify(harness) {
      const backend = await harness.create();
      await harness.within('check()', async () => backend.check?.(liveSignal()));
    },
  },
  {
    name: 'resolves flush() once all events sent before are stored',
    async verify(harness) {
      const backend = await harness.create();
      for (const events of [contractEvents(3), contractEvents(3)]) {
        await harness.send(backend, copyOf(events));
        await harness.flush(backend);
        await harness.expectStored(events);
      }
    },
  },
  {
    name: 'resolves flush() when nothing was sent',
    async verify(harness) {
      const backend = await harness.create();
      await harness.flush(backend);
      await harness.flush(backend);
    },
  },
  {
    name: 'settles flush() when its signal is already aborted',
    async verify(harness) {
      const backend = await harness.create();
      const events = contractEvents(3);
      // Not awaited: this clause is not about the arrival of the events.
      const sends = harness.settle(() =>
        Promise.all(copyOf(events).map(async (event) => backend.send(event))),
      );
      const flushed = await harness.settle(async () =>
        backend.flush?.({ signal: AbortSignal.abort() }),
      );
      if (flushed.as === 'pending') {
        throw new Error(
          `flush() did not settle within ${harness.timeout} ms, although its signal was already aborted.`,
        );
      }
      await harness.flush(backend);
      await sends;
    },
  },
  {
    name: 'delivers all events before close() resolves',
    async verify(harness) {
      const backend = await harness.create();
      const events = contractEvents(3);
      const { sends } = await harness.sendWithoutFlush(backend, copyOf(events));
      await Promise.all([sends, harness.close(backend)]);
      await harness.expectStored(events);
    },
  },
  {
    name: 'tolerates repeated calls of close()',
    async verify(harness) {
      const backend = await harness.create();
      const events = contractEvents(3);
      await harness.deliver(backend, events);
      await Promise.all([harness.close(backend), harness.close(backend)]);
      await harness.close(backend);
      await harness.expectStored(events);
    },
  },
];
