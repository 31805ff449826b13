import { execFileSync } from "node:child_process";
import { mkdir, readdir } from "node:fs/promises";
import { join } from "node:path";
import { openLayout, push } from "@spkoci/core";
import {
  createTemporaryFolder,
  type FixtureStore,
  requireTool,
  startFakeRegistry,
  type TemporaryFolder,
  unpackFixtureStore,
} from "@spkoci/testkit";
import { afterEach, beforeEach, describe, expect, it } from "vitest";

/** Only root mounts; CI runs as root. */
const mayMount = requireTool("mount") && (process.env.CI !== undefined || process.getuid?.() === 0);

let store: FixtureStore;
let folder: TemporaryFolder;
let small: string;

beforeEach(async () => {
  store = await unpackFixtureStore();
  folder = await createTemporaryFolder();
  small = join(folder.path, "small");
  await mkdir(small);
  if (mayMount) execFileSync("mount", ["-t", "tmpfs", "-o", "size=48k", "tmpfs", small]);
});
afterEach(async () => {
  if (mayMount) execFileSync("umount", [small]);
  await folder.remove();
  await store.remove();
});

describe.skipIf(!mayMount)("a disk that is full", () => {
  const options = (target: string, cacheDir: string) =>
    ({ store: store.store, sysroot: store.path, specs: ["greeter"], target, cacheDir, runEnv: "prefix" }) as const;

  it("under the spool fails what doesn't fit and what needs it, and leaves no file", async () => {
    const registry = await startFakeRegistry();
    // One after the other: two that share the full disk both fail for want of space.
    const pushed = push({ ...options(`${registry.host}/cache`, small), jobs: 1 });
    const result = await pushed.finally(() => registry.close());
    const [runtime, library] = result.packages;
    expect(runtime).toMatchObject({ name: "gcc-runtime", outcome: "failed", error: { code: "NO_SPACE" } });
    expect(runtime?.error?.message).toContain(small);
    expect(library).toMatchObject({ outcome: "failed", error: { code: "DEPENDENCY_FAILED" } });
    expect(await readdir(join(small, "spool"))).toEqual([]);
  });

  it("under the target leaves a valid layout without a tag, and no file of the blob", async () => {
    const target = join(small, "cache");
    const result = await push(options(`oci:${target}`, folder.path));
    expect(result.packages[0]).toMatchObject({ outcome: "failed", error: { code: "NO_SPACE" } });
    const tags: string[] = [];
    for await (const tag of (await openLayout(target)).tags()) tags.push(tag);
    expect(tags).toEqual([]);
    expect((await readdir(target)).filter((name) => name.endsWith(".tmp"))).toEqual([]);
  });
});
