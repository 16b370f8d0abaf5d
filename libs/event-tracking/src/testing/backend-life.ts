import { copyOf } from '../core/event/snapshot.js';
import { contractEvents } from './contract-events.js';
import type { ContractClause } from './contract-clause.js';
import { contractRecord } from './contract-record.js';
import { liveSignal } from './patience.js';

/** `register`, `check`, `flush` and `close` do what they are called. */
export const backendLife: readonly ContractClause[] = [
  {
    name: 'register takes a metadata record, and the same one again',
    async attempt(bench) {
      const [backend, other] = [await bench.create(), await bench.create()];
      const record = contractRecord();
      for (const each of [backend, backend, other]) {
        await bench.within('register(record)', async () => each.register?.(record));
      }
      const events = contractEvents(3);
      await bench.deliver(backend, events);
      await bench.expectStored(events);
    },
  },
  {
    name: 'check resolves when the destination can be reached',
    async attempt(bench) {
      const backend = await bench.create();
      await bench.within('check()', async () => backend.check?.(liveSignal()));
    },
  },
  {
    name: 'flush resolves when everything sent is stored, each time',
    async attempt(bench) {
      const backend = await bench.create();
      for (const events of [contractEvents(3), contractEvents(3)]) {
        await bench.send(backend, copyOf(events));
        await bench.flush(backend);
        await bench.expectStored(events);
      }
    },
  },
  {
    name: 'flush resolves when nothing was sent',
    async attempt(bench) {
      const backend = await bench.create();
      await bench.flush(backend);
      await bench.flush(backend);
    },
  },
  {
    name: 'flush ends when its signal has aborted',
    async attempt(bench) {
      const backend = await bench.create();
      const events = contractEvents(3);
      // Not waited for: whether the events arrive is not the question.
      const sends = bench.settle(() =>
        Promise.all(copyOf(events).map(async (event) => backend.send(event))),
      );
      const flushed = await bench.settle(async () =>
        backend.flush?.({ signal: AbortSignal.abort() }),
      );
      if (flushed.as === 'pending') {
        throw new Error(
          `flush() was given a signal that had aborted, and did not settle within ${bench.timeout} ms.`,
        );
      }
      await bench.flush(backend);
      await sends;
    },
  },
  {
    name: 'close delivers what was sent',
    async attempt(bench) {
      const backend = await bench.create();
      const events = contractEvents(3);
      const { sends } = await bench.handOver(backend, copyOf(events));
      await Promise.all([sends, bench.close(backend)]);
      await bench.expectStored(events);
    },
  },
  {
    name: 'close does no harm when it is called again',
    async attempt(bench) {
      const backend = await bench.create();
      const events = contractEvents(3);
      await bench.deliver(backend, events);
      await Promise.all([bench.close(backend), bench.close(backend)]);
      await bench.close(backend);
      await bench.expectStored(events);
    },
  },
];
