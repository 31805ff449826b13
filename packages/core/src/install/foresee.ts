import type { Op } from "../base/op.js";
import type { CachedSpec } from "../catalog/cached-spec.js";
import type { LocatedPackage } from "../catalog/locate-package.js";
import { shortestAlias } from "../relocate/alias.js";
import { labelOf } from "../spack/concrete-spec.js";
import { defaultRelativePrefix } from "../spack/install-layout.js";

/**
 * Tells, before anything is fetched, of packages whose binaries can't hold their new place if its path is compiled into them: where neither
 * the new prefix nor a short link to it fits into the room that the recorded prefix gives. Packages whose config doesn't tell their
 * prefix are not judged.
 * @param aliasFolder where short links are made
 */
export function warnOfShortRoom(located: readonly LocatedPackage[], root: string, aliasFolder: string, op: Op): void {
  const tight = located.filter(({ spec }) => {
    const recorded = recordedPrefix(spec);
    if (recorded === undefined) return false;
    const room = Buffer.byteLength(recorded);
    const newPrefix = `${root}/${defaultRelativePrefix(spec.root)}`;
    return Buffer.byteLength(newPrefix) > room && shortestAlias(aliasFolder) > room;
  });
  if (tight.length === 0) return;
  const names = tight.map(({ spec }) => labelOf(spec.root)).join(", ");
  op.emit?.({
    type: "warning",
    message: `the root is too long for paths that are compiled into binaries; if they have any, these can't be installed: ${names}`,
    hint: "Choose a shorter root, or a short folder for links: --alias-dir DIR.",
  });
}

/** The prefix that the package was built in: a place in a PATH-like variable of its image that ends as the prefix does. */
function recordedPrefix({ root, env }: CachedSpec): string | undefined {
  const places = env.flatMap((line) => line.split(/[=:]/));
  return places.find((place) => place.startsWith("/") && place.endsWith(root.hash) && place.includes(`/${root.name}-`));
}
