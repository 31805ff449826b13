import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { check, type RegistryAccess, verify } from "@spkoci/core";
import { expect } from "vitest";

/** The packages of fixtures/small. */
export const ALL_NAMES = ["gcc-runtime", "greet-build-tool", "greet-plugin", "greeter", "libgreet"];

/** Findings of a cache whose images are whole, although not all are there or in the index yet. */
const UNFINISHED = ["INDEX_MISSING", "TAG_NOT_INDEXED", "DEPENDENCY_MISSING", "RECORD_MISSING", "REF_COUNT_WRONG"];

/** Every tag of the cache leads to a whole image; a cache that isn't there has none. */
export async function expectWholeCache(source: string, access: RegistryAccess): Promise<void> {
  const { findings } = await check({ source, level: "contents", access }).catch((error: { code: string }) => {
    if (error.code !== "IMAGE_NOT_FOUND") throw error;
    return { findings: [] };
  });
  expect(findings.filter(({ code, severity }) => severity !== "note" && !UNFINISHED.includes(code))).toEqual([]);
}

/**
 * Every package that the store's database calls installed is as its manifest says. With `registered`, there is no other prefix; without,
 * there may be one that waits for the next run.
 */
export async function expectWholeStore(root: string, { registered }: { readonly registered: boolean }): Promise<void> {
  const there = await readdir(root).catch((): string[] => []);
  const found: string[] = [];
  for (const name of there.filter((one) => one.startsWith("linux-"))) found.push(...(await readdir(join(root, name))));
  const hasDatabase = (await readdir(join(root, ".spack-db")).catch((): string[] => [])).includes("index.json");
  const packages = hasDatabase ? (await verify({ root, specs: [] })).packages : [];
  expect(packages.filter(({ outcome }) => outcome !== "intact")).toEqual([]);
  const prefixes = packages.map(({ prefix }) => prefix.split("/").at(-1));
  if (registered) expect(found.sort()).toEqual(prefixes.sort());
  else expect(found).toEqual(expect.arrayContaining(prefixes));
}
