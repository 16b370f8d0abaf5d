import { checkOptions } from '../diagnostics/check-options.js';
import { describeValue } from '../diagnostics/describe.js';
import { EventEmissionExit, ImproperlyConfigured } from '../diagnostics/errors.js';
import { isPlainObject, nameOf, type TrackingEvent } from '../event/event.js';
import { copyOf } from '../event/snapshot.js';
import type { MetadataRecord } from '../event-types/metadata-record.js';
import { isBackend, type Backend, type Backends, type Deadline } from './backend.js';
import { compareCodePoints } from '../event/compare-code-points.js';
import type { EventStats } from './event-stats.js';
import { LeafNode } from './leaf-node.js';
import { ProcessingNode } from './processing-node.js';
import type { Processor } from './processor.js';
import { NODE, type TreeNode } from './tree-node.js';

/** Options of a {@link RoutingBackend}. */
export interface RoutingBackendOptions {
  /**
   * The children by name, called in code-point order of their names.
   *
   * @default none
   */
  backends?: Backends;
  /**
   * The steps each event takes before the children get it, in order.
   *
   * @default none
   */
  processors?: Iterable<Processor>;
}

/**
 * Runs events through processors and passes them to its children; itself a backend, so that trees can be of any depth.
 *
 * @remarks
 * - Processors run in order, `c(b(a(event)))`. One that returns nothing keeps the event, one that throws
 *   {@link EventEmissionExit} drops it for all children, and any other failure is logged and skipped.
 *   A filter that fails drops the event.
 * - Each child gets its own copy. A child that fails is logged with the event's name and the child's path; the others
 *   are still called.
 * - `send` never throws.
 */
export class RoutingBackend implements Backend {
  /** @internal */
  protected readonly processingNode = new ProcessingNode();
  #node: TreeNode | undefined;

  /** @throws {@link ImproperlyConfigured} for invalid backends, processors, and names that contain a dot */
  constructor(options: RoutingBackendOptions = {}) {
    checkOptions(options, 'RoutingBackend', { backends: true, processors: true });
    for (const processor of readProcessors(options.processors ?? [])) {
      this.registerProcessor(processor);
    }
    this.registerBackends(options.backends ?? {});
  }

  /** The children by name, in the order in which they are called. */
  get backends(): ReadonlyMap<string, Backend> {
    return this.processingNode.backends;
  }

  /** The processors, in the order in which they run. */
  get processors(): readonly Processor[] {
    return this.processingNode.processors.all;
  }

  /**
   * Adds a child, which is called after the existing ones.
   *
   * @throws {@link ImproperlyConfigured} if the name is taken or contains a dot, or the value has no method `send`
   */
  registerBackend(name: string, backend: Backend): void {
    this.processingNode.children.add(name, backend);
  }

  /** Adds children in the order in which they must be called. */
  protected registerBackends(backends: Backends): void {
    const entries = readBackends(backends);
    for (const [name, backend] of entries.sort(([a], [b]) =>
      compareCodePoints(String(a), String(b)),
    )) {
      this.registerBackend(name, backend);
    }
  }

  /**
   * Adds a processor, which runs after the existing ones.
   *
   * @throws {@link ImproperlyConfigured} for a value that is not a processor
   */
  registerProcessor(processor: Processor): void {
    this.processingNode.processors.add(processor);
  }

  /** Processes a copy of the event and sends it to all children. */
  send(event: TrackingEvent): void {
    this.processingNode.route(copyOf(event));
  }

  /**
   * Runs a copy of the event through all processors and returns the result.
   *
   * @throws {@link EventEmissionExit} if a processor drops the event
   */
  processEvent(event: TrackingEvent): TrackingEvent {
    const processed = this.processingNode.processors.run(copyOf(event));
    if (typeof processed === 'string') {
      throw new EventEmissionExit(`The event '${nameOf(event)}' was dropped by a processor.`);
    }
    return processed;
  }

  /** Sends a copy of the event to all children, without processing it. */
  sendToBackends(event: TrackingEvent): void {
    this.processingNode.next.route(copyOf(event));
  }

  /** Registers a metadata record with all children that store them; rejects if one refused it, which is reported. */
  async register(record: MetadataRecord): Promise<void> {
    await this[NODE].register(record);
  }

  /** Returns what became of the events at this node and below it, by path; this node's own path comes first. */
  stats(): Record<string, EventStats> {
    return this.processingNode.stats();
  }

  /** Resolves when all children have delivered what was sent to them, or the signal aborts; never rejects. */
  async flush(options: Deadline = {}): Promise<void> {
    await this[NODE].flush(options);
  }

  /** Flushes and closes all children; never rejects. */
  async close(options: Deadline = {}): Promise<void> {
    await this[NODE].close(options);
  }

  /** @internal Parents must call a subclass's own `send`; otherwise they use the node directly. */
  get [NODE](): TreeNode {
    const { processingNode } = this;
    return (this.#node ??=
      this.send === RoutingBackend.prototype.send
        ? processingNode
        : new LeafNode(this, processingNode.position, processingNode));
  }
}

function readBackends(backends: unknown): [string, Backend][] {
  if (backends instanceof Map) return [...(backends as Map<string, Backend>)];
  if (isPlainObject(backends) && !isBackend(backends)) {
    return Object.entries(backends as Record<string, Backend>);
  }
  throw new ImproperlyConfigured(
    `backends: must be an object or a Map of backends by name; received ${describeValue(backends)}. ` +
      `Pass for example { log: new LoggerBackend() }.`,
  );
}

function readProcessors(processors: unknown): Processor[] {
  if (typeof processors === 'object' && processors !== null && Symbol.iterator in processors) {
    return [...(processors as Iterable<Processor>)];
  }
  throw new ImproperlyConfigured(
    `processors: must be a list of processors; received ${describeValue(processors)}. ` +
      `Pass for example [new NameAllowlist(['course.enrolled'])].`,
  );
}
