import { describeError } from '../core/diagnostics/describe.js';

const DEFAULT_TIMEOUT_MS = 4_000;

/** What became of a call. */
export type Settled<T> =
  | { readonly as: 'resolved'; readonly value: T }
  | { readonly as: 'rejected'; readonly error: unknown }
  | { readonly as: 'pending' };

/** Waits for calls, and not for ever. */
export class Patience {
  /** @param timeout - how long a call may take, in milliseconds */
  constructor(readonly timeout: number = DEFAULT_TIMEOUT_MS) {}

  /** Resolves to what a call resolves to; rejects with a reason when it fails or does not settle in time. */
  async within<T>(what: string, call: () => Promise<T>): Promise<T> {
    const settled = await this.settle(call);
    switch (settled.as) {
      case 'resolved':
        return settled.value;
      case 'rejected':
        throw new Error(`${what} failed: ${describeError(settled.error)}`, {
          cause: settled.error,
        });
      default:
        throw new Error(`${what} did not settle within ${this.timeout} ms.`);
    }
  }

  /** What becomes of a call in time; never rejects. */
  async settle<T>(call: () => Promise<T>, timeout = this.timeout): Promise<Settled<T>> {
    let timer: ReturnType<typeof setTimeout> | undefined;
    const late = new Promise<Settled<T>>((resolve) => {
      timer = setTimeout(() => resolve({ as: 'pending' }), timeout);
    });
    try {
      return await Promise.race([outcomeOf(call), late]);
    } finally {
      clearTimeout(timer);
    }
  }
}

/** The options of a call for which there is all the time in the world. */
export function liveSignal(): { signal: AbortSignal } {
  return { signal: new AbortController().signal };
}

async function outcomeOf<T>(call: () => Promise<T>): Promise<Settled<T>> {
  try {
    return { as: 'resolved', value: await call() };
  } catch (error) {
    return { as: 'rejected', error };
  }
}
