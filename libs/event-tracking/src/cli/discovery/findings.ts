import type { Callee } from './callee.js';

/** Where something stands in the code. */
export interface Place {
  /** Relative to where the command runs. */
  readonly file: string;
  readonly line: number;
  readonly column: number;
}

/** A place whose names only the running code knows. */
export interface DynamicPlace extends Place {
  /** What is called there. */
  readonly call: Callee;
  /** The code itself. */
  readonly code: string;
}

/** What was found in the code. */
export class Findings {
  /** The names that are emitted. */
  readonly emitted = new Map<string, Place[]>();
  /** The names that event types are declared for. */
  readonly declared = new Map<string, Place[]>();
  /** Names that are emitted by an event type, wherever that is declared. */
  readonly described = new Set<string>();
  readonly dynamic: DynamicPlace[] = [];
  /** Calls of a method `emit` of values that have no type: they may be trackers. */
  readonly untyped: Place[] = [];
}
