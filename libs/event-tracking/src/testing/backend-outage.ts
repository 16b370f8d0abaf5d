import type { Backend, Outcome } from '../core/tree/backend.js';
import type { TrackingEvent } from '../core/event/event.js';
import { copyOf } from '../core/event/snapshot.js';
import type { BackendHarness } from './backend-harness.js';
import { contractEvent, contractEvents } from './contract-samples.js';
import type { ContractClause } from './contract-clause.js';
import { liveSignal, type Settled } from './harness.js';

/** The time after which a flush is aborted. */
const FLUSH_DEADLINE_MS = 50;

/** Clauses about an outage of the destination: the backend must not lose events silently. */
export function duringOutages(storesOnce: boolean): readonly ContractClause[] {
  return [
    {
      name: 'rejects send() during an outage or delivers the event afterwards',
      async verify(harness) {
        const backend = await harness.create();
        const returnsPromises = await openConnections(harness, backend);
        const events = contractEvents(3);
        const settled = await harness.duringOutage(() =>
          Promise.all(
            copyOf(events).map((event) =>
              harness.settle(async () => {
                const send = startCall('send', returnsPromises, () => backend.send(event));
                await send;
              }),
            ),
          ),
        );
        expectNoSynchronousThrow(settled);
        expectSettled('send(event)', settled, harness);
        const failed = events.filter((_, index) => settled[index]!.as === 'rejected');
        await recover(harness, backend, { events, failed, storesOnce });
      },
    },
    {
      name: 'fails sendBatch() during an outage or delivers the batch afterwards',
      async verify(harness) {
        const backend = await harness.create();
        await openConnections(harness, backend);
        const { sendBatch } = backend;
        if (sendBatch === undefined) return;
        const events = contractEvents(3);
        const settled = await harness.duringOutage(() =>
          harness.settle(async () =>
            startCall('sendBatch', true, () =>
              sendBatch.call(backend, copyOf(events), liveSignal()),
            ),
          ),
        );
        expectNoSynchronousThrow([settled]);
        expectSettled('sendBatch(events)', [settled], harness);
        const failed = findFailures(settled, events);
        await recover(harness, backend, { events, failed, storesOnce });
      },
    },
    {
      name: 'rejects check() during an outage and resolves it afterwards',
      async verify(harness) {
        const backend = await harness.create();
        await openConnections(harness, backend);
        const { check } = backend;
        if (check === undefined) return;
        const settled = await harness.duringOutage(() =>
          harness.settle(async () =>
            startCall('check', true, () => check.call(backend, liveSignal())),
          ),
        );
        expectNoSynchronousThrow([settled]);
        expectSettled('check()', [settled], harness);
        if (settled.as === 'resolved') {
          throw new Error('check() resolved although the destination was unreachable.');
        }
        await harness.within('check() after an outage', () => check.call(backend, liveSignal()));
      },
    },
    {
      name: 'settles flush() when its signal aborts during an outage',
      async verify(harness) {
        const backend = await harness.create();
        await openConnections(harness, backend);
        await harness.duringOutage(async () => {
          const sends = Promise.all(
            contractEvents(2).map((event) => trySend(harness, backend, event)),
          );
          const controller = new AbortController();
          const timer = setTimeout(() => controller.abort(), FLUSH_DEADLINE_MS);
          const flushed = await harness.settle(async () =>
            backend.flush?.({ signal: controller.signal }),
          );
          clearTimeout(timer);
          if (flushed.as === 'pending') {
            throw new Error(
              `flush() did not settle within ${harness.timeout} ms, ` +
                `although its signal aborted after ${FLUSH_DEADLINE_MS} ms.`,
            );
          }
          await sends;
        });
      },
    },
    {
      name: 'resumes delivery after an outage',
      async verify(harness) {
        const backend = await harness.create();
        await openConnections(harness, backend);
        await harness.duringOutage(async () => {
          await trySend(harness, backend, contractEvent());
        });
        const events = contractEvents(3);
        await harness.deliver(backend, events);
        await harness.expectStored(events);
      },
    },
  ];
}

/** An error thrown by a method that should have returned a promise. */
class SynchronousThrow extends Error {}

function startCall<T>(method: string, returnsPromises: boolean, call: () => T): T {
  try {
    return call();
  } catch (cause) {
    if (!returnsPromises) throw cause;
    throw new SynchronousThrow(
      `${method}() threw synchronously during an outage; it must return a promise that rejects.`,
      { cause },
    );
  }
}

function expectNoSynchronousThrow(settled: readonly Settled<unknown>[]): void {
  for (const each of settled) {
    if (each.as === 'rejected' && each.error instanceof SynchronousThrow) throw each.error;
  }
}

function expectSettled(
  label: string,
  settled: readonly Settled<unknown>[],
  { timeout }: BackendHarness,
): void {
  if (settled.some(({ as }) => as === 'pending')) {
    throw new Error(`${label} did not settle within ${timeout} ms during an outage.`);
  }
}

/** Sends events before the outage to open connections; resolves to whether `send` returns promises. */
async function openConnections(harness: BackendHarness, backend: Backend): Promise<boolean> {
  const [event, another] = contractEvents(2);
  await harness.deliver(backend, [event!]);
  let returned: unknown;
  await harness.within('send(event)', async () => {
    returned = backend.send(copyOf(another!));
    await Promise.all([returned, backend.flush?.(liveSignal())]);
  });
  await harness.expectStored([event!, another!]);
  return typeof (returned as { then?: unknown } | undefined)?.then === 'function';
}

async function trySend(
  harness: BackendHarness,
  backend: Backend,
  event: TrackingEvent,
): Promise<void> {
  await harness.settle(async () => backend.send(event));
}

function findFailures(
  settled: Settled<void | readonly Outcome[]>,
  events: readonly TrackingEvent[],
): TrackingEvent[] {
  if (settled.as !== 'resolved') return [...events];
  const outcomes = settled.value;
  if (outcomes === undefined) return [];
  if (outcomes.length !== events.length) {
    throw new Error(
      `sendBatch() received ${events.length} events but reported ${outcomes.length} outcomes during an outage.`,
    );
  }
  return events.filter((_, index) => outcomes[index]?.ok !== true);
}

/** Resends the events that failed, then expects all events to be stored. */
async function recover(
  harness: BackendHarness,
  backend: Backend,
  sent: {
    events: readonly TrackingEvent[];
    failed: readonly TrackingEvent[];
    storesOnce: boolean;
  },
): Promise<void> {
  const { events, failed, storesOnce } = sent;
  await harness.flush(backend);
  const accepted = events.filter((event) => !failed.includes(event));
  const stored = new Set((await harness.storedOf(accepted)).map(({ id }) => id));
  const lost = accepted.filter(({ id }) => !stored.has(id));
  if (lost.length > 0) {
    throw new Error(
      `${lost.length} of ${events.length} events were lost silently: ` +
        `send reported success during an outage, but they are not stored after it.`,
    );
  }
  await harness.deliver(backend, failed);
  await harness.expectStored(events, { atLeastOnce: !storesOnce });
}
