import { describe, expect, it } from "vitest";
import { formatCacheInfo } from "./cache-info.js";

describe("formatCacheInfo", () => {
  it("says where the cache is and what it holds", () => {
    expect(formatCacheInfo({ folder: "/c\u001b[2J", layers: 3, bytes: 1536, remembered: 2 }, "info")).toBe(
      "/c\\x1b[2J: 3 layers, 1.5 KiB; digests of 2 packages\n",
    );
  });

  it("says what was removed", () => {
    expect(formatCacheInfo({ folder: "/c", layers: 1, bytes: 5, remembered: 1 }, "clean")).toBe(
      "/c: removed 1 layer, 5 B; digests of 1 package\n",
    );
  });
});
