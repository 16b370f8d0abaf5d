import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { MemoryBackend } from '../backends/memory-backend.js';
import type { Backend } from '../core/tree/backend.js';
import { PermanentDeliveryError } from '../core/diagnostics/errors.js';
import type { TrackingEvent } from '../core/event/event.js';
import { Tracker } from '../core/tracker/tracker.js';
import { Redelivery } from './redelivery.js';

function event(name: string, data: Record<string, unknown> = {}): TrackingEvent {
  return { id: name, name, timestamp: new Date(0), context: {}, data };
}

function redelivery(crm: Backend): Redelivery {
  const tracker = new Tracker({ backends: { crm } });
  return new Redelivery(() => tracker, { target: 'crm' });
}

beforeEach(() => void vi.spyOn(console, 'error').mockImplementation(() => {}));

afterEach(() => vi.restoreAllMocks());

describe('Redelivery', () => {
  it('delivers events of any total size', async () => {
    const crm = new MemoryBackend();
    const text = 'x'.repeat(1024 * 1024);
    const events = Array.from({ length: 70 }, (_, index) => event(`e${index}`, { text }));
    expect(await redelivery(crm).deliver(events)).toEqual([]);
    expect(crm.events).toHaveLength(70);
  });

  it('reports the given-up events of each call, including concurrent calls', async () => {
    let release = (): void => {};
    const held = new Promise<void>((resolve) => (release = resolve));
    const crm: Backend = {
      async send({ name }) {
        if (name === 'held') await held;
        else throw new PermanentDeliveryError(`not ${name}`);
      },
    };
    const deliveries = redelivery(crm);
    const first = deliveries.deliver([event('first'), event('held')]);
    await vi.waitFor(() => expect(console.error).toHaveBeenCalled());
    const second = deliveries.deliver([event('second')]);
    release();
    expect(await first).toMatchObject([{ event: { name: 'first' }, error: /not first/ }]);
    expect(await second).toMatchObject([{ event: { name: 'second' }, error: /not second/ }]);
  });

  it('delivers again after end', async () => {
    const crm = new MemoryBackend();
    const deliveries = redelivery(crm);
    await deliveries.deliver([event('first')]);
    await deliveries.end();
    expect(await deliveries.deliver([event('second')])).toEqual([]);
    expect(crm.events.map(({ name }) => name)).toEqual(['first', 'second']);
  });
});
