import { describeError } from '../../core/diagnostics/describe.js';
import type { Diagnostics } from '../../core/diagnostics/diagnostics.js';

/** Reports what happened to the events of one store. */
export class StoreReports {
  constructor(
    private readonly location: string,
    private readonly diagnostics: Diagnostics,
  ) {}

  /** @param damage - names the damaged files */
  damaged(lost: number, damage: string): void {
    this.diagnostics.error(
      'damage',
      `Queue on disk: ${this.location} is damaged: ${damage}. ${lossOf(lost)}; ` +
        `intact events are delivered, and damaged files are kept in its folder 'damaged'.`,
    );
  }

  /** @param undelivered - how many events were in the directory */
  deleted(undelivered: number): void {
    this.diagnostics.error(
      'damage',
      `Queue on disk: the directory ${this.location} was deleted while it was in use. ` +
        `${eventsOf(undelivered)} in it had not been delivered and may be lost. New events go to a new directory.`,
    );
  }

  ofNewerRelease(count: number): void {
    this.diagnostics.error(
      `unknown records in ${this.location}`,
      `Queue on disk: ${this.location} has ${count === 1 ? '1 record' : `${count} records`} that a newer release has written. ` +
        `This release leaves them alone; the newer one can deliver them.`,
      { burst: 1 },
    );
  }

  unwritten(error: unknown): void {
    this.diagnostics.error(
      'the disk',
      `Queue on disk: ${this.location} could not be written to: ${describeError(error)}. ` +
        `Events that were delivered meanwhile may be delivered again after a restart.`,
    );
  }
}

function lossOf(lost: number): string {
  if (lost === 0) return 'No event is known to be lost';
  return `${eventsOf(lost)} ${lost === 1 ? 'is' : 'are'} lost`;
}

function eventsOf(count: number): string {
  return count === 1 ? '1 event' : `${count} events`;
}
