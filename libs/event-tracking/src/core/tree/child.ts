import { describeError } from '../diagnostics/describe.js';
import type { MetadataRecord } from '../event-types/metadata-record.js';
import type { Backend, Deadline } from './backend.js';
import { LeafNode } from './leaf-node.js';
import { childPath, nodeOf, type Position, type QueueSide, type TreeNode } from './tree-node.js';

/** A named node below another; errors that end its flushing and closing are reported, not thrown. */
export class Child {
  readonly node: TreeNode;
  /** A backend that holds a node is controlled by its own methods, which a subclass may override. */
  readonly #controlled: Pick<Backend, 'register' | 'flush' | 'close'>;
  #position: Position;

  /**
   * @param parent - the position of the node above
   * @param queue - the queue in front of it; without one a plain backend is sent each event once
   */
  constructor(
    readonly name: string,
    private readonly given: Backend,
    parent: Position,
    queue?: QueueSide,
  ) {
    this.#position = { ...parent, path: childPath(parent, name) };
    this.node = nodeOf(given) ?? queue?.wrapLeaf(given) ?? new LeafNode(given, this.#position);
    this.#controlled = nodeOf(given) === undefined ? this.node : given;
    this.node.attach(this.#position);
    if (queue !== undefined) this.node.joinQueue?.(queue);
  }

  /** The backend that users find under the name. */
  get backend(): Backend {
    return this.node.destination ?? this.given;
  }

  attach(parent: Position): void {
    this.#position = { ...parent, path: childPath(parent, this.name) };
    this.node.attach(this.#position);
  }

  behindQueue(parent: Position, queue: QueueSide): Child {
    return new Child(this.name, this.given, parent, queue);
  }

  /** Rejects if the backend refused the record, which has been reported. */
  async register(record: MetadataRecord): Promise<void> {
    await this.#controlled.register?.(record);
  }

  async flush(deadline: Deadline): Promise<void> {
    await this.#reportingErrors('flush', deadline);
  }

  async close(deadline: Deadline): Promise<void> {
    await this.#reportingErrors('close', deadline);
  }

  async #reportingErrors(step: 'flush' | 'close', deadline: Deadline): Promise<void> {
    try {
      await this.#controlled[step]?.(deadline);
    } catch (error) {
      const { path, diagnostics } = this.#position;
      diagnostics.error(
        `${step} ${path}`,
        `Unable to ${step} the backend '${path}': ${describeError(error)}`,
      );
    }
  }
}
