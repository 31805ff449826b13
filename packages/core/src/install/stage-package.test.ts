import { lstat, mkdir, readdir, readFile, readlink } from "node:fs/promises";
import { join } from "node:path";
import { Readable } from "node:stream";
import { MessageChannel, type MessagePort } from "node:worker_threads";
import { gzipSync } from "node:zlib";
import { fixturePath, type RawEntry, rawTar, seededBytes, withTemporaryFolder } from "@spkoci/testkit";
import { describe, expect, it } from "vitest";
import { digestOf } from "../base/digest.js";
import { type BuildInfo, formatBuildInfo, parseBuildInfo } from "../spack/build-info.js";
import { verifyPrefix } from "../spack/install-manifest.js";
import { relocationNeedles } from "../spack/relocation-needles.js";
import { serveStages } from "./serve-stages.js";
import { type FinishedPackage, type FinishJob, stagePackage, type UnpackJob } from "./stage-package.js";
import { StageThreads } from "./stage-threads.js";

const RELATIVE = "linux/greet-1.0-abcdefg";
const LARGE = 2 * 1024 * 1024 + 7;

interface Fixture {
  readonly tar: Buffer;
  readonly info: BuildInfo;
}

/** A package with files of every kind and size, some of which name the old root, under a root that may be padded. */
async function fixtureOf(root = "/old/store"): Promise<Fixture> {
  const prefix = `${root}/${RELATIVE}`;
  const at = (path: string): string => `${prefix.slice(1)}/${path}`;
  const binary = await readFile(fixturePath("elf/x86_64-library.so"));
  const text = `#!/bin/sh\nprefix=${prefix}\n`;
  const info: BuildInfo = {
    buildpath: root,
    hardlinksDeduped: true,
    hashToPrefix: new Map([["abcdefg", prefix]]),
    relativePrefix: RELATIVE,
    relocateBinaries: ["lib/libgreet.so", "lib/large.so", "lib/foreign.so"],
    relocateLinks: ["lib64"],
    relocateTextfiles: ["bin/greet", "share/large.txt", "share/zeros.txt", "share/other-name"],
    sbangInstallPath: "/old/store/bin/sbang",
  };
  const large = Buffer.concat([binary, seededBytes("large", LARGE), Buffer.from(`\0${prefix}/share\0`)]);
  const entries: RawEntry[] = [
    { name: `${at("bin")}/`, type: "5", mode: 0o755 },
    { name: at("bin/greet"), content: text, mode: 0o755, mtime: 5 },
    { name: at("bin/greet-link"), type: "1", target: at("bin/greet") },
    { name: at("lib/libgreet.so"), content: binary, mode: 0o555 },
    { name: at("lib/large.so"), content: large, mode: 0o755 },
    { name: at("lib/foreign.so"), content: `\x7fELF in no form we know\0${prefix}/x\0`, mode: 0o755 },
    { name: at("lib64"), type: "2", target: `${prefix}/lib` },
    { name: at("share/data.pyc"), content: `\0${prefix}\0`, mtime: 7 },
    { name: at("share/large.a"), content: Buffer.concat([Buffer.alloc(LARGE), Buffer.from(root)]) },
    { name: at("share/large.txt"), content: `${"x\n".repeat(LARGE)}${prefix}\n` },
    { name: at("share/unlisted.txt"), content: text, mode: 0o444 },
    { name: at("share/unlisted-link"), type: "1", target: at("share/unlisted.txt") },
    { name: at("share/zeros.txt"), content: `\0\n${text}` },
    { name: at("share/one-name"), content: `data ${prefix}\n` },
    { name: at("share/other-name"), type: "1", target: at("share/one-name") },
    { name: at("share/plain"), content: "nothing\n" },
    { name: at("share/empty"), content: "" },
    { name: at(".spack/spec.json"), content: `{"root":"${root}"}` },
    { name: at(".spack/binary_distribution"), content: formatBuildInfo(info) },
  ];
  return { tar: rawTar(...entries), info };
}

function unpackJob(folder: string, { tar }: Fixture, relativePrefix = RELATIVE): UnpackJob {
  return { what: "the layer of greet", folder: join(folder, "staged"), diffId: digestOf(tar), relativePrefix };
}

function finishJob({ info }: Fixture, root: string): FinishJob {
  const prefix = `${root}/${RELATIVE}`;
  const target = { root, prefix, prefixes: new Map([["abcdefg", prefix]]), sbang: `${root}/bin/sbang` };
  const aliases = new Map([
    [prefix, "/a/abcdefg"],
    [root, "/a/store"],
  ]);
  return {
    label: "greet@1.0",
    info: parseBuildInfo(formatBuildInfo(info)),
    oldPaths: relocationNeedles(info),
    target,
    offsets: new Map(),
    aliases,
    aliasFolder: "/a",
    allowUnrelocatable: true,
    platform: "linux",
    env: {},
  };
}

