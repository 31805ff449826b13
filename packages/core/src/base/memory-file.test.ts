import { join } from "node:path";
import { withTemporaryFolder } from "@spkoci/testkit";
import { describe, expect, it } from "vitest";
import { memoryFilePath, readMemoryFile, writeMemoryFile } from "./memory-file.js";

describe("a memory file", () => {
  it("is told from all others by its subject, and holds what was written last", () =>
    withTemporaryFolder(async (folder) => {
      const one = memoryFilePath(join(folder, "new"), ["a", 1]);
      const other = memoryFilePath(join(folder, "new"), ["a", 2]);
      await writeMemoryFile(one, { value: 1 });
      await writeMemoryFile(one, { value: 2 });
      expect(await readMemoryFile(one)).toEqual({ value: 2 });
      expect(await readMemoryFile(other)).toBeUndefined();
    }));

  it("fails with STORAGE_FAILED where its folder can't be made", async () => {
    const failure = expect(writeMemoryFile("/proc/spkoci/memory/x.json", {})).rejects;
    await failure.toMatchObject({ code: "STORAGE_FAILED", message: expect.stringContaining("/proc/spkoci/memory") });
  });
});
