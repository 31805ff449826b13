/** How much several streams together may have under way beside the first block of each. */
export interface BlockBudget {
  spareBytes: number;
}

/**
 * Compresses the blocks of a stream, several at once, and yields the results in the order of the blocks.
 * @param compress begins with a block; called for one after the other
 */
export async function* compressInParallel(
  blocks: AsyncIterable<Buffer>,
  budget: BlockBudget,
  compress: (block: Buffer) => Promise<Buffer>,
): AsyncGenerator<Buffer, void, undefined> {
  const pending = new PendingBlocks(budget);
  try {
    for await (const block of blocks) {
      while (!pending.hasRoom()) yield await pending.next();
      pending.add(compress(block), block.length);
    }
    while (pending.length > 0) yield await pending.next();
  } finally {
    await pending.clear();
  }
}

/** The blocks of one stream that are under way, in order. */
class PendingBlocks {
  readonly #budget: BlockBudget;
  readonly #blocks: { readonly compressed: Promise<Buffer>; readonly cost: number }[] = [];

  constructor(budget: BlockBudget) {
    this.#budget = budget;
  }

  get length(): number {
    return this.#blocks.length;
  }

  /** One is always allowed, so that every stream gets on whatever the others hold. */
  hasRoom(): boolean {
    return this.length === 0 || this.#budget.spareBytes > 0;
  }

  add(compressed: Promise<Buffer>, size: number): void {
    // A failure is thrown where the block is waited for.
    compressed.catch(() => {});
    const cost = this.length === 0 ? 0 : size;
    this.#budget.spareBytes -= cost;
    this.#blocks.push({ compressed, cost });
  }

  async next(): Promise<Buffer> {
    const block = this.#blocks.shift() as { compressed: Promise<Buffer>; cost: number };
    try {
      return await block.compressed;
    } finally {
      this.#budget.spareBytes += block.cost;
    }
  }

  async clear(): Promise<void> {
    const blocks = this.#blocks.splice(0);
    for (const { cost } of blocks) this.#budget.spareBytes += cost;
    await Promise.allSettled(blocks.map(({ compressed }) => compressed));
  }
}
