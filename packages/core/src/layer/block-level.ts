/** Of so many bytes one is looked at: a prime, so that the columns of tables and records are all met. */
const STEP = 251;
/** Bits that a byte says where a block counts as spread; text has 4 to 5, programs 5 to 6.5, of 8 at most. */
const SPREAD = 5.6;

/**
 * The level of zlib for a block where none is asked for. 4 saves a fifth of the time of 5; where bytes are spread, as in programs, it
 * costs the fewest bytes for that (docs/adr/0008-gzip-in-blocks.md).
 */
export function chooseBlockLevel(block: Buffer): 4 | 5 {
  return entropyOf(block) < SPREAD ? 5 : 4;
}

/** Shannon's entropy of the bytes that are looked at, bits a byte. */
function entropyOf(block: Buffer): number {
  const counts = new Uint32Array(256);
  let looked = 0;
  for (let at = 0; at < block.length; at += STEP) {
    const byte = block[at] as number;
    counts[byte] = (counts[byte] as number) + 1;
    looked += 1;
  }
  let bits = 0;
  for (const count of counts) if (count > 0) bits -= (count / looked) * Math.log2(count / looked);
  return bits;
}
