const BITS = 8;

/** A set of the sequence numbers of one segment, a bit for each. */
export class SequenceSet {
  #bits = new Uint8Array(64);

  /** @param first - the smallest number that can be in it */
  constructor(private readonly first: number) {}

  has(sequence: number): boolean {
    const index = sequence - this.first;
    return ((this.#bits[Math.floor(index / BITS)] ?? 0) & (1 << (index % BITS))) !== 0;
  }

  add(sequence: number): boolean {
    if (this.has(sequence)) return false;
    const index = sequence - this.first;
    const byte = Math.floor(index / BITS);
    if (byte >= this.#bits.length) {
      const larger = new Uint8Array(Math.max(byte + 1, this.#bits.length * 2));
      larger.set(this.#bits);
      this.#bits = larger;
    }
    this.#bits[byte]! |= 1 << (index % BITS);
    return true;
  }
}
