import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { checkPlace } from "./check-place.js";
import { PAGE_START } from "./format-page.js";

let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "spkoci-place-"));
});

afterEach(() => rm(folder, { recursive: true }));

describe("checkPlace", () => {
  it("takes a new name, an empty file, and an older report", async () => {
    await expect(checkPlace(join(folder, "new", "report.html"))).resolves.toBeUndefined();
    const file = join(folder, "report.html");
    await writeFile(file, "");
    await expect(checkPlace(file)).resolves.toBeUndefined();
    await writeFile(file, `${PAGE_START}<html>`);
    await expect(checkPlace(file)).resolves.toBeUndefined();
  });

  it("refuses a folder, a device, and a file that is no report", async () => {
    await mkdir(join(folder, "dir"));
    await writeFile(join(folder, "notes.html"), "<!doctype html>\n<p>mine");
    await expect(checkPlace(join(folder, "dir"))).rejects.toMatchObject({
      code: "INVALID_ARGUMENT",
      message: expect.stringContaining("folder"),
    });
    await expect(checkPlace("/dev/null")).rejects.toMatchObject({
      code: "INVALID_ARGUMENT",
      message: expect.stringContaining("no file"),
    });
    await expect(checkPlace(join(folder, "notes.html"))).rejects.toMatchObject({
      code: "INVALID_ARGUMENT",
      message: expect.stringContaining("is no report"),
    });
    await expect(checkPlace(join(folder, "notes.html", "x"))).rejects.toMatchObject({ code: "STORAGE_FAILED" });
  });
});
