import type { BackendHarness } from './backend-harness.js';
import type { ContractCase } from './backend-contract-subject.js';

/** One clause of a contract and the check that verifies it. */
export interface ContractClause<Harness = BackendHarness> {
  readonly name: string;
  /** Rejects when the clause is violated. */
  verify(harness: Harness): Promise<void>;
}

/** Turns clauses into test cases, each with a harness of its own. */
export function toCases<Harness extends { tearDown(): Promise<void> }>(
  clauses: readonly ContractClause<Harness>[],
  createHarness: () => Harness,
): readonly ContractCase[] {
  return clauses.map(({ name, verify }) => ({
    name,
    run: () => verifyWith(createHarness(), verify),
  }));
}

async function verifyWith<Harness extends { tearDown(): Promise<void> }>(
  harness: Harness,
  verify: ContractClause<Harness>['verify'],
): Promise<void> {
  try {
    await verify(harness);
  } catch (violation) {
    await harness.tearDown().catch(() => {}); // must not hide the violation
    throw violation;
  }
  await harness.tearDown();
}
