import type { ContractCase } from './backend-contract-subject.js';
import type { ContractHarness } from './contract-harness.js';

/** One promise of a contract, and how it is tried. */
export interface ContractClause<Bench = ContractHarness> {
  readonly name: string;
  /** Rejects when the promise is broken. */
  attempt(bench: Bench): Promise<void>;
}

/** Promises as tests, each tried on a bench of its own. */
export function casesOf<Bench extends { tearDown(): Promise<void> }>(
  promises: readonly ContractClause<Bench>[],
  makeBench: () => Bench,
): readonly ContractCase[] {
  return promises.map(({ name, attempt }) => ({
    name,
    run: () => attemptOn(makeBench(), attempt),
  }));
}

async function attemptOn<Bench extends { tearDown(): Promise<void> }>(
  bench: Bench,
  attempt: ContractClause<Bench>['attempt'],
): Promise<void> {
  try {
    await attempt(bench);
  } catch (broken) {
    await bench.tearDown().catch(() => {}); // what broke first is what counts
    throw broken;
  }
  await bench.tearDown();
}
