import type { TrackingEvent } from '../core/event/event.js';
import { copyOf } from '../core/event/snapshot.js';
import { contractEvent } from './contract-events.js';
import type { ContractClause } from './contract-clause.js';
import { expectSame } from './expect-same.js';

const nested = (): TrackingEvent =>
  contractEvent({
    data: { course: { id: 'DemoX', tags: ['a'] } },
    context: { user_id: 7, at: {} },
  });

/** The event stays whole for another attempt. */
export const leavesEventsAlone: ContractClause = {
  name: 'does not change the events it is given',
  async attempt(bench) {
    const backend = await bench.create();
    const sent = [nested(), nested()];
    const batch = [nested(), nested()];
    const before = copyOf([...sent, ...batch]);
    const events = [...sent, ...batch];
    await bench.send(backend, sent);
    await bench.sendBatch(backend, batch);
    await bench.flush(backend);
    if (batch.length !== 2 || batch[0] !== events[2] || batch[1] !== events[3]) {
      throw new Error('The array that sendBatch was given holds other events than before.');
    }
    for (const [index, event] of events.entries()) {
      expectSame(event, before[index]!, 'was changed by the backend');
      const keys = Object.keys(event).filter((key) => !Object.hasOwn(before[index]!, key));
      if (keys.length > 0) {
        throw new Error(`The event '${event.name}' was given further keys: ${keys.join(', ')}.`);
      }
    }
  },
};

/** What was taken over is what was sent, whatever becomes of the object. */
export const keepsNoReference: ContractClause = {
  name: 'keeps no reference to an event that it has taken over',
  async attempt(bench) {
    const backend = await bench.create();
    const sent = [nested(), nested()];
    const before = copyOf(sent);
    const batched = backend.sendBatch === undefined ? [] : [sent[1]!];
    const { sends } = await bench.handOver(backend, sent.slice(0, 2 - batched.length));
    if (batched.length > 0) await bench.sendBatch(backend, batched);
    for (const event of sent) {
      event.name = 'contract.changed_later';
      event.timestamp.setTime(0);
      event.data['course'] = { id: 'changed later' };
      event.context['added'] = 'later';
    }
    await bench.flush(backend);
    await sends;
    await bench.expectStored(before);
  },
};
