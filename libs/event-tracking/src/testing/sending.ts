import { copyOf } from '../core/event/snapshot.js';
import { contractEvent, contractEvents } from './contract-events.js';
import type { ContractClause } from './contract-clause.js';

const MANY = 20;

/** Events arrive in the order in which they were sent. */
export const keepsOrder: ContractClause = {
  name: 'keeps the order of sends',
  async attempt(bench) {
    const backend = await bench.create();
    const sent = contractEvents(MANY);
    await bench.deliver(backend, sent.slice(0, MANY / 2));
    await bench.deliver(backend, sent.slice(MANY / 2));
    await bench.expectStored(sent);
    const stored = await bench.storedOf(sent);
    const numbers = stored.map(({ data }) => data['number']);
    if (numbers.some((number, index) => number !== index)) {
      throw new Error(
        `${MANY} events were sent in the order of their numbers, and stored in the order ${numbers.join(', ')}.`,
      );
    }
  },
};

/** What comes in bulk is all there, and accounted for. */
export const storesBatches: ContractClause = {
  name: 'stores every event of a batch, and reports an outcome for each or none',
  async attempt(bench) {
    const backend = await bench.create();
    for (const size of [1, MANY]) {
      const sent = contractEvents(size);
      const outcomes = await bench.sendBatch(backend, copyOf(sent));
      expectSuccess(outcomes, size);
      await bench.flush(backend);
      await bench.expectStored(sent);
    }
  },
};

/** Delivery may be tried again after a success that was not heard of. */
export const storesOnce: ContractClause = {
  name: 'stores an event once that is sent twice',
  async attempt(bench) {
    const backend = await bench.create();
    const event = contractEvent({ data: { attempt: 'first' } });
    await bench.deliver(backend, [event]);
    await bench.deliver(backend, [event]);
    await bench.expectStored([event]);

    const [twice, beside] = [contractEvent(), contractEvent()];
    const batch = [event, twice, twice, beside];
    expectSuccess(await bench.sendBatch(backend, copyOf(batch)), batch.length);
    await bench.flush(backend);
    await bench.expectStored([event, twice, beside]);
  },
};

/** An application may have several, of several trackers. */
export const keepsApart: ContractClause = {
  name: 'two backends side by side do not mix',
  async attempt(bench) {
    const [left, right] = [await bench.create(), await bench.create()];
    const [ofLeft, ofRight, later] = [contractEvents(4), contractEvents(4), contractEvents(2)];
    for (let index = 0; index < 4; index++) {
      await Promise.all([
        bench.send(left, copyOf([ofLeft[index]!])),
        bench.send(right, copyOf([ofRight[index]!])),
      ]);
    }
    await bench.close(left);
    await bench.flush(right);
    await bench.expectStored([...ofLeft, ...ofRight]);
    await bench.deliver(right, later);
    await bench.expectStored([...ofLeft, ...ofRight, ...later]);
  },
};

function expectSuccess(outcomes: unknown, size: number): void {
  if (outcomes === undefined) return;
  if (!Array.isArray(outcomes) || outcomes.length !== size) {
    const reported = Array.isArray(outcomes) ? `${outcomes.length} outcomes` : String(outcomes);
    throw new Error(`sendBatch was given ${size} events and reported ${reported}.`);
  }
  const failed = outcomes.filter((outcome: { ok?: unknown } | null) => outcome?.ok !== true);
  if (failed.length > 0) {
    throw new Error(
      `sendBatch reported that ${failed.length} of ${size} events failed, though the destination could be reached.`,
    );
  }
}
