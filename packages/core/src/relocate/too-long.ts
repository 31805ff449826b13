import { SpkociError } from "../base/errors.js";
import { shortestAlias } from "./alias.js";
import type { UnheldString } from "./binary-strings.js";

/** What doesn't fit, as far as a message needs it: of strings in binaries, and of the other places with room for so much only. */
export type Unheld = Pick<UnheldString, "file" | "string" | "newPrefix" | "room">;

/** Strings that a message names one by one. */
const NAMED = 3;

/**
 * Length in bytes of the longest root under which all the strings would fit; undefined if there is none.
 * @param aliasFolder where short links are made for strings without room; one below the root gets shorter with it
 */
export function longestRoot(unheld: readonly Unheld[], root: string, aliasFolder?: string): number | undefined {
  const rootLength = Buffer.byteLength(root);
  const lengths = unheld.map(({ newPrefix, room }) => room - (Buffer.byteLength(newPrefix) - rootLength));
  const direct = Math.min(rootLength, ...lengths);
  const longest = Math.max(
    direct,
    aliasFolder?.startsWith(`${root}/`) ? longestBy(aliasFolder, unheld, rootLength) : 0,
  );
  return longest > 1 ? longest : undefined;
}

/** With links in a folder of the root, what counts is the room for the folder and the shortest name. */
function longestBy(aliasFolder: string, unheld: readonly Unheld[], rootLength: number): number {
  return Math.min(...unheld.map(({ room }) => room)) - (shortestAlias(aliasFolder) - rootLength);
}

/** The error for a package some of whose strings can't hold the new paths, with the ways out. */
export function pathTooLong(what: string, unheld: readonly Unheld[], root: string, aliasFolder?: string): SpkociError {
  const places = [...new Map(unheld.map((one) => [`${one.file} ${one.newPrefix}`, one])).values()];
  const named = places
    .slice(0, NAMED)
    .map(
      ({ file, string, newPrefix, room }) => `${file} has ${room} bytes for ${newPrefix} in ${JSON.stringify(string)}`,
    );
  const more = places.length > NAMED ? `; and ${places.length - NAMED} more` : "";
  const longest = longestRoot(unheld, root, aliasFolder);
  const shorter =
    longest === undefined
      ? "No root is short enough."
      : `A root of at most ${longest} bytes works (this one has ${Buffer.byteLength(root)}).`;
  return new SpkociError("RELOCATION_TOO_LONG", `${what} can't lie under ${root}: ${named.join("; ")}${more}`, {
    hint: `${shorter} Or let --alias-dir DIR make short links for such strings, or leave them with --allow-unrelocatable.`,
  });
}
