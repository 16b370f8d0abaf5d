const LONG_MS = 60_000;

/** The waiters of one signal share a listener, because Node warns of a leak when there are many. */
class Waiters extends Set<() => void> {
  handleEvent(): void {
    for (const resolve of this) resolve();
  }
}

const waiting = new WeakMap<AbortSignal, Waiters>();

/**
 * Waits until work settles or the signal aborts; rejects if the work rejects first.
 *
 * @remarks Keeps the event loop alive meanwhile, because the work may hold only timers that do not.
 */
export async function untilAborted(
  work: Promise<unknown> | undefined,
  signal: AbortSignal | undefined,
): Promise<void> {
  if (work === undefined) return;
  const done = Promise.resolve(work); // a backend may return anything
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
    done.catch(() => {}); // a later failure has no one to report to
  }
}

/** Waits in the same way; resolves to whether the work ended before the signal aborted. */
export async function endsInTime(
  work: Promise<unknown>,
  signal: AbortSignal | undefined,
): Promise<boolean> {
  let hasEnded = false;
  await untilAborted(
    work.then(() => {
      hasEnded = true;
    }),
    signal,
  );
  return hasEnded;
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
