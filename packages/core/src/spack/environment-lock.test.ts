import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { buildPackage, withTemporaryFolder } from "@spkoci/testkit";
import { describe, expect, it } from "vitest";
import { readEnvironmentLock } from "./environment-lock.js";

const lib = buildPackage("lib");
const app = buildPackage("app", { dependencies: [lib] });

async function read(meta: object, specs: string, roots = `[{"hash":"${app.hash}","spec":"app"}]`) {
  return withTemporaryFolder(async (folder) => {
    const text = `{"_meta":${JSON.stringify(meta)},"roots":${roots},"concrete_specs":{${specs}}}`;
    await writeFile(join(folder, "spack.lock"), text);
    const lock = await readEnvironmentLock(folder);
    expect(await readEnvironmentLock(join(folder, "spack.lock"))).toEqual(lock);
    return lock;
  });
}

const META = { "file-type": "spack-lockfile", "lockfile-version": 6, "specfile-version": 5 };
const nodeOf = (text: string): string => `"${(JSON.parse(text) as { hash: string }).hash}":${text}`;

describe("readEnvironmentLock", () => {
  it("gives roots and specs with their dependencies, from the file or its folder", async () => {
    const { roots, specs } = await read(META, app.nodes.map(nodeOf).join(","));
    expect(roots).toEqual([{ hash: app.hash, spec: "app" }]);
    expect([...specs.keys()].sort()).toEqual([app.hash, lib.hash].sort());
    expect(specs.get(app.hash)?.dependencies).toMatchObject([{ hash: lib.hash, deptypes: ["build", "link"] }]);
    expect(specs.get(app.hash)?.node.text).toBe(app.nodes[0]);
  });

  it("files the specs of old locks by their DAG hash", async () => {
    const old = `"buildhash":{"app":{"version":"1","hash":"${app.hash}","dependencies":{"lib":{"hash":"${lib.hash}","type":["link"]}}}}`;
    const { roots, specs } = await read({ "lockfile-version": 1 }, old, '[{"hash":"buildhash","spec":"app"}]');
    expect(roots).toEqual([{ hash: app.hash, spec: "app" }]);
    expect(specs.get(app.hash)?.dependencies).toMatchObject([{ name: "lib", hash: lib.hash, deptypes: ["link"] }]);
  });

  it("passes over specs of unknown form and keys of any kind", async () => {
    const { specs } = await read(META, `"x":7,"__proto__":{"name":"evil"},${nodeOf(lib.nodes[0] ?? "")}`);
    expect([...specs.keys()]).toEqual([lib.hash]);
  });
});
