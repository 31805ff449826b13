import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { install } from "../install/install.js";
import { mergeModifications } from "./environment.js";
import { readEnvironment } from "./read-environment.js";

const cache = fileURLToPath(new URL("../../../../fixtures/small/cache", import.meta.url));
const GREETER = "linux-x86_64_v3/greeter-2.1-53zaetjpu7mwvi3vv3n2rag7yc3a4nuh";
const RUNTIME = "linux-x86_64_v3/gcc-runtime-12.2.0-hlzfjje6cptdvgrmwxpayogeilh4pj5e";
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

async function variables(spec: string): Promise<Record<string, string>> {
  const merged = mergeModifications(await readEnvironment({ root, specs: [spec] }));
  return Object.fromEntries(merged.map(({ name, value }) => [name, value]));
}

describe("readEnvironment", () => {
  it("has the folders of a package and of what it needs, dependencies first", async () => {
    expect(await variables("greeter")).toMatchObject({
      PATH: join(root, GREETER, "bin"),
      PKG_CONFIG_PATH: join(root, LIBGREET, "lib/pkgconfig"),
      CMAKE_PREFIX_PATH: [GREETER, LIBGREET, RUNTIME].map((path) => join(root, path)).join(":"),
    });
  });

  it("has what Spack's image said that the recipes set, at the new prefixes", async () => {
    const known = await variables("greeter");
    expect(known).toMatchObject({
      GREETER_HOME: join(root, GREETER),
      GREETER_DATA_PATH: `${join(root, GREETER, "share/greeter")}:${join(root, LIBGREET, "share/greet")}`,
      GREETER_MOTTO: "hello, $USER & 'friends'",
    });
    expect(JSON.stringify(known)).not.toMatch(/\/opt\/spack|\/usr\//);
  });

  it("doesn't believe what was kept for a package at another place", async () => {
    const file = join(root, ".spkoci/env", `${GREETER.slice(-32)}.json`);
    const text = await readFile(file, "utf8");
    await writeFile(file, text.replace('"prefix":"', '"prefix":"/other'));
    expect(await variables("greeter")).not.toHaveProperty("GREETER_HOME");
    await writeFile(file, "{}");
    await expect(variables("greeter")).rejects.toMatchObject({ code: "STORAGE_FAILED" });
    await writeFile(file, text);
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
