import type { TrackingEvent } from '../core/event/event.js';
import { copyOf } from '../core/event/snapshot.js';
import { contractEvent } from './contract-samples.js';
import type { ContractClause } from './contract-clause.js';
import { expectSame } from './expect-same.js';

const nested = (): TrackingEvent =>
  contractEvent({
    data: { course: { id: 'DemoX', tags: ['a'] } },
    context: { user_id: 7, at: {} },
  });

/** A modified event could not be sent again. */
export const modifiesNoEvent: ContractClause = {
  name: 'does not modify the events it receives',
  async verify(harness) {
    const backend = await harness.create();
    const sent = [nested(), nested()];
    const batch = [nested(), nested()];
    const before = copyOf([...sent, ...batch]);
    const events = [...sent, ...batch];
    await harness.send(backend, sent);
    await harness.sendBatch(backend, batch);
    await harness.flush(backend);
    if (batch.length !== 2 || batch[0] !== events[2] || batch[1] !== events[3]) {
      throw new Error('The backend modified the array of events passed to sendBatch().');
    }
    for (const [index, event] of events.entries()) {
      expectSame(event, before[index]!, 'was changed by the backend');
      const keys = Object.keys(event).filter((key) => !Object.hasOwn(before[index]!, key));
      if (keys.length > 0) {
        throw new Error(`The backend added keys to the event '${event.name}': ${keys.join(', ')}.`);
      }
    }
  },
};

/** The caller may reuse an event object after the backend has accepted it. */
export const keepsNoReference: ContractClause = {
  name: 'ignores changes made to an event after accepting it',
  async verify(harness) {
    const backend = await harness.create();
    const sent = [nested(), nested()];
    const before = copyOf(sent);
    const batched = backend.sendBatch === undefined ? [] : [sent[1]!];
    const { sends } = await harness.sendWithoutFlush(backend, sent.slice(0, 2 - batched.length));
    if (batched.length > 0) await harness.sendBatch(backend, batched);
    for (const event of sent) {
      event.name = 'contract.changed_later';
      event.timestamp.setTime(0);
      event.data['course'] = { id: 'changed later' };
      event.context['added'] = 'later';
    }
    await harness.flush(backend);
    await sends;
    await harness.expectStored(before);
  },
};
