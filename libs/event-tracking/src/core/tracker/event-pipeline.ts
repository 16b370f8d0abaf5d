import type { ContextLocator } from '../context/context-locator.js';
import type { ContextStack, EnteredContext } from '../context/context-stack.js';
import { DefaultContextLocator } from '../context/default-context-locator.js';
import { runningTransaction } from '../context/running-transaction.js';
import {
  hasActiveTransactions,
  MAX_HELD_EVENTS,
  MAX_HELD_SIZE,
  type EventHolder,
  type HeldEvent,
  type TransactionScope,
} from '../context/transaction-scope.js';
import { describeError, quoteName } from '../diagnostics/describe.js';
import { NotPersistedError } from '../diagnostics/errors.js';
import { Diagnostics } from '../diagnostics/diagnostics.js';
import { EventFactory } from './event-factory.js';
import { watchExit } from './exit-watch.js';
import type { TrackingEvent } from '../event/event.js';
import { endPeriod } from '../event/periods.js';
import { checkedTypes, nameOfType, type ContextType } from '../event-types/event-type.js';
import type { MetadataRecord } from '../event-types/metadata-record.js';
import { checkedTransactionMode, type TransactionMode } from '../event-types/transaction-mode.js';
import { TypeCheck } from '../event-types/type-check.js';
import { TypeRegister } from '../event-types/type-register.js';
import type { Deadline } from '../tree/backend.js';
import { EventCounters } from '../tree/event-stats.js';
import { unpersistedAt } from '../tree/persistence.js';
import type { RoutingBackend } from '../tree/routing-backend.js';
import { NODE, type TreeNode } from '../tree/tree-node.js';
import { untilAborted } from '../tree/until-aborted.js';
import { withinDeadline, type PersistedOptions } from './persisted-options.js';
import { StartupBuffer } from './startup-buffer.js';
import {
  checkedLocator,
  checkedSize,
  DEFAULT_MAX_EVENT_SIZE,
  type TrackerOptions,
} from './tracker-options.js';
import type { TrackerStats } from './tracker-stats.js';

/** Options of an {@link EventPipeline}. */
export type EventPipelineOptions = Omit<TrackerOptions, 'backends' | 'processors'>;

/** Options that may be known only with the tree. */
export type AttachOptions = Pick<
  TrackerOptions,
  'contextLocator' | 'maxEventSize' | 'strict' | 'transaction'
>;

/** How deeply emits may nest before they count as a cycle. */
const MAX_NESTED_EMITS = 8;

/**
 * Creates events and routes them into a tree. A tracker delegates to it, and its owner controls it.
 *
 * @remarks
 * The tree comes later than the pipeline, so that the tree's backends may depend on the tracker. Events emitted before
 * are buffered, up to a limit, and delivered once the tree is attached.
 */
export class EventPipeline implements EventHolder {
  readonly name: string;
  readonly diagnostics: Diagnostics;
  readonly types = new TypeRegister((record, type) => {
    this.#registerBelow(record);
    if (type !== undefined) this.check.reportUnexpressed(type);
  });
  readonly check: TypeCheck;
  /** Called when a context is entered for the whole process, with its name. */
  onProcessContext: ((name: string | undefined) => void) | undefined;
  beforeCommit: ((events: readonly HeldEvent[], client: unknown) => Promise<void>) | undefined;
  readonly #factory: EventFactory;
  readonly #counters = new EventCounters();
  #root: RoutingBackend | undefined;
  #rootNode: TreeNode | undefined;
  #startup: StartupBuffer | undefined = new StartupBuffer();
  #state: 'open' | 'disabled' | 'closed' = 'open';
  #transaction: TransactionMode | undefined;
  readonly #held = new Map<TransactionScope, number>();
  #nested = 0;
  #closing: Promise<void> | undefined;
  /** Called once the tree is attached, or never will be. */
  readonly #onReady: (() => void)[] = [];
  /** The period from which on code outside all scopes learns of losses. */
  #unconfirmedSince = 0;
  readonly #unwatchExit = watchExit(this);

