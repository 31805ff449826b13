import { describe, expect, it } from "vitest";
import { formatTarHeader, parseTarHeader } from "./tar-header.js";

describe("a header of a tar", () => {
  it.each([0, 1, 8 ** 11 - 1, 8 ** 11, 2 ** 50])("holds a size of %i bytes", (size) => {
    expect(parseTarHeader(formatTarHeader({ name: "blobs/sha256/x", type: "0", mode: 0o644, size }))).toEqual({
      name: "blobs/sha256/x",
      type: "0",
      size,
    });
  });
});
