/**
 * A command as Dockerfiles write it: a JSON list of words if it begins with `[`, else one text for `/bin/sh -c`.
 * Undefined if the list can't be parsed.
 */
export function parseCommand(text: string): string[] | undefined {
  if (!text.trimStart().startsWith("[")) return ["/bin/sh", "-c", text];
  try {
    const words: unknown = JSON.parse(text);
    return Array.isArray(words) && words.every((word) => typeof word === "string") ? words : undefined;
  } catch {
    return undefined;
  }
}
