import type { CacheInfo } from "@spkoci/core";
import { cleanText } from "./clean-text.js";
import { formatSize } from "./format-size.js";

/** What the local cache holds, or what was removed from it, in a line. Ends with a line break. */
export function formatCacheInfo({ folder, layers, bytes, remembered }: CacheInfo, action: "info" | "clean"): string {
  const digests = `digests of ${remembered} ${remembered === 1 ? "package" : "packages"}`;
  const what = `${layers} ${layers === 1 ? "layer" : "layers"}, ${formatSize(bytes)}; ${digests}`;
  return `${cleanText(folder)}: ${action === "clean" ? "removed " : ""}${what}\n`;
}
