/** Emits in bursts, as requests do: between two turns of the event loop others work. */
const BURST = 100;

export const turn = () => new Promise((resolve) => setImmediate(resolve));

/**
 * Calls a function so many times and waits, between bursts, until there is room again; only the calls are timed, not what
 * is done behind each burst.
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
 * The same while another function is called as often, behind each burst. Timed in turns, the two meet the same machine:
 * whatever the one's work does to the processor's caches, the other finds it too.
 */
export async function nanosecondsPerCallBeside(fn, other, calls, hasRoom) {
  return nanosecondsPerCallInBursts(fn, calls, hasRoom, () => {
    for (let call = 0; call < BURST; call++) other();
  });
}
