/** A transaction of the model. */
export interface ModelTransaction {
  /** `own` is a transaction of the code, which knows nothing of the connection. */
  readonly kind: 'transaction' | 'savepoint' | 'own' | 'suspended';
  readonly around: Around;
  isOpen: boolean;
  held: number[];
}

/** The innermost transaction around a piece of code. */
export type Around = ModelTransaction | undefined;

/** States which events are delivered, and in which order, without any storage or client. */
export class ModelOfTransactions {
  readonly delivered: number[] = [];

  /** @param around - undefined for an event that waits for no transaction */
  emit(event: number, around: Around): void {
    const holder = this.#holderFor(around);
    if (holder === undefined) this.delivered.push(event);
    else holder.held.push(event);
  }

  begin(kind: ModelTransaction['kind'], around: Around): ModelTransaction {
    return { kind, around, isOpen: true, held: [] };
  }

  /** Whether the code is in a transaction of the connection. */
  isActive(around: Around): boolean {
    if (around === undefined || around.kind === 'suspended') return false;
    return around.kind === 'own' ? this.isActive(around.around) : around.isOpen;
  }

  end(transaction: ModelTransaction, isCommitted: boolean): void {
    if (!transaction.isOpen) return;
    transaction.isOpen = false;
    if (!isCommitted) return;
    const held = transaction.held.toSorted((one, other) => one - other);
    const outer = this.#joinedBy(transaction);
    if (outer === undefined) this.delivered.push(...held);
    else outer.held.push(...held);
  }

  #joinedBy({ kind, around }: ModelTransaction): Around {
    return kind === 'transaction' ? undefined : this.#holderFor(around);
  }

  /** Returns the innermost open transaction that the code has not left. */
  #holderFor(around: Around, hasLeft = false): Around {
    if (around === undefined) return undefined;
    const { kind, isOpen } = around;
    if (isOpen && (kind === 'own' || (kind !== 'suspended' && !hasLeft))) return around;
    const leaves = kind === 'transaction' || kind === 'suspended';
    return this.#holderFor(around.around, hasLeft || leaves);
  }
}
