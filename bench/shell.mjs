/** A word for the shell. */
export function quote(word) {
  return `'${String(word).replaceAll("'", "'\\''")}'`;
}