/** What is in a folder; times only where they are not of today. */
async function treeOf(folder: string): Promise<string[]> {
  const lines: string[] = [];
  for (const name of (await readdir(folder, { recursive: true })).sort()) {
    const path = join(folder, name);
    const { mode, nlink, mtimeMs, ...stats } = await lstat(path);
    const isLink = stats.size !== undefined && (mode & 0o170000) === 0o120000;
    const isFile = (mode & 0o170000) === 0o100000;
    const time = mtimeMs < 1e9 ? mtimeMs : "today";
    const content = isLink ? await readlink(path) : isFile ? digestOf(await contentOf(path)) : "";
    lines.push([name, mode.toString(8), isFile && nlink, isFile && time, content].join(" "));
  }
  return lines;
}

async function contentOf(path: string): Promise<Buffer | string> {
  const bytes = await readFile(path);
  if (!path.endsWith("/install_manifest.json")) return bytes;
  const entries = Object.entries(JSON.parse(bytes.toString()) as Record<string, { time?: number }>);
  return JSON.stringify(entries.map(([name, { time, ...entry }]) => [name, (time ?? 0) < 1e9 && time, entry]).sort());
}

interface Staged extends FinishedPackage {
  readonly tree: readonly string[];
}

async function stage(
  threads: StageThreads,
  fixture: Fixture,
  root: string,
  { relative }: { relative?: string } = {},
): Promise<Staged> {
  let staged: Staged | undefined;
  await withTemporaryFolder(async (folder) => {
    const layer = Readable.from([gzipSync(fixture.tar)]);
    const unpacked = await threads.stage(unpackJob(folder, fixture, relative), Promise.resolve(layer), 1, {});
    const finished = await unpacked.finish(finishJob(fixture, root), {});
    staged = { ...finished, tree: await treeOf(join(folder, "staged")) };
  });
  if (staged === undefined) throw new Error("nothing was staged");
  return staged;
}

const here = new StageThreads();

function startedThreads(count: number, start: () => MessagePort): StageThreads {
  const threads = new StageThreads(start);
  threads.start(count);
  return threads;
}

/** Threads that are served in this one, through ports. */
function servedThreads(): StageThreads {
  const start = (): MessagePort => {
    const { port1, port2 } = new MessageChannel();
    serveStages(port2);
    return port1;
  };
  return startedThreads(1, start);
}

describe("a staged package", () => {
  it.each([
    ["a shorter root", "/old/store", "/new"],
    ["a longer root", "/old/store", "/a/much/longer/root/than/the/old/one/was"],
    ["the same root", "/old/store", "/old/store"],
    ["a padded old root", "/old/store/__spack_path_placeholder__/__spack_pa", "/new"],
  ])("is the same, whatever was known of its files and whichever thread did it: %s", async (_, oldRoot, newRoot) => {
    const fixture = await fixtureOf(oldRoot);
    const reread = await stage(here, fixture, newRoot, { relative: "not/where/it/was" });
    const known = await stage(here, fixture, newRoot);
    const threads = servedThreads();
    const elsewhere = await stage(threads, fixture, newRoot);
    threads.end();
    expect(known).toEqual(reread);
    expect(elsewhere).toEqual(reread);
    expect(known.remains).toEqual(newRoot === oldRoot ? [] : remaining);
  });

  it("has its files relocated, and others as they were", async () => {
    const fixture = await fixtureOf();
    await withTemporaryFolder(async (folder) => {
      const layer = Readable.from([fixture.tar]);
      const unpacked = await stagePackage(unpackJob(folder, fixture), layer, {});
      const { report } = await unpacked.finish(finishJob(fixture, "/new"), {});
      expect(report.malformed).toMatchObject([{ file: "lib/foreign.so" }]);
      expect(report.changed).toEqual([
        "lib/libgreet.so",
        "lib/large.so",
        "lib/foreign.so",
        "bin/greet",
        "share/large.txt",
        "share/zeros.txt",
        "share/other-name",
        "lib64",
      ]);
      const at = (path: string): string => join(folder, "staged", path);
      expect(await readFile(at("bin/greet-link"), "utf8")).toBe(`#!/bin/sh\nprefix=/new/${RELATIVE}\n`);
      expect(await readFile(at("share/one-name"), "utf8")).toBe(`data /new/${RELATIVE}\n`);
      expect((await lstat(at("lib/libgreet.so"))).mode & 0o777).toBe(0o555);
      expect(await verifyPrefix({ prefix: `/new/${RELATIVE}`, path: join(folder, "staged") })).toEqual([]);
      expect((await lstat(at("share/unlisted.txt"))).mtimeMs).toBe(0);
    });
  });
});

