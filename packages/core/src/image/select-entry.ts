import type { Descriptor } from "../oci/descriptor.js";
import type { Platform } from "../oci/platform.js";

/** Variants that an image without one has, by architecture (image-spec, image-index.md, platform variants). */
const IMPLIED_VARIANTS: Readonly<Record<string, string>> = { amd64: "v1", arm64: "v8" };

/** Whether an index entry is no image but says something about one, such as how it was built. */
export function isAttestation(entry: Descriptor): boolean {
  if (entry.annotations?.["vnd.docker.reference.type"] !== undefined) return true;
  return entry.platform?.os === "unknown" && entry.platform.architecture === "unknown";
}

/**
 * The entry for `asked`. With a variant asked only that one will do; without, the most portable wins, the first of
 * equals. Entries that name no platform are never chosen.
 */
export function selectEntry(entries: readonly Descriptor[], asked: Platform): Descriptor | undefined {
  let best: Descriptor | undefined;
  for (const entry of entries) {
    if (!entry.platform || !satisfies(entry.platform, asked)) continue;
    if (!best?.platform || rankOf(entry.platform) < rankOf(best.platform)) best = entry;
  }
  return best;
}

/** Whether an image for `offered` is what `asked` names; without a variant in `asked` any variant will do. */
export function satisfies(offered: Platform, asked: Platform): boolean {
  if (offered.os !== asked.os || offered.architecture !== asked.architecture) return false;
  return asked.variant === undefined || variantOf(offered) === variantOf(asked);
}

function variantOf(platform: Platform): string | undefined {
  return platform.variant || IMPLIED_VARIANTS[platform.architecture];
}

/** Variants count upwards in every architecture: v1 to v4, v8 to v9.5, power8 to power10. */
function rankOf(platform: Platform): number {
  if (!platform.variant) return 0;
  return Number(/\d+(?:\.\d+)?/.exec(platform.variant)?.[0] ?? 0);
}
