/** What Spack repeats to pad the root of a store to a length (`config:install_tree:padded_length`). */
const PLACEHOLDER = "__spack_path_placeholder__";

/** The root of a store without the padding at its end. */
export function withoutPadding(root: string): string {
  const parts = root.split("/");
  let end = parts.length;
  // The last repetition may be cut short anywhere.
  if (isCutShort(parts[end - 1] ?? "")) end -= 1;
  while (parts[end - 1] === PLACEHOLDER) end -= 1;
  return end === parts.length ? root : parts.slice(0, end).join("/");
}

function isCutShort(part: string): boolean {
  return part.length > 1 && part.length < PLACEHOLDER.length && PLACEHOLDER.startsWith(part);
}
