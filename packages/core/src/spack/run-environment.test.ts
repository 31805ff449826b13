import { readFile } from "node:fs/promises";
import { fixturePath, unpackFixtureStore } from "@spkoci/testkit";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { imageLayersOf } from "./closure.js";
import { type InstallRecord, type InstallStore, readInstallStore } from "./install-store.js";
import { inspectPrefix } from "./run-environment.js";

let store: InstallStore;
let remove: () => Promise<void>;

beforeAll(async () => {
  const fixture = await unpackFixtureStore();
  remove = fixture.remove;
  store = await readInstallStore({ root: fixture.store, sysroot: fixture.path });
});

afterAll(() => remove());

function named(name: string): InstallRecord {
  const record = [...store.records.values()].find(({ spec }) => spec.name === name);
  if (record === undefined) throw new Error(`no ${name}`);
  return record;
}

describe("inspectPrefix", () => {
  it("prepends the folders that the prefix has, by their recorded paths", async () => {
    const record = named("libgreet");
    expect(await inspectPrefix(record)).toEqual([
      { kind: "prepend", name: "CMAKE_PREFIX_PATH", value: record.prefix },
      { kind: "prepend", name: "PKG_CONFIG_PATH", value: `${record.prefix}/lib/pkgconfig` },
    ]);
  });

  it("looks at no external package and at none that isn't installed", async () => {
    expect(await inspectPrefix(named("glibc"))).toEqual([]);
    expect(await inspectPrefix(named("compiler-wrapper"))).toEqual([]);
  });
});

describe("inspectPrefix over an image's packages", () => {
  it("gives the variables of Spack's image over two roots, but for what recipes and the host add", async () => {
    const layers = imageLayersOf(store, [named("greeter"), named("greet-plugin")]);
    const variables = new Map<string, string[]>();
    for (const { name, value } of (await Promise.all(layers.map((layer) => inspectPrefix(layer)))).flat()) {
      variables.set(name, [value, ...(variables.get(name) ?? [])]);
    }
    const config = JSON.parse(await readFile(fixturePath("samples/with-base.greetings.config.json"), "utf8"));
    for (const variable of config.config.Env as string[]) {
      const [name = "", value = ""] = variable.split(/=(.*)/s);
      const fromStore = value.split(":").filter((path) => path.startsWith("/opt/spack/opt/spack/"));
      if (["PATH", "CMAKE_PREFIX_PATH", "PKG_CONFIG_PATH", "MANPATH", "ACLOCAL_PATH"].includes(name)) {
        expect([name, variables.get(name) ?? []]).toEqual([name, [...new Set(fromStore)]]);
      }
    }
    expect([...variables.keys()].sort()).toEqual(["CMAKE_PREFIX_PATH", "PATH", "PKG_CONFIG_PATH"]);
  });
});
