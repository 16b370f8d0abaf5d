import { copyOf } from '../core/event/snapshot.js';
import { CONTENT } from './contract-content.js';
import { contractEvent, contractEvents } from './contract-samples.js';
import type { ContractClause } from './contract-clause.js';

const MANY = 20;

/** Events are stored unchanged. */
export const storesContent: readonly ContractClause[] = CONTENT.map(({ content, events }) => ({
  name: `stores ${content}`,
  async verify(harness) {
    const sent = events();
    await harness.deliver(await harness.create(), sent);
    await harness.expectStored(sent);
  },
}));

export const keepsOrder: ContractClause = {
  name: 'stores events in the order in which they were sent',
  async verify(harness) {
    const backend = await harness.create();
    const sent = contractEvents(MANY);
    await harness.deliver(backend, sent.slice(0, MANY / 2));
    await harness.deliver(backend, sent.slice(MANY / 2));
    await harness.expectStored(sent);
    const stored = await harness.storedOf(sent);
    const numbers = stored.map(({ data }) => data['number']);
    if (numbers.some((number, index) => number !== index)) {
      throw new Error(
        `${MANY} numbered events were sent in order but stored in the order ${numbers.join(', ')}.`,
      );
    }
  },
};

export const storesBatches: ContractClause = {
  name: 'stores every event of a batch and reports one outcome per event or none at all',
  async verify(harness) {
    const backend = await harness.create();
    for (const size of [1, MANY]) {
      const sent = contractEvents(size);
      const outcomes = await harness.sendBatch(backend, copyOf(sent));
      expectSuccess(outcomes, size);
      await harness.flush(backend);
      await harness.expectStored(sent);
    }
  },
};

/** A delivery is retried if the response to a successful attempt is lost. */
export const storesOnce: ContractClause = {
  name: 'stores an event once even if it is sent twice',
  async verify(harness) {
    const backend = await harness.create();
    const event = contractEvent({ data: { attempt: 'first' } });
    await harness.deliver(backend, [event]);
    await harness.deliver(backend, [event]);
    await harness.expectStored([event]);

    const [twice, other] = [contractEvent(), contractEvent()];
    const batch = [event, twice, twice, other];
    expectSuccess(await harness.sendBatch(backend, copyOf(batch)), batch.length);
    await harness.flush(backend);
    await harness.expectStored([event, twice, other]);
  },
};

/** An application may have several backends of one kind, in several trackers. */
export const isIndependent: ContractClause = {
  name: 'works independently of a second instance',
  async verify(harness) {
    const [left, right] = [await harness.create(), await harness.create()];
    const [ofLeft, ofRight, later] = [contractEvents(4), contractEvents(4), contractEvents(2)];
    for (let index = 0; index < 4; index++) {
      await Promise.all([
        harness.send(left, copyOf([ofLeft[index]!])),
        harness.send(right, copyOf([ofRight[index]!])),
      ]);
    }
    await harness.close(left);
    await harness.flush(right);
    await harness.expectStored([...ofLeft, ...ofRight]);
    await harness.deliver(right, later);
    await harness.expectStored([...ofLeft, ...ofRight, ...later]);
  },
};

function expectSuccess(outcomes: unknown, size: number): void {
  if (outcomes === undefined) return;
  if (!Array.isArray(outcomes) || outcomes.length !== size) {
    const reported = Array.isArray(outcomes) ? `${outcomes.length} outcomes` : String(outcomes);
    throw new Error(`sendBatch() received ${size} events but reported ${reported}.`);
  }
  const failed = outcomes.filter((outcome: { ok?: unknown } | null) => outcome?.ok !== true);
  if (failed.length > 0) {
    throw new Error(
      `sendBatch() reported that ${failed.length} of ${size} events failed, ` +
        `although the destination was reachable.`,
    );
  }
}
