import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { signerFor } from "./sign.js";

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "spkoci-sign-"));
});
afterEach(() => rm(folder, { recursive: true }));

const { signal } = new AbortController();

async function fakeCodesign(script: string): Promise<Record<string, string>> {
  await writeFile(join(folder, "codesign"), `#!/bin/sh\n${script}\n`, { mode: 0o755 });
  return { PATH: `${folder}:/bin:/usr/bin` };
}

describe("signerFor", () => {
  it("signs nothing where no system asks for it", () => {
    expect(signerFor({}, "linux")).toBeUndefined();
  });

  it("has codesign replace the signature by an ad hoc one on macOS", async () => {
    const env = await fakeCodesign(`echo "$@" > '${folder}/words'`);
    await signerFor(env, "darwin")?.("/prefix/bin/tool", signal);
    expect(await readFile(join(folder, "words"), "utf8")).toBe("--force --sign - /prefix/bin/tool\n");
  });

  it("fails with the file's name when codesign does", async () => {
    const env = await fakeCodesign("exit 1");
    await expect(signerFor(env, "darwin")?.("/prefix/bin/tool", signal)).rejects.toMatchObject({
      code: "RELOCATION_FAILED",
      message: expect.stringContaining("/prefix/bin/tool"),
    });
  });
});
