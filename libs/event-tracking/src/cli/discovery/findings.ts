import type { Callee } from './recognise-calls.js';

export interface CodeLocation {
  /** Relative to the working directory. */
  readonly file: string;
  readonly line: number;
  readonly column: number;
}

/** A call whose names are known only at run time. */
export interface DynamicCall extends CodeLocation {
  readonly call: Callee;
  /** The text of the call. */
  readonly code: string;
}

/** The events that a search has found in the code. */
export class Findings {
  readonly emitted = new Map<string, CodeLocation[]>();
  /** Names of declared event types. */
  readonly declared = new Map<string, CodeLocation[]>();
  /** Names emitted through an event type, wherever it is declared. */
  readonly described = new Set<string>();
  readonly dynamic: DynamicCall[] = [];
  /** Calls of `emit` on values of type `any`, which may be trackers. */
  readonly untyped: CodeLocation[] = [];
}
