import type { Backend, Outcome } from '../core/tree/backend.js';
import type { TrackingEvent } from '../core/event/event.js';
import { copyOf } from '../core/event/snapshot.js';
import type { ContractHarness } from './contract-harness.js';
import { contractEvent, contractEvents } from './contract-events.js';
import type { ContractClause } from './contract-clause.js';
import { liveSignal, type Settled } from './patience.js';

/** How long a flush may try before it is told to stop. */
const PATIENCE_MS = 50;

/** While the destination cannot be reached nothing is lost in silence. */
export function duringOutages(storesOnce: boolean): readonly ContractClause[] {
  return [
    {
      name: 'send rejects during an outage, or delivers after it',
      async attempt(bench) {
        const backend = await bench.create();
        const returnsPromises = await sendOne(bench, backend);
        const events = contractEvents(3);
        const settled = await bench.duringOutage(() =>
          Promise.all(
            copyOf(events).map((event) =>
              bench.settle(async () => {
                const send = started('send', returnsPromises, () => backend.send(event));
                await send;
              }),
            ),
          ),
        );
        refuseThrown(settled);
        refusePending('send(event)', settled, bench);
        const failed = events.filter((_, index) => settled[index]!.as === 'rejected');
        await recover(bench, backend, { events, failed, storesOnce });
      },
    },
    {
      name: 'sendBatch rejects or reports failures during an outage, or delivers after it',
      async attempt(bench) {
        const backend = await bench.create();
        await sendOne(bench, backend);
        const { sendBatch } = backend;
        if (sendBatch === undefined) return;
        const events = contractEvents(3);
        const settled = await bench.duringOutage(() =>
          bench.settle(async () =>
            started('sendBatch', true, () => sendBatch.call(backend, copyOf(events), liveSignal())),
          ),
        );
        refuseThrown([settled]);
        refusePending('sendBatch(events)', [settled], bench);
        const failed = failuresOf(settled, events);
        await recover(bench, backend, { events, failed, storesOnce });
      },
    },
    {
      name: 'check rejects during an outage, and resolves after it',
      async attempt(bench) {
        const backend = await bench.create();
        await sendOne(bench, backend);
        const { check } = backend;
        if (check === undefined) return;
        const settled = await bench.duringOutage(() =>
          bench.settle(async () => started('check', true, () => check.call(backend, liveSignal()))),
        );
        refuseThrown([settled]);
        refusePending('check()', [settled], bench);
        if (settled.as === 'resolved') {
          throw new Error('check() resolved though the destination could not be reached.');
        }
        await bench.within('check() after an outage', () => check.call(backend, liveSignal()));
      },
    },
    {
      name: 'flush ends when its signal aborts during an outage',
      async attempt(bench) {
        const backend = await bench.create();
        await sendOne(bench, backend);
        await bench.duringOutage(async () => {
          const sends = Promise.all(
            contractEvents(2).map((event) => attemptSend(bench, backend, event)),
          );
          const controller = new AbortController();
          const timer = setTimeout(() => controller.abort(), PATIENCE_MS);
          const flushed = await bench.settle(async () =>
            backend.flush?.({ signal: controller.signal }),
          );
          clearTimeout(timer);
          if (flushed.as === 'pending') {
            throw new Error(
              `flush() did not settle within ${bench.timeout} ms, though its signal had aborted after ${PATIENCE_MS} ms.`,
            );
          }
          await sends;
        });
      },
    },
    {
      name: 'delivers again after an outage',
      async attempt(bench) {
        const backend = await bench.create();
        await sendOne(bench, backend);
        await bench.duringOutage(async () => {
          await attemptSend(bench, backend, contractEvent());
        });
        const events = contractEvents(3);
        await bench.deliver(backend, events);
        await bench.expectStored(events);
      },
    },
  ];
}

/** Thrown at once by what ought to have returned a promise. */
class ThrownAtOnce extends Error {}

function started<T>(method: string, returnsPromises: boolean, call: () => T): T {
  try {
    return call();
  } catch (cause) {
    if (!returnsPromises) throw cause;
    throw new ThrownAtOnce(
      `${method} threw at once during an outage; where it returns a promise, that rejects.`,
      { cause },
    );
  }
}

function refuseThrown(settled: readonly Settled<unknown>[]): void {
  for (const each of settled) {
    if (each.as === 'rejected' && each.error instanceof ThrownAtOnce) throw each.error;
  }
}

function refusePending(
  what: string,
  settled: readonly Settled<unknown>[],
  { timeout }: ContractHarness,
): void {
  if (settled.some(({ as }) => as === 'pending')) {
    throw new Error(`${what} did not settle within ${timeout} ms during an outage.`);
  }
}

/** Sends one event in good times, so that connections stand; tells whether send returns promises. */
async function sendOne(bench: ContractHarness, backend: Backend): Promise<boolean> {
  const [event, another] = contractEvents(2);
  await bench.deliver(backend, [event!]);
  let returned: unknown;
  await bench.within('send(event)', async () => {
    returned = backend.send(copyOf(another!));
    await Promise.all([returned, backend.flush?.(liveSignal())]);
  });
  await bench.expectStored([event!, another!]);
  return typeof (returned as { then?: unknown } | undefined)?.then === 'function';
}

async function attemptSend(
  bench: ContractHarness,
  backend: Backend,
  event: TrackingEvent,
): Promise<void> {
  await bench.settle(async () => backend.send(event));
}

function failuresOf(
  settled: Settled<void | readonly Outcome[]>,
  events: readonly TrackingEvent[],
): TrackingEvent[] {
  if (settled.as !== 'resolved') return [...events];
  const outcomes = settled.value;
  if (outcomes === undefined) return [];
  if (outcomes.length !== events.length) {
    throw new Error(
      `sendBatch was given ${events.length} events and reported ${outcomes.length} outcomes during an outage.`,
    );
  }
  return events.filter((_, index) => outcomes[index]?.ok !== true);
}

/** Sends again what was reported as failed: all is stored then, what was reported as taken over included. */
async function recover(
  bench: ContractHarness,
  backend: Backend,
  sent: {
    events: readonly TrackingEvent[];
    failed: readonly TrackingEvent[];
    storesOnce: boolean;
  },
): Promise<void> {
  const { events, failed, storesOnce } = sent;
  await bench.flush(backend);
  const taken = events.filter((event) => !failed.includes(event));
  const stored = new Set((await bench.storedOf(taken)).map(({ id }) => id));
  const lost = taken.filter(({ id }) => !stored.has(id));
  if (lost.length > 0) {
    throw new Error(
      `${lost.length} of ${events.length} events were lost in silence: sent during an outage, reported as delivered, not stored after it.`,
    );
  }
  await bench.deliver(backend, failed);
  await bench.expectStored(events, { atLeastOnce: !storesOnce });
}
