import type { ContractBench } from './contract-bench.js';

/** One promise of a contract, and how it is tried. */
export interface ContractPromise {
  readonly name: string;
  /** Rejects when the promise is broken. */
  attempt(bench: ContractBench): Promise<void>;
}
