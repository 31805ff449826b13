import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { install } from "../install/install.js";
import { readEnvironment } from "./read-environment.js";

const cache = fileURLToPath(new URL("../../../../fixtures/small/cache", import.meta.url));
const GREETER = "linux-x86_64_v3/greeter-2.1-53zaetjpu7mwvi3vv3n2rag7yc3a4nuh";
const LIBGREET = "linux-x86_64_v3/libgreet-1.0-vxd7hjtucqhfb2xibbvbaje6fla7ikff";

let folder: string;
/** A short path, as an alias folder must be. */
let aliases: string;
let root: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "spkoci-use-"));
  aliases = await mkdtemp("/tmp/s-");
  root = join(folder, "store");
  const sources = [`oci:${cache}`];
  const places = { root, cacheDir: join(folder, "cache"), aliasDir: aliases };
  const result = await install({ sources, specs: ["greeter"], ...places, env: { PATH: process.env.PATH } });
  expect(result.totals).toMatchObject({ installed: 3, failed: 0 });
});

afterAll(async () => {
  await rm(folder, { recursive: true, force: true });
  await rm(aliases, { recursive: true, force: true });
});

describe("readEnvironment", () => {
  it("has the folders of a package and of what it needs, dependencies first", async () => {
    const modifications = await readEnvironment({ root, specs: ["greeter"] });
    const valuesOf = (name: string): string[] =>
      modifications.filter((each) => each.name === name).map(({ value }) => value);
    expect(valuesOf("PATH")).toEqual([join(root, GREETER, "bin")]);
    expect(valuesOf("PKG_CONFIG_PATH")).toEqual([join(root, LIBGREET, "lib/pkgconfig")]);
    expect(valuesOf("CMAKE_PREFIX_PATH")).toEqual([
      expect.stringContaining(join(root, "linux-x86_64_v3/gcc-runtime-")),
      join(root, LIBGREET),
      join(root, GREETER),
    ]);
  });

  it("leaves out what a package doesn't need", async () => {
    const modifications = await readEnvironment({ root, specs: ["libgreet"] });
    expect(modifications.map(({ value }) => value).join("\n")).not.toContain(GREETER);
  });

  it("fails for what isn't installed, and where there is no store", async () => {
    await expect(readEnvironment({ root, specs: ["greter"] })).rejects.toMatchObject({ code: "SPEC_NOT_FOUND" });
    const elsewhere = { root: join(folder, "none"), specs: ["greeter"] };
    await expect(readEnvironment(elsewhere)).rejects.toMatchObject({ code: "STORE_NOT_FOUND" });
  });
});
