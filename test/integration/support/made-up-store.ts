import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { TestPackage } from "@spkoci/testkit";

/** Writes a Spack store with these packages, each with one small file, into a folder. They must depend on nothing else. */
export async function writeMadeUpStore(store: string, packages: readonly TestPackage[]): Promise<void> {
  const installs: Record<string, unknown> = {};
  for (const { name, version, hash, nodes } of packages) {
    const path = join(store, `${name}-${version}-${hash}`);
    const parsed = nodes.map((node) => JSON.parse(node) as unknown);
    installs[hash] = { spec: parsed[0], path, installed: true, ref_count: 0, explicit: true, installation_time: 0 };
    await mkdir(join(path, ".spack"), { recursive: true });
    await writeFile(join(path, "about"), name);
    await writeFile(
      join(path, ".spack", "spec.json"),
      JSON.stringify({ spec: { _meta: { version: 5 }, nodes: parsed } }),
    );
  }
  await mkdir(join(store, ".spack-db"), { recursive: true });
  await writeFile(join(store, ".spack-db", "index.json"), JSON.stringify({ database: { version: "8", installs } }));
}
