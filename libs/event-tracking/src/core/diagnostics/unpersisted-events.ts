import type { DropReason } from './drop-reason.js';

/** Events that are not durable at one place of the tree. */
export interface UnpersistedEvents {
  /** The path of the backend, node or queue; empty for the tracker itself. */
  readonly path: string;
  /** Why they were dropped, or `pending` if their delivery had not ended in time. */
  readonly reason: DropReason | 'pending';
  readonly count: number;
}
