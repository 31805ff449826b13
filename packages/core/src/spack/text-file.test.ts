import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { withTemporaryFolder } from "@spkoci/testkit";
import { describe, expect, it } from "vitest";
import { directCalls, pooledCalls } from "../base/file-calls.js";
import { readTextFile } from "./text-file.js";

describe("readTextFile", () => {
  it.each([
    ["pooled", pooledCalls],
    ["direct", directCalls],
  ])("reads a text, and refuses one that is too large, with %s calls", (_way, calls) =>
    withTemporaryFolder(async (folder) => {
      const path = join(folder, "file");
      await writeFile(path, "héllo");
      expect(await readTextFile(path, 6, {}, calls)).toBe("héllo");
      await expect(readTextFile(path, 5, {}, calls)).rejects.toMatchObject({ code: "DOCUMENT_TOO_LARGE" });
      await expect(readTextFile(folder, 5, {}, calls)).rejects.toMatchObject({ code: "EISDIR" });
    }),
  );

  it("ends with the reason of an abort, before or while the file is opened", () =>
    withTemporaryFolder(async (folder) => {
      const path = join(folder, "file");
      await writeFile(path, "text");
      const reason = new Error("enough");
      await expect(readTextFile(path, 10, { signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
      const stop = new AbortController();
      const reading = readTextFile(path, 10, { signal: stop.signal });
      stop.abort(reason);
      await expect(reading).rejects.toBe(reason);
    }));
});