const remaining = ["share/data.pyc", "share/large.a", "share/unlisted-link", "share/unlisted.txt"];

describe("StageThreads", () => {
  it("throws what refuses the layer, with its code and hint, and leaves nothing", async () => {
    const threads = servedThreads();
    await withTemporaryFolder(async (folder) => {
      const tar = rawTar({ name: "../outside", content: "x" });
      const layer = Readable.from([tar]);
      const staging = threads.stage(unpackJob(folder, { ...(await fixtureOf()), tar }), Promise.resolve(layer), 1, {});
      await expect(staging).rejects.toMatchObject({
        name: "SpkociError",
        code: "ARCHIVE_REFUSED",
        hint: expect.stringContaining("Nothing of it was kept"),
      });
      expect(await readdir(folder)).toEqual([]);
    });
    threads.end();
  });

  it.each([
    ["DIGEST_MISMATCH", (gzip: Buffer) => gzip, digestOf(Buffer.from("another"))],
    ["ARCHIVE_REFUSED", (gzip: Buffer) => gzip.subarray(0, -9), undefined],
    ["ARCHIVE_REFUSED", (gzip: Buffer) => Buffer.concat([gzip, Buffer.from("more")]), undefined],
  ])("finds out that the tar isn't what it should be: %s", async (code, damage, diffId) => {
    const threads = servedThreads();
    const fixture = await fixtureOf();
    const layer = Readable.from([damage(gzipSync(fixture.tar))]);
    await withTemporaryFolder(async (folder) => {
      const job = { ...unpackJob(folder, fixture), ...(diffId && { diffId }) };
      await expect(threads.stage(job, Promise.resolve(layer), 1, {})).rejects.toMatchObject({ code });
      expect(await readdir(folder)).toEqual([]);
    });
    expect(layer.destroyed).toBe(true);
    threads.end();
  });

  it("throws the layer's own failure, as it is", async () => {
    const threads = servedThreads();
    const { tar, ...fixture } = await fixtureOf();
    const failure = new Error("cut off");
    const layer = Readable.from(
      (async function* () {
        yield tar.subarray(0, 600_000);
        throw failure;
      })(),
    );
    await withTemporaryFolder(async (folder) => {
      const staging = threads.stage(unpackJob(folder, { tar, ...fixture }), Promise.resolve(layer), 1, {});
      await expect(staging).rejects.toBe(failure);
      expect(await readdir(folder)).toEqual([]);
    });
    threads.end();
  });

  it("stops at an abort with its reason while a layer doesn't go on, and leaves nothing", async () => {
    const threads = servedThreads();
    const fixture = await fixtureOf();
    const reason = new Error("enough");
    const stop = new AbortController();
    const layer = new Readable({ read: () => {} });
    layer.push(fixture.tar.subarray(0, 1_000_000));
    await withTemporaryFolder(async (folder) => {
      const staging = threads.stage(unpackJob(folder, fixture), Promise.resolve(layer), 1, { signal: stop.signal });
      setTimeout(() => stop.abort(reason), 50);
      await expect(staging).rejects.toBe(reason);
      expect(await readdir(folder)).toEqual([]);
      expect(layer.destroyed).toBe(true);
    });
    threads.end();
  });

  it("does it in the caller's thread where none can be started", async () => {
    const start = (): MessagePort => {
      const { port1, port2 } = new MessageChannel();
      setImmediate(() => port1.emit("error", new Error("no thread")));
      port2.unref();
      return port1;
    };
    const fixture = await fixtureOf();
    const threads = startedThreads(2, start);
    expect((await stage(threads, fixture, "/new")).remains).toEqual(remaining);
    threads.end();
  });

  it("fails what a thread had that broke", async () => {
    const { port1, port2 } = new MessageChannel();
    port2.on("message", () => port1.emit("error", new Error("out of memory")));
    port2.postMessage({ type: "ready" });
    const threads = startedThreads(1, () => port1);
    await withTemporaryFolder(async (folder) => {
      await mkdir(join(folder, "x"));
      const fixture = await fixtureOf();
      const staging = threads.stage(unpackJob(folder, fixture), Promise.resolve(Readable.from([fixture.tar])), 1, {});
      await expect(staging).rejects.toThrow("a thread that unpacks packages broke");
    });
    port2.close();
  });
});
