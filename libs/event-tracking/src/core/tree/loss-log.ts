import { isWithin, type PeriodRange } from '../event/periods.js';
import type { DropReason } from '../diagnostics/drop-reason.js';

/** Events that were lost for one reason. */
export interface Loss {
  readonly reason: DropReason;
  readonly count: number;
}

interface LoggedLoss {
  readonly reason: DropReason;
  count: number;
  /** When the events arrived. */
  period: number;
}

const MAX_ENTRIES = 1_000;

/** Remembers when lost events had arrived; bounded, by dating the oldest losses later than they were. */
export class LossLog {
  #entries: LoggedLoss[] = [];

  add(reason: DropReason, count: number, period: number): void {
    const last = this.#entries.at(-1);
    if (last?.reason === reason && last.period === period) {
      last.count += count;
      return;
    }
    this.#entries.push({ reason, count, period });
    if (this.#entries.length > MAX_ENTRIES) this.#mergeOldest();
  }

  /** Returns the losses among events that arrived within a range of periods, by reason. */
  within(range: PeriodRange): Loss[] {
    const counts = new Map<DropReason, number>();
    for (const { reason, count, period } of this.#entries) {
      if (isWithin(period, range)) counts.set(reason, (counts.get(reason) ?? 0) + count);
    }
    return [...counts].map(([reason, count]) => ({ reason, count }));
  }

  #mergeOldest(): void {
    const merged = new Map<DropReason, LoggedLoss>();
    for (const entry of this.#entries.splice(0, MAX_ENTRIES / 2)) {
      const same = merged.get(entry.reason);
      if (same === undefined) {
        merged.set(entry.reason, entry);
      } else {
        same.count += entry.count;
        same.period = Math.max(same.period, entry.period);
      }
    }
    this.#entries.unshift(...merged.values());
  }
}
