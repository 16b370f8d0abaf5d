/** Emits in bursts, as requests do: other work runs between two turns of the event loop. */
const BURST = 100;

export const turn = () => new Promise((resolve) => setImmediate(resolve));

/**
 * Calls a function in bursts, and waits between bursts until there is room again. Times only the
 * calls.
 */
export async function nanosecondsPerCallInBursts(
  fn,
  calls,
  hasRoom = () => true,
  behind = () => {},
) {
  let nanoseconds = 0n;
  for (let done = 0; done < calls; done += BURST) {
    const start = process.hrtime.bigint();
    for (let call = 0; call < BURST; call++) fn();
    nanoseconds += process.hrtime.bigint() - start;
    behind();
    do await turn();
    while (!hasRoom());
  }
  return Number(nanoseconds) / calls;
}

/**
 * Times a function in the same way, while another one is called as often after each burst. Two
 * functions that are timed beside each other find the processor's caches in the same state.
 */
export async function nanosecondsPerCallBeside(fn, other, calls, hasRoom) {
  return nanosecondsPerCallInBursts(fn, calls, hasRoom, () => {
    for (let call = 0; call < BURST; call++) other();
  });
}
