import { SpkociError } from "../base/errors.js";
import type { UnheldString } from "./binary-strings.js";

/** What doesn't fit, as far as a message needs it: of strings in binaries, and of the other places with room for so much only. */
export type Unheld = Pick<UnheldString, "file" | "string" | "newPrefix" | "room">;

/** Strings that a message names one by one. */
const NAMED = 3;

/** Length in bytes of the longest root under which all the strings would fit; undefined if there is none. */
export function longestRoot(unheld: readonly Unheld[], root: string): number | undefined {
  const rootLength = Buffer.byteLength(root);
  const lengths = unheld.map(({ newPrefix, room }) => room - (Buffer.byteLength(newPrefix) - rootLength));
  const longest = Math.min(rootLength, ...lengths);
  return longest > 1 ? longest : undefined;
}

/** The error for a package some of whose strings can't hold the new paths, with the ways out. */
export function pathTooLong(what: string, unheld: readonly Unheld[], root: string): SpkociError {
  const named = unheld
    .slice(0, NAMED)
    .map(
      ({ file, string, newPrefix, room }) => `${file} has ${room} bytes for ${newPrefix} in ${JSON.stringify(string)}`,
    );
  const more = unheld.length > NAMED ? `; and ${unheld.length - NAMED} more` : "";
  const longest = longestRoot(unheld, root);
  const shorter =
    longest === undefined
      ? "No root is short enough."
      : `A root of at most ${longest} bytes works (this one has ${Buffer.byteLength(root)}).`;
  return new SpkociError("RELOCATION_TOO_LONG", `${what} can't lie under ${root}: ${named.join("; ")}${more}`, {
    hint: `${shorter} Or let --alias-dir DIR make short links for such strings, or leave them with --allow-unrelocatable.`,
  });
}
