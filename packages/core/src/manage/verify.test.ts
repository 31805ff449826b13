import { chmod, mkdtemp, rm, symlink, unlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fixturePath } from "@spkoci/testkit";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { install } from "../install/install.js";
import { type VerifiedPackage, verify } from "./verify.js";

const GREETER = "linux-x86_64_v3/greeter-2.1-53zaetjpu7mwvi3vv3n2rag7yc3a4nuh";

let folder: string;
let aliases: string;
let root: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "spkoci-verify-"));
  aliases = await mkdtemp("/tmp/s-");
  root = join(folder, "store");
  const sources = [`oci:${fixturePath("small/cache")}`];
  const env = { PATH: process.env.PATH };
  await install({ sources, specs: ["greeter"], root, cacheDir: join(folder, "cache"), aliasDir: aliases, env });
});

afterEach(async () => {
  await rm(folder, { recursive: true, force: true });
  await rm(aliases, { recursive: true, force: true });
});

async function verifyGreeter(): Promise<VerifiedPackage | undefined> {
  return (await verify({ root, specs: ["greeter"] })).packages[0];
}

const inGreeter = (path: string): string => join(root, GREETER, path);

describe("verify", () => {
  it("finds every package as it was installed", async () => {
    const { packages } = await verify({ root, specs: [] });
    expect(packages.map(({ name, outcome, differences }) => ({ name, outcome, differences }))).toEqual(
      ["gcc-runtime", "libgreet", "greeter"].map((name) => ({ name, outcome: "intact", differences: [] })),
    );
  });

  it("names what was changed, removed and added, in the order of paths", async () => {
    await writeFile(inGreeter("bin/greet-all"), "#!/bin/sh\n");
    await chmod(inGreeter("bin/greeter"), 0o700);
    await unlink(inGreeter("share/greeter/dangling"));
    await symlink("elsewhere", inGreeter("share/greeter/dangling"));
    await rm(inGreeter("share/greeter/blob.bin"));
    await writeFile(inGreeter("new"), "");
    const found = await verifyGreeter();
    expect(found).toMatchObject({ name: "greeter", outcome: "different", prefix: join(root, GREETER) });
    const paths = found?.differences.map(({ path }) => path) ?? [];
    expect(paths).toEqual([...paths].sort());
    const differences = found?.differences.map(({ path, kind }) => `${path} ${kind}`);
    expect(differences).toEqual(
      expect.arrayContaining([
        "bin/greet-all size",
        "bin/greeter mode",
        "new added",
        "share/greeter/blob.bin missing",
        "share/greeter/dangling target",
      ]),
    );
  });

  it("counts a prefix or a manifest that is gone as a difference", async () => {
    await rm(inGreeter(".spack/install_manifest.json"));
    expect((await verifyGreeter())?.differences).toEqual([{ path: ".spack/install_manifest.json", kind: "missing" }]);
    await rm(join(root, GREETER), { recursive: true });
    expect(await verifyGreeter()).toMatchObject({
      outcome: "different",
      differences: [{ path: "", kind: "missing" }],
    });
  });

  it("says of one package that it can't be told, and verifies the others", async () => {
    await writeFile(inGreeter(".spack/install_manifest.json"), "[]");
    const { packages } = await verify({ root, specs: ["greeter", "libgreet"] });
    expect(packages).toMatchObject([
      { name: "libgreet", outcome: "intact" },
      { name: "greeter", outcome: "failed", differences: [], error: { code: "DOCUMENT_INVALID" } },
    ]);
  });

  it("stops at an abort with the caller's reason", async () => {
    const reason = new Error("enough");
    await expect(verify({ root, specs: [] }, { signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
  });
});
