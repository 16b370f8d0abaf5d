const LONG_MS = 60_000;

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
    else signal?.addEventListener('abort', stop, { once: true });
  });
  const alive = setInterval(() => {}, LONG_MS);
  try {
    await Promise.race([done, aborted]);
  } finally {
    clearInterval(alive);
    signal?.removeEventListener('abort', stop);
    done.catch(() => {}); // what fails after the deadline has nobody left to tell
  }
}
