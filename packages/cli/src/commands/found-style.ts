import { parseSpecFormat } from "@spkoci/core";
import type { PackageFlags } from "../flags.js";
import type { FoundStyle } from "../render/found.js";

/**
 * How packages are shown by the options that `find`, `list` and `tree` share.
 * @param missing words for a dependency that is not there
 * @throws SpkociError INVALID_ARGUMENT for a format that can't be parsed
 */
export function readFoundStyle(flags: PackageFlags, missing: string): FoundStyle {
  return {
    hash: flags.veryLong ? "long" : flags.long ? "short" : "none",
    variants: flags.variants ?? false,
    deps: flags.deps ?? false,
    format: flags.format === undefined ? undefined : parseSpecFormat(flags.format),
    missing,
  };
}
