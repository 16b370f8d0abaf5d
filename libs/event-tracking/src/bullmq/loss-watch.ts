import type { IRedisClient, Queue } from 'bullmq';
import type { Diagnostics } from '../core/diagnostics/diagnostics.js';

const INTERVAL_MS = 30_000;
const SAFE_POLICY = 'noeviction';

/** What is known of a Redis and of the queue in it. */
interface Sample {
  /** How many jobs were ever added to the queue. */
  added: number;
  /** The jobs that have not ended. */
  pending: number;
  /** The keys that the server has evicted since its start. */
  evicted: number;
  runId: string | undefined;
}

/**
 * Notices that Redis has lost jobs, and a setting with which it may lose them.
 *
 * @remarks
 * It compares the queue's counter of added jobs with an earlier one, on each connection and twice a minute. A loss that is
 * made up for by as many new jobs in between goes unnoticed.
 */
export class LossWatch {
  #last: Sample | undefined;
  #timer: NodeJS.Timeout | undefined;
  #client: IRedisClient | undefined;
  readonly #onReady = (): void => void this.check();
  #isStopped = false;
  #isChecking = false;
  #epoch = 0;
  /** The jobs that this process certainly added after the last state was read. */
  #addedSince = 0;

  constructor(
    private readonly queue: Queue,
    private readonly diagnostics: Diagnostics,
  ) {}

  async start(): Promise<void> {
    try {
      this.#timer = setInterval(this.#onReady, INTERVAL_MS).unref();
      this.#client = await this.queue.getBackend().client;
      if (this.#isStopped) return;
      this.#client.on('ready', this.#onReady);
      if (this.#client.status === 'ready') await this.check();
    } catch {
      // Whoever uses the connection reports its errors.
    }
  }

  stop(): void {
    this.#isStopped = true;
    clearInterval(this.#timer);
    this.#client?.off('ready', this.#onReady);
  }

  /** Marks the time at which a job is added: pass it to {@link countAdded}. */
  get epoch(): number {
    return this.#epoch;
  }

  /** Counts a job that Redis acknowledged, unless the counter may have been read meanwhile. */
  countAdded(epoch: number): void {
    if (epoch === this.#epoch) this.#addedSince++;
  }

  /** Compares the queue with its last state; never rejects. */
  async check(): Promise<void> {
    if (this.#isChecking || this.#client?.status !== 'ready') return;
    this.#isChecking = true;
    try {
      await this.#read(this.#client);
    } catch {
      // The next check compares with the same state.
    }
    this.#isChecking = false;
  }

  async #read(client: IRedisClient): Promise<void> {
    const states = ['wait', 'prioritized', 'delayed', 'active'] as const;
    const pending = await this.queue.getJobCountByTypes(...states);
    // Any node of a cluster may answer, so two answers cannot be compared.
    const info = client.isCluster ? '' : await client.info();
    this.#checkPolicy(field(info, 'maxmemory_policy'));
    const evicted = Number(field(info, 'evicted_keys') ?? 0);
    const runId = field(info, 'run_id');
    this.#epoch++;
    const added = Number((await client.get(this.queue.toKey('id'))) ?? 0);
    this.#epoch++;
    const sample = { added, pending, evicted, runId };
    if (this.#last !== undefined) this.#compare(this.#last, sample);
    this.#last = sample;
    this.#addedSince = 0;
  }

  #checkPolicy(policy: string | undefined): void {
    if (policy === undefined || policy === SAFE_POLICY) return;
    this.diagnostics.warn(
      'eviction',
      `Redis may evict jobs: its maxmemory-policy is '${policy}'. Set it to ${SAFE_POLICY}.`,
      { burst: 1 },
    );
  }

  #compare(last: Sample, { added, evicted, runId }: Sample): void {
    const expected = last.added + this.#addedSince;
    if (added < expected) {
      this.diagnostics.error(
        'lost jobs',
        `Redis has lost jobs of the queue '${this.queue.name}': it has counted ${added} added jobs, but counted ` +
          `${expected} before. Up to ${last.pending + this.#addedSince} jobs that had not ended are lost. Turn on the ` +
          `append-only file, and keep others from flushing this Redis.`,
      );
    }
    if (runId === last.runId && evicted > last.evicted) {
      this.diagnostics.error(
        'evicted keys',
        `Redis has evicted ${evicted - last.evicted} keys, and jobs of the queue '${this.queue.name}' may be among them. ` +
          `Set maxmemory-policy to ${SAFE_POLICY}.`,
      );
    }
  }
}

function field(info: string, name: string): string | undefined {
  return new RegExp(`^${name}:(\\S*)`, 'm').exec(info)?.[1];
}