  /** @throws {@link ImproperlyConfigured} for an invalid locator, size or type */
  constructor(options: EventPipelineOptions = {}) {
    const { name = 'default', strict, eventTypes = [] } = options;
    const { contextLocator = new DefaultContextLocator() } = options;
    const { maxEventSize = DEFAULT_MAX_EVENT_SIZE } = options;
    this.name = name;
    this.diagnostics = new Diagnostics(options.logger);
    this.check = new TypeCheck(this.diagnostics);
    this.check.isStrict = strict === true;
    this.#transaction = checkedTransactionMode(options.transaction, '');
    this.#factory = new EventFactory({
      tracker: name,
      locator: checkedLocator(contextLocator),
      maxEventSize: checkedSize(maxEventSize),
      types: this.types,
      check: this.check,
      diagnostics: this.diagnostics,
    });
    for (const type of checkedTypes(eventTypes, 'eventTypes')) this.types.register(type);
  }

  get locator(): ContextLocator {
    return this.#factory.locator;
  }

  /** The root of the tree, once it is attached. */
  get root(): RoutingBackend | undefined {
    return this.#root;
  }

  get isDisabled(): boolean {
    return this.#state === 'disabled';
  }

  /** Creates an event and routes it; never throws. */
  emit(name: unknown, data: unknown): void {
    if (this.#state === 'disabled') return;
    try {
      this.#counters.arrived++;
      if (this.#state === 'closed') {
        this.#drop('closed', name, 'the tracker is closed');
      } else if (this.#nested >= MAX_NESTED_EMITS) {
        this.#drop('recursion', name, 'creating or delivering it emits events in a cycle');
      } else {
        this.#createAndRoute(name, data);
      }
    } catch (error) {
      // Counted without a call, because the call stack may be exhausted.
      const { dropped } = this.#counters;
      dropped.internal_error = (dropped.internal_error ?? 0) + 1;
      try {
        this.#reportDrop(name, describeError(error));
      } catch {
        // As above.
      }
    }
  }

  release(held: HeldEvent): void {
    const { event, size } = held;
    this.#countHeld(held, -1);
    if (this.#state === 'disabled') return;
    try {
      if (this.#state === 'closed') {
        this.#drop('closed', event.name, 'the tracker was closed before its transaction ended');
      } else {
        this.#route(event, size);
      }
    } catch (error) {
      this.#counters.drop('internal_error');
      this.#reportDrop(event.name, describeError(error));
    }
  }

  rollBack(held: HeldEvent): void {
    this.#countHeld(held, -1);
    // No loss: the event tells of something that did not happen.
    const { dropped } = this.#counters;
    dropped.rolled_back = (dropped.rolled_back ?? 0) + 1;
  }

  /** Enters a context in the innermost scope, and reports values that JSON cannot represent. */
  enterContext(
    context: string | ContextType | undefined,
    values: object,
    type: ContextType | undefined,
  ): EnteredContext {
    const name = nameOfType(context);
    const scope = this.locator.get();
    const entered = scope.enter(name, values, { type });
    if (scope.scope === 'process') this.onProcessContext?.(name);
    if (entered.conversions.length > 0) {
      this.check.unserialisable('context', name ?? 'without a name', entered.conversions);
    }
    return entered;
  }

  /**
   * Attaches the tree, and routes the events emitted so far.
   *
   * @throws {@link ImproperlyConfigured} for an invalid locator or size
   */
  attach(root: RoutingBackend, options: AttachOptions = {}): void {
    const { contextLocator, maxEventSize, strict, transaction } = options;
    if (contextLocator !== undefined) this.#factory.locator = checkedLocator(contextLocator);
    if (maxEventSize !== undefined) this.#factory.maxEventSize = checkedSize(maxEventSize);
    if (strict !== undefined) this.check.isStrict = strict;
    if (transaction !== undefined) this.#transaction = checkedTransactionMode(transaction, '');
    const { name: tracker, diagnostics } = this;
    this.#root = root;
    this.#rootNode = root[NODE];
    this.#rootNode.attach({ tracker, path: '', diagnostics, isAttached: true });
    for (const record of this.types.records) this.#registerBelow(record);
    const buffered = this.#startup?.release() ?? [];
    this.#startup = undefined;
    for (const event of buffered) this.#route(event);
    this.#ready();
  }

  /** Makes everything a no-op, and forgets buffered events. */
  disable(): void {
    this.#state = 'disabled';
    this.#startup = undefined;
    this.#unwatchExit();
    this.#ready();
  }

  /** Drops events emitted from now on as `closed`; backends stay open. */
  stopAccepting(): void {
    if (this.#state !== 'open') return;
    this.#state = 'closed';
    for (const { name } of this.#startup?.release() ?? []) {
      this.#drop('closed', name, 'the tracker was closed before its backends were ready');
    }
    this.#ready();
  }

  stats(): TrackerStats {
    const own = this.#counters.read();
    return {
      ...own,
      pending: own.pending + this.#heldIn(this.#held.keys()) + (this.#startup?.size ?? 0),
      backends: this.#root?.stats() ?? {},
      violations: this.check.violations.counts(),
    };
  }

  /** Resolves when all events emitted so far have been delivered or given up, or the signal aborts; never rejects. */
  async flush(options: Deadline): Promise<void> {
    if (this.#held.size > 0) await this.#transactionsElsewhere(options.signal);
    await this.#root?.flush(options);
    await untilAborted(this.check.settled(), options.signal);
    this.diagnostics.reportSuppressed();
  }

  /**
   * Waits until the events emitted so far are durable.
   *
   * @throws {@link NotPersistedError} if some are lost, or not durable when the time is over
   */
  async persisted(options: PersistedOptions): Promise<void> {
    await withinDeadline(options, (signal) => this.#persisted(signal));
  }

  /** Reports the events that are lost because the process exits, after queues have saved what they can. */
  onExit(): void {
    const inTree = this.#root?.[NODE].abandon() ?? {};
    const held = this.#heldIn(this.#held.keys()) + (this.#startup?.size ?? 0);
    const lost = Object.entries(held > 0 ? { '': held, ...inTree } : inTree);
    if (lost.length === 0) return;
    const places = lost.map(([path, count]) => `${count} at ${placeOf(path)}`).join(', ');
    this.diagnostics.error(
      'exit',
      `The process exits, and events of the tracker '${this.name}' that were still pending are lost: ${places}. ` +
        `Await tracker.close() before the process exits, or use a durable queue.`,
    );
  }

  /** Ends the reports of losses at exit: the owner of the tree has closed it. */
  unwatchExit(): void {
    this.#unwatchExit();
  }

  /** Flushes, stops accepting events and closes the tree; a second call awaits the first. */
  async close(options: Deadline): Promise<void> {
    if (this.#state === 'open') this.#closing ??= this.#close(options);
    await this.#closing;
  }

  async #close(options: Deadline): Promise<void> {
    await this.flush(options);
    this.stopAccepting();
    await this.#root?.close(options);
    this.diagnostics.reportSuppressed();
    this.#unwatchExit();
  }

  async #persisted(signal: AbortSignal): Promise<void> {
    if (this.#state === 'disabled') return;
    const scope = this.#scope();
    // Only where necessary: events emitted while it waits would count as emitted before the call.
    if ((this.#startup?.size ?? 0) > 0) await untilAborted(this.#treeIsReady(), signal);
    const until = endPeriod();
    const transactions = [...this.#held.keys()];
    if (transactions.length > 0) await this.#transactionsElsewhere(signal);
    const query = { since: scope?.since ?? this.#unconfirmedSince, until, signal };
    const below = await this.#root?.[NODE].persisted(query);
    const held = this.#heldIn(transactions) + (this.#startup?.size ?? 0);
    const events = [...unpersistedAt('', this.#counters, query, held), ...(below ?? [])];
    const pending = events.filter(({ reason }) => reason === 'pending');
    if (scope === undefined && pending.length === 0) this.#unconfirmedSince = until + 1;
    if (events.length === 0) return;
    const places = events.map(
      ({ path, reason, count }) => `${count} ${reason} at ${placeOf(path)}`,
    );
    throw new NotPersistedError(
      `Not all events of the tracker '${this.name}' are durable: ${places.join(', ')}.` +
        (this.#isInHoldingTransaction() ? ` Await persisted() after the transaction.` : ''),
      { events, cause: pending.length > 0 ? (signal.reason as unknown) : undefined },
    );
  }

  /** The scope of the running code, unless it is the whole process. */
  #scope(): ContextStack | undefined {
    try {
      const stack = this.locator.get();
      return stack.scope === 'process' ? undefined : stack;
    } catch {
      return undefined; // reported with each event
    }
  }

  async #treeIsReady(): Promise<void> {
    await new Promise<void>((resolve) => this.#onReady.push(resolve));
  }

  #ready(): void {
    for (const resolve of this.#onReady.splice(0)) resolve();
  }

  /** Getters in the data and request properties may call emit themselves. */
  #createAndRoute(name: unknown, data: unknown): void {
    this.#nested++;
    try {
      const { event, size } = this.#factory.make(name, data);
      const transaction = hasActiveTransactions() ? this.#transactionOf(name) : undefined;
      if (transaction === undefined) this.#route(event, size);
      else this.#hold(transaction, event, size);
    } finally {
      this.#nested--;
    }
  }

  #route(event: TrackingEvent, size?: number): void {
    if (this.#rootNode === undefined) {
      if (this.#startup?.hold(event) === true) return;
      this.#drop(
        'startup_overflow',
        event.name,
        `${this.#startup?.capacity} events are already waiting for the backends to be ready`,
      );
      return;
    }
    this.#rootNode.route(event, size);
    this.#counters.delivered++;
  }

  #transactionOf(name: unknown): TransactionScope | undefined {
    const transaction = runningTransaction()?.scopeFor(this);
    if (transaction === undefined) return undefined;
    const type = typeof name === 'string' ? this.types.event(name) : this.types.of(name);
    const mode = type?.type.transaction ?? this.#transaction;
    return mode === 'always' ? undefined : transaction;
  }

  #hold(transaction: TransactionScope, event: TrackingEvent, size: number): void {
    const held = transaction.hold(this, event, size);
    if (held === undefined) {
      this.#drop(
        'transaction_overflow',
        event.name,
        `its transaction already holds ${MAX_HELD_EVENTS} events or ${MAX_HELD_SIZE / 2 ** 20} MiB. ` +
          `Commit more often, or declare the event with transaction: 'always'`,
      );
      return;
    }
    this.#countHeld(held, 1);
    transaction.dropLate();
  }

  #isInHoldingTransaction(): boolean {
    const running = runningTransaction();
    return [...this.#held.keys()].some((each) => running?.isWithin(each) === true);
  }

  #countHeld({ transaction }: HeldEvent, change: 1 | -1): void {
    const count = (this.#held.get(transaction) ?? 0) + change;
    if (count > 0) this.#held.set(transaction, count);
    else this.#held.delete(transaction);
  }

  #heldIn(transactions: Iterable<TransactionScope>): number {
    let sum = 0;
    for (const transaction of transactions) sum += this.#held.get(transaction) ?? 0;
    return sum;
  }

  /** Resolves when the transactions that hold events have ended, except those around the caller. */
  async #transactionsElsewhere(signal: AbortSignal | undefined): Promise<void> {
    const running = runningTransaction();
    const others = [...this.#held.keys()].filter((each) => running?.isWithin(each) !== true);
    await untilAborted(Promise.all(others.map(async (each) => each.ended())), signal);
  }

  #registerBelow(record: MetadataRecord): void {
    this.#root?.register(record).catch(() => {}); // reported by the tree
  }

  #drop(
    reason: 'closed' | 'startup_overflow' | 'transaction_overflow' | 'recursion',
    name: unknown,
    why: string,
  ): void {
    this.#counters.drop(reason);
    this.#reportDrop(name, why);
  }

  #reportDrop(name: unknown, why: string): void {
    this.diagnostics.error(
      `drops of the tracker '${this.name}'`,
      `The event ${quoteName(nameOfType(name))} was dropped: ${why}.`,
    );
  }
}

function placeOf(path: string): string {
  return path === '' ? 'the tracker itself' : `'${path}'`;
}
