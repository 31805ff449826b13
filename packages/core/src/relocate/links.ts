import type { PrefixMap } from "./prefix-map.js";

/** The new target of a symbolic link; undefined if it stays: only absolute targets into old prefixes change. */
export function relocateTarget(target: Buffer, map: PrefixMap): Buffer | undefined {
  return map.replaceStart(target);
}
