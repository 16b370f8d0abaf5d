import { describeError } from '../core/diagnostics/describe.js';

const DEFAULT_TIMEOUT_MS = 4_000;

/** The state of a call after the timeout. */
export type Settled<T> =
  | { readonly as: 'resolved'; readonly value: T }
  | { readonly as: 'rejected'; readonly error: unknown }
  | { readonly as: 'pending' };

/** The base of the contract harnesses: runs calls with a timeout. */
export class Harness {
  /** @param timeout - the longest time that a call may take, in milliseconds */
  constructor(readonly timeout: number = DEFAULT_TIMEOUT_MS) {}

  /** Resolves to the result of a call; rejects with an explanation if it fails or times out. */
  async within<T>(label: string, call: () => Promise<T>): Promise<T> {
    const settled = await this.settle(call);
    switch (settled.as) {
      case 'resolved':
        return settled.value;
      case 'rejected':
        throw new Error(`${label} failed: ${describeError(settled.error)}`, {
          cause: settled.error,
        });
      default:
        throw new Error(`${label} did not settle within ${this.timeout} ms.`);
    }
  }

  /** Resolves to the state of a call when it settles or times out; never rejects. */
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

/** Returns options with a signal that never aborts. */
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
