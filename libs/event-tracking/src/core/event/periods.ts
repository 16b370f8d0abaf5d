const PERIODS = Symbol.for('event-tracking:periods');

/** Divides the life of the process into periods, so that events can be ordered without a clock. */
interface Periods {
  current: number;
}

/** One for the process, also where several copies of the package are loaded. */
const periods = ((globalThis as { [PERIODS]?: Periods })[PERIODS] ??= { current: 0 });

/** A range of periods, both ends included. */
export interface PeriodRange {
  readonly since: number;
  readonly until: number;
}

export function currentPeriod(): number {
  return periods.current;
}

export function endPeriod(): number {
  return periods.current++;
}

export function isWithin(period: number, { since, until }: PeriodRange): boolean {
  return period >= since && period <= until;
}
