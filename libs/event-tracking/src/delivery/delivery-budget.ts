/** Counts the events on their way, and their bytes, against their limits. */
export class DeliveryBudget {
  #count = 0;
  #bytes = 0;

  constructor(private readonly limits: { readonly capacity: number; readonly maxBytes: number }) {}

  get count(): number {
    return this.#count;
  }

  get bytes(): number {
    return this.#bytes;
  }

  hasRoomFor(size: number): boolean {
    return this.#count < this.limits.capacity && this.hasBytesFor(size);
  }

  /** @param freed - bytes that would be released before */
  hasBytesFor(size: number, freed = 0): boolean {
    return this.#bytes - freed + size <= this.limits.maxBytes;
  }

  take(size: number): void {
    this.#count++;
    this.#bytes += size;
  }

  release(size: number): void {
    this.#count--;
    this.#bytes -= size;
  }
}
