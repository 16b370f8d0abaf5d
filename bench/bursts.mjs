/** Emits in bursts, as requests do: between two turns of the event loop others work. */
const BURST = 100;

export const turn = () => new Promise((resolve) => setImmediate(resolve));

/** Calls a function so many times and waits, between bursts, until there is room again; only the calls are timed. */
export async function nanosecondsPerCallInBursts(fn, calls, hasRoom = () => true) {
  let nanoseconds = 0n;
  for (let done = 0; done < calls; done += BURST) {
    const start = process.hrtime.bigint();
    for (let call = 0; call < BURST; call++) fn();
    nanoseconds += process.hrtime.bigint() - start;
    do await turn();
    while (!hasRoom());
  }
  return Number(nanoseconds) / calls;
}
