import { describe, expect, it } from "vitest";
import { formatCacheInfo } from "./cache-info.js";

describe("formatCacheInfo", () => {
  it("says where the cache is and what it holds", () => {
    expect(formatCacheInfo({ folder: "/c\u001b[2J", layers: 3, bytes: 1536 }, "info")).toBe(
      "/c\\x1b[2J: 3 layers, 1.5 KiB\n",
    );
  });

  it("says what was removed", () => {
    expect(formatCacheInfo({ folder: "/c", layers: 1, bytes: 5 }, "clean")).toBe("/c: removed 1 layer, 5 B\n");
  });
});
