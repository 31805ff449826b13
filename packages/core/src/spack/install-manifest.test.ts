import { execFile } from "node:child_process";
import { appendFile, chmod, mkdir, readFile, rename, rm, symlink, unlink, utimes, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { unpackFixtureStore, withTemporaryFolder } from "@spkoci/testkit";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { verifyPrefix } from "./install-manifest.js";
import type { PrefixPlace } from "./prefix-listing.js";
import { writeInstallManifest } from "./write-install-manifest.js";

const PREFIX = "/opt/spack/opt/spack/linux-x86_64_v3/greeter-2.1-53zaetjpu7mwvi3vv3n2rag7yc3a4nuh";
const MANIFEST = ".spack/install_manifest.json";

let store: Awaited<ReturnType<typeof unpackFixtureStore>>;
beforeAll(async () => {
  store = await unpackFixtureStore();
});
afterAll(() => store.remove());

type Manifest = Record<string, Record<string, unknown>>;

async function manifestOf(place: PrefixPlace): Promise<Manifest> {
  return JSON.parse(await readFile(join(place.path, MANIFEST), "utf8")) as Manifest;
}

/** A prefix with a file, a link and a folder, and its manifest. */
async function withPrefix(task: (place: PrefixPlace) => Promise<void>): Promise<void> {
  await withTemporaryFolder(async (folder) => {
    const place = { prefix: "/store/pkg", path: join(folder, "pkg") };
    await mkdir(join(place.path, ".spack"), { recursive: true });
    await mkdir(join(place.path, "lib"));
    await writeFile(join(place.path, "lib/a.so"), "content");
    await symlink("a.so", join(place.path, "lib/b.so"));
    await writeInstallManifest(place);
    await task(place);
  });
}

describe("writeInstallManifest", () => {
  it("writes what Spack has written for the same prefix", async () => {
    const place = { prefix: PREFIX, path: join(store.path, PREFIX) };
    const real = await manifestOf(place);
    await writeInstallManifest(place);
    const own = await manifestOf(place);
    // Made after Spack's manifest, at the end of the installation.
    delete own[`${PREFIX}/.spack/install_times.json`];
    // Whoever unpacks the fixture owns its files, and tar keeps whole seconds only.
    const comparable = (manifest: Manifest): Manifest =>
      Object.fromEntries(
        Object.entries(manifest).map(([path, entry]) => [
          path,
          { ...entry, owner: 0, group: 0, ...("time" in entry ? { time: Math.floor(Number(entry.time)) } : {}) },
        ]),
      );
    expect(comparable(own)).toEqual(comparable(real));
    for (const [path, entry] of Object.entries(own)) expect(Object.keys(entry)).toEqual(Object.keys(real[path] ?? {}));
  });

  it("writes times as the same numbers as Python", () =>
    withPrefix(async (place) => {
      const file = join(place.path, "lib/a.so");
      const script =
        "import os, sys; os.utime(sys.argv[1], ns=(0, 1795229376954299123)); print(repr(os.stat(sys.argv[1]).st_mtime))";
      const { stdout } = await promisify(execFile)("python3", ["-c", script, file]);
      await writeInstallManifest(place);
      expect((await manifestOf(place))["/store/pkg/lib/a.so"]?.time).toBe(Number(stdout));
    }));

  it("names files that are no UTF-8 as Python does", () =>
    withPrefix(async (place) => {
      await writeFile(Buffer.concat([Buffer.from(`${place.path}/é`), Buffer.from([0xff, 0xc3])]), "");
      await writeInstallManifest(place);
      expect(await readFile(join(place.path, MANIFEST), "utf8")).toContain('"/store/pkg/é\\udcff\\udcc3"');
      expect(await verifyPrefix(place)).toEqual([]);
    }));

  it("stops when it is aborted", () =>
    withPrefix(async (place) => {
      const before = await manifestOf(place);
      await writeFile(join(place.path, "new"), "");
      const stopped = writeInstallManifest(place, { signal: AbortSignal.abort(new Error("enough")) });
      await expect(stopped).rejects.toThrow("enough");
      expect(await manifestOf(place)).toEqual(before);
    }));
});

describe("verifyPrefix", () => {
  it("finds nothing in a prefix that is as it was written", () =>
    withPrefix(async (place) => {
      await writeFile(join(place.path, ".spack/install_times.json"), "{}");
      expect(await verifyPrefix(place)).toEqual([]);
    }));

  it("understands a manifest that names another prefix", () =>
    withPrefix(async ({ path }) => {
      expect(await verifyPrefix({ prefix: "/elsewhere/pkg", path })).toEqual([]);
    }));

  it.each<[string, (path: string) => Promise<unknown>, string[]]>([
    [
      "another content",
      (path) => writeFile(join(path, "lib/a.so"), "CONTENT").then(() => utimes(join(path, "lib/a.so"), 1, 1)),
      ["lib/a.so time", "lib/a.so content"],
    ],
    ["a longer file", (path) => appendFile(join(path, "lib/a.so"), "x"), ["lib/a.so size", "lib/a.so content"]],
    ["another mode", (path) => chmod(join(path, "lib/a.so"), 0o755), ["lib/a.so mode"]],
    [
      "another link",
      (path) => unlink(join(path, "lib/b.so")).then(() => symlink("c", join(path, "lib/b.so"))),
      ["lib/b.so target"],
    ],
    [
      "a link for a folder",
      (path) => rename(join(path, "lib"), join(path, "old")).then(() => symlink("old", join(path, "lib"))),
      ["lib type", "lib/a.so missing", "lib/b.so missing", "old added", "old/a.so added", "old/b.so added"],
    ],
    ["a file less", (path) => unlink(join(path, "lib/b.so")), ["lib/b.so missing"]],
    ["a file more", (path) => writeFile(join(path, "more"), ""), ["more added"]],
  ])("finds %s", (_what, change, differences) =>
    withPrefix(async (place) => {
      await change(place.path);
      const found = (await verifyPrefix(place))?.map(({ path, kind }) => `${path} ${kind}`);
      // A write takes time, so the time may differ too.
      const always = found?.filter((one) => differences.includes(one) || !one.endsWith(" time"));
      expect(always).toEqual(differences);
    }),
  );

  it("has nothing to say of a prefix without a manifest", () =>
    withPrefix(async (place) => {
      await rm(join(place.path, MANIFEST));
      expect(await verifyPrefix(place)).toBeUndefined();
    }));

  it("fails for a prefix that isn't there", () =>
    withTemporaryFolder(async (folder) => {
      const place = { prefix: "/store/pkg", path: join(folder, "none") };
      await expect(verifyPrefix(place)).rejects.toMatchObject({ code: "PREFIX_MISSING" });
    }));

  it.each([
    "{",
    "[]",
    '{"/a":{"mode":"x","owner":0,"group":0}}',
    '{"/a":{"mode":1,"owner":0,"group":0},"/b":{"mode":1,"owner":0,"group":0}}',
  ])("refuses the manifest %s", (text) =>
    withPrefix(async (place) => {
      await writeFile(join(place.path, MANIFEST), text);
      await expect(verifyPrefix(place)).rejects.toMatchObject({ code: "DOCUMENT_INVALID" });
    }),
  );
});
