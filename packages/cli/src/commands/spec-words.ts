/** What begins a word that goes on with the spec before it: a sigil, or `key=value`. */
const CONTINUES = /^(?:[@+~%^-]|\w[\w.-]*:?=)/;

/**
 * Words of the command line as specs. As with Spack, `libdwarf ^libelf@0.8.12` and `zlib +shared` are one spec in two words; `/hash` begins
 * one of its own.
 */
export function joinSpecWords(words: readonly string[]): string[] {
  const specs: string[] = [];
  for (const word of words) {
    const last = specs.pop();
    if (last !== undefined && CONTINUES.test(word)) specs.push(`${last} ${word}`);
    else specs.push(...(last === undefined ? [] : [last]), word);
  }
  return specs;
}
