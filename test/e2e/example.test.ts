import { execFile } from "node:child_process";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { openLayout } from "@spkoci/core";
import { unpackFixtureStore, withTemporaryFolder } from "@spkoci/testkit";
import { describe, expect, it } from "vitest";

const EXAMPLE = fileURLToPath(new URL("../../packages/core/examples/push.mjs", import.meta.url));

/** Runs the example as another build tool would run its own program over the built library. */
function runExample(words: readonly string[], sysroot: string, cwd: string) {
  return new Promise<{ code: number; stdout: string; stderr: string }>((resolve) => {
    const env = { PATH: process.env.PATH ?? "", SYSROOT: sysroot, TMPDIR: cwd };
    const child = execFile(process.execPath, [EXAMPLE, ...words], { cwd, env }, (_error, stdout, stderr) => {
      resolve({ code: child.exitCode ?? -1, stdout, stderr });
    });
  });
}

describe("the example program of the library", () => {
  it("pushes a package with its dependencies and prints a line for each", async () => {
    const store = await unpackFixtureStore();
    await withTemporaryFolder(async (folder) => {
      const { code, stdout, stderr } = await runExample([store.store, "oci:./cache", "greeter"], store.path, folder);
      expect(stderr).toBe("");
      expect(
        stdout
          .trim()
          .split("\n")
          .map((line) => line.split(" oci:")[0]),
      ).toEqual(["pushed gcc-runtime@12.2.0", "pushed libgreet@1.0", "pushed greeter@2.1"]);
      expect(code).toBe(0);
      const tag = "greeter-2.1-53zaetjpu7mwvi3vv3n2rag7yc3a4nuh.spack";
      expect(await (await openLayout(join(folder, "cache"))).resolve(tag)).toBeDefined();
    });
    await store.remove();
  });

  it("prints the library's error and hint, and exits with its code", async () => {
    const store = await unpackFixtureStore();
    await withTemporaryFolder(async (folder) => {
      const { code, stderr } = await runExample([store.store, "oci:./cache", "greter"], store.path, folder);
      expect(stderr).toBe("SPEC_NOT_FOUND: no installed package matches greter\nDid you mean greeter?\n");
      expect(code).toBe(4);
    });
    await store.remove();
  });
});
