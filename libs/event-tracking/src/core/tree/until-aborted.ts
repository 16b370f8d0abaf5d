const LONG_MS = 60_000;

/** Those who wait for one signal: platforms take many listeners for a leak. */
class Waiters extends Set<() => void> {
  handleEvent(): void {
    for (const tell of this) tell();
  }
}

const waiting = new WeakMap<AbortSignal, Waiters>();

/**
 * Waits for work, though no longer than until the signal aborts.
 *
 * @remarks Meanwhile the process does not end as if nothing were left to do, though timers of the work keep it from nothing.
 */
export async function untilAborted(
  work: Promise<unknown> | undefined,
  signal: AbortSignal | undefined,
): Promise<void> {
  if (work === undefined) return;
  const done = Promise.resolve(work); // a destination may answer with anything
  let stop = (): void => {};
  const aborted = new Promise<void>((resolve) => {
    stop = resolve;
    if (signal?.aborted === true) resolve();
    else if (signal !== undefined) listen(signal, stop);
  });
  const alive = setInterval(() => {}, LONG_MS);
  try {
    await Promise.race([done, aborted]);
  } finally {
    clearInterval(alive);
    if (signal !== undefined) unlisten(signal, stop);
    done.catch(() => {}); // what fails after the deadline has nobody left to tell
  }
}

function listen(signal: AbortSignal, stop: () => void): void {
  const waiters = waiting.get(signal) ?? new Waiters();
  if (waiters.size === 0) {
    waiting.set(signal, waiters);
    signal.addEventListener('abort', waiters, { once: true });
  }
  waiters.add(stop);
}

function unlisten(signal: AbortSignal, stop: () => void): void {
  const waiters = waiting.get(signal);
  if (waiters?.delete(stop) !== true || waiters.size > 0) return;
  waiting.delete(signal);
  signal.removeEventListener('abort', waiters);
}
