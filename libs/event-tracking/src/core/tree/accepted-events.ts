import { describeError } from '../diagnostics/describe.js';
import type { Backend } from './backend.js';
import type { EventCounters } from './event-stats.js';
import type { Position } from './tree-node.js';
import { endsInTime } from './until-aborted.js';

/** Knows how many events a destination has accepted but not written, if it buffers them until a flush. */
export class AcceptedEvents {
  #written = 0;

  constructor(
    private readonly destination: Backend,
    private readonly counters: EventCounters,
    private readonly position: () => Position,
  ) {}

  /**
   * Makes the destination write what it has accepted, until the signal aborts; never rejects.
   *
   * @returns how many events may not be written
   */
  async write(signal: AbortSignal | undefined): Promise<number> {
    const accepted = this.counters.delivered;
    if (this.destination.flush === undefined || accepted === this.#written) return 0;
    if (await this.flush(signal)) this.#written = Math.max(this.#written, accepted);
    return Math.max(0, accepted - this.#written);
  }

  /** Resolves to whether the destination's flush succeeded before the signal aborted. */
  async flush(signal: AbortSignal | undefined): Promise<boolean> {
    try {
      return await endsInTime(Promise.resolve(this.destination.flush?.({ signal })), signal);
    } catch (error) {
      const { path, diagnostics } = this.position();
      diagnostics.error(
        `flush ${path}`,
        `Unable to flush the backend '${path}': ${describeError(error)}`,
      );
      return false;
    }
  }
}
