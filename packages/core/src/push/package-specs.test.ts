import { rm } from "node:fs/promises";
import { join } from "node:path";
import { unpackFixtureStore } from "@spkoci/testkit";
import { expect, it } from "vitest";
import { readInstallStore } from "../spack/install-store.js";
import { PackageSpecs } from "./package-specs.js";

it("PackageSpecs reads a package's spec once", async () => {
  const fixture = await unpackFixtureStore();
  try {
    const store = await readInstallStore({ root: fixture.store, sysroot: fixture.path });
    const record = [...store.records.values()].find(({ spec }) => spec.name === "greeter");
    if (record === undefined) throw new Error("no greeter");
    const specs = new PackageSpecs(store);
    const first = await specs.read(record, {});
    await rm(join(record.path, ".spack"), { recursive: true });
    expect(await specs.read(record, {})).toBe(first);
  } finally {
    await fixture.remove();
  }
});
