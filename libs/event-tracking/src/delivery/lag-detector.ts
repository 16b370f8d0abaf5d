import { type QueuePeer, type QueuePeers } from '../core/tree/queue-peers.js';
import type { WaitingEvent } from './waiting-events.js';

/** How long events may wait for one destination while another is idle, in milliseconds. */
const PATIENCE_MS = 1_000;

/** An event that takes room in its queue until it ends. */
interface Holding {
  readonly since: number;
  /** Whether the queue hands over nothing more until events end. */
  isFull(): boolean;
}

/** Notices when a destination behind a queue holds up others, and until when. */
export class LagDetector implements QueuePeer {
  /** Oldest first. */
  readonly #holdings = new Map<WaitingEvent, Holding>();
  #peers: QueuePeers | undefined;
  /** Whether a check is scheduled. */
  #isWaiting = false;
  #isFailing = false;
  #isLagging = false;

  /** @param onLag - called when the destination begins to hold up others */
  constructor(private readonly onLag: () => void) {}

  join(peers: QueuePeers): void {
    this.#peers = peers;
    peers.add(this);
  }

  get isLagging(): boolean {
    return this.#isLagging;
  }

  get isIdle(): boolean {
    return !this.#isLagging && this.#longestWait < PATIENCE_MS / 2;
  }

  /** Takes note of an event that takes room in its queue. */
  hold(event: WaitingEvent, isFull: () => boolean): void {
    this.#holdings.set(event, { since: performance.now(), isFull });
    if (this.#isFailing) this.#check();
    else this.#checkAfter(PATIENCE_MS);
  }

  get held(): WaitingEvent[] {
    return [...this.#holdings.keys()];
  }

  holds(event: WaitingEvent): boolean {
    return this.#holdings.has(event);
  }

  /** Takes note that an event has left its queue, or has returned to it. */
  release(event: WaitingEvent): void {
    this.#holdings.delete(event);
  }

  /** Takes note that an attempt failed: nothing is gained by patience. */
  fail(): void {
    this.#isFailing = true;
    this.#check();
  }

  /** Takes note that the destination answers. */
  succeed(): void {
    this.#isFailing = false;
  }

  /** Takes note that the destination has caught up. */
  end(): void {
    this.#isLagging = false;
  }

  get #oldest(): Holding | undefined {
    const [oldest] = this.#holdings.values();
    return oldest;
  }

  get #longestWait(): number {
    return this.#oldest === undefined ? 0 : performance.now() - this.#oldest.since;
  }

  #checkAfter(milliseconds: number): void {
    if (this.#isWaiting) return;
    this.#isWaiting = true;
    setTimeout(() => {
      this.#isWaiting = false;
      this.#check();
    }, milliseconds).unref();
  }

  #check(): void {
    const oldest = this.#oldest;
    if (oldest === undefined || this.#isLagging) return;
    const left = this.#isFailing ? 0 : PATIENCE_MS - this.#longestWait;
    if (left <= 0 && oldest.isFull() && this.#peers?.hasIdleBeside(this) === true) {
      this.#isLagging = true;
      this.onLag();
    } else {
      this.#checkAfter(left > 0 ? left : PATIENCE_MS);
    }
  }
}
