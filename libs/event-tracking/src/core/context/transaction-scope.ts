import type { TrackingEvent } from '../event/event.js';

export interface HeldEvent {
  readonly event: TrackingEvent;
  readonly size: number;
  readonly holder: EventHolder;
  /** The transaction that decides about it, which is the one around all savepoints. */
  readonly transaction: TransactionScope;
  readonly order: number;
}

export interface EventHolder {
  release(held: HeldEvent): void;
  rollBack(held: HeldEvent): void;
  /** Receives the events of a transaction before it commits; if it rejects, the transaction fails. */
  beforeCommit?: ((events: readonly HeldEvent[], client: unknown) => Promise<void>) | undefined;
}

export interface TransactionScopeOptions {
  readonly outer?: TransactionScope | undefined;
  /** The transaction that it commits into, if it is a savepoint. */
  readonly joins?: TransactionScope | undefined;
  readonly connection?: object | undefined;
  /** The only holder whose events it holds; without one, it holds the events of all. */
  readonly only?: EventHolder | undefined;
  readonly client?: unknown;
  /** Returns the client of the running code, which can leave a transaction for a while. */
  readonly currentClient?: (() => unknown) | undefined;
}

interface Usage {
  events: number;
  bytes: number;
}

export const MAX_HELD_EVENTS = 10_000;
export const MAX_HELD_SIZE = 16 * 1024 * 1024;

let activeScopes = 0;
let nextOrder = 0;

export function hasActiveTransactions(): boolean {
  return activeScopes > 0;
}

/** Holds the events that are emitted in one attempt of a transaction, or in a savepoint of it. */
export class TransactionScope {
  readonly #client: unknown;
  readonly #outer: TransactionScope | undefined;
  readonly #joins: TransactionScope | undefined;
  readonly #connection: object | undefined;
  readonly #only: EventHolder | undefined;
  readonly #currentClient: (() => unknown) | undefined;
  readonly #clients: Set<unknown>;
  readonly #usage: Usage;
  #state: 'open' | 'committed' | 'rolled_back' = 'open';
  /** Whether the callback of the transaction runs; it can outlast a rollback after a timeout. */
  #isRunning = false;
  #held: HeldEvent[] = [];
  readonly #onEnd: (() => void)[] = [];

  constructor(options: TransactionScopeOptions = {}) {
    const { outer, joins, connection, only, client, currentClient } = options;
    this.#outer = outer;
    this.#joins = joins;
    this.#connection = connection;
    this.#only = only;
    this.#client = client;
    this.#currentClient = currentClient;
    this.#clients = joins === undefined ? new Set() : joins.#clients;
    // A transaction of the code itself has no client, like code outside all transactions.
    if (currentClient !== undefined) this.#clients.add(client);
    this.#usage = joins === undefined ? { events: 0, bytes: 0 } : joins.#usage;
    activeScopes++;
  }

  get root(): TransactionScope {
    return this.#joins === undefined ? this : this.#joins.root;
  }

  /** Returns the innermost transaction around the running code that holds a holder's events. */
  scopeFor(holder: EventHolder): TransactionScope | undefined {
    return this.#find((scope) => scope.#accepts(holder) && scope.#isCurrent);
  }

  /** Returns the innermost open transaction that a savepoint of a connection commits into. */
  joinedBy(connection: object): TransactionScope | undefined {
    return this.#find((scope) => scope.#state === 'open' && scope.#isJoinedBy(connection));
  }

  isWithin(other: TransactionScope): boolean {
    return this.#find((scope) => scope === other) !== undefined;
  }

  async run<T>(callback: () => T | PromiseLike<T>): Promise<T> {
    this.#isRunning = true;
    try {
      return await callback();
    } finally {
      this.#isRunning = false;
      if (this.#state !== 'open') activeScopes--;
    }
  }

  /** Takes an event; returns undefined if the transaction holds too many. */
  hold(holder: EventHolder, event: TrackingEvent, size: number): HeldEvent | undefined {
    const usage = this.#usage;
    if (usage.events >= MAX_HELD_EVENTS || usage.bytes + size > MAX_HELD_SIZE) return undefined;
    const held = { event, size, holder, transaction: this.root, order: nextOrder++ };
    usage.events++;
    usage.bytes += size;
    this.#held.push(held);
    return held;
  }

  dropLate(): void {
    if (this.#state === 'rolled_back') this.#drop(this.#held.splice(0));
  }

  /** Passes the held events to their holders, which may write them in the same transaction. */
  async prepare(): Promise<void> {
    if (this.#joins !== undefined) return;
    const holders = new Set(this.#held.map(({ holder }) => holder));
    for (const holder of holders) {
      const events = this.#held.filter((held) => held.holder === holder).sort(inOrder);
      await holder.beforeCommit?.(events, this.#client);
    }
  }

  /** Releases the events in the order of their emission; a savepoint passes them outwards. */
  commit(): void {
    const joined = this.#joins;
    if (joined !== undefined && joined.#state === 'rolled_back') {
      this.rollBack();
      return;
    }
    for (const held of this.#end('committed').sort(inOrder)) {
      const outer = joined === undefined ? undefined : this.#targetOf(held, joined);
      if (outer === undefined) held.holder.release(held);
      else outer.#held.push(held);
    }
  }

  rollBack(): void {
    this.#drop(this.#end('rolled_back'));
  }

  async ended(): Promise<void> {
    if (this.#state !== 'open') return;
    await new Promise<void>((resolve) => this.#onEnd.push(resolve));
  }

  #targetOf({ holder }: HeldEvent, joined: TransactionScope): TransactionScope | undefined {
    return joined.#find((scope) => scope.#accepts(holder) && scope.#isJoinedBy(this.#connection));
  }

  /** Whether the running code is in the transaction, or in a savepoint of it. */
  get #isCurrent(): boolean {
    return this.#currentClient === undefined || this.#clients.has(this.#currentClient());
  }

  /** Transactions of the code itself have no connection; they join all, and all join them. */
  #isJoinedBy(connection: object | undefined): boolean {
    const own = this.#connection;
    return own === connection || own === undefined || connection === undefined;
  }

  #accepts(holder: EventHolder): boolean {
    if (this.#only !== undefined && this.#only !== holder) return false;
    return this.#state === 'open' || (this.#state === 'rolled_back' && this.#isRunning);
  }

  #find(isWanted: (scope: TransactionScope) => boolean): TransactionScope | undefined {
    let scope: TransactionScope | undefined = this;
    while (scope !== undefined && !isWanted(scope)) scope = scope.#outer;
    return scope;
  }

  /** Returns the events; none if it has ended before. */
  #end(state: 'committed' | 'rolled_back'): HeldEvent[] {
    if (this.#state !== 'open') return [];
    this.#state = state;
    if (!this.#isRunning) activeScopes--;
    for (const resolve of this.#onEnd.splice(0)) resolve();
    return this.#held.splice(0);
  }

  #drop(events: readonly HeldEvent[]): void {
    for (const held of events) {
      this.#usage.events--;
      this.#usage.bytes -= held.size;
      held.holder.rollBack(held);
    }
  }
}

function inOrder(one: HeldEvent, other: HeldEvent): number {
  return one.order - other.order;
}
