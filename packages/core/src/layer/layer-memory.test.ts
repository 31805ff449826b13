import { chmod, chown, mkdir, readdir, readFile, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { createTemporaryFolder, type TemporaryFolder } from "@spkoci/testkit";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { digestOf } from "../base/digest.js";
import { MEMORY_FILE } from "../base/memory-file.js";
import { OCI_LAYER_GZIP } from "../oci/media-type.js";
import type { Fingerprint } from "./fingerprint.js";
import { LayerMemory, type LayerSubject, layerMemoryFolder, type RememberedLayer } from "./layer-memory.js";

const subject: LayerSubject = {
  path: "/sys/opt/pkg",
  prefix: "/opt/pkg",
  settings: { compression: "gzip", level: 5 },
  buildInfo: "{buildpath: /opt}",
};
const fingerprint: Fingerprint = { digest: digestOf("a listing"), settled: true };
const layer: RememberedLayer = {
  descriptor: { mediaType: OCI_LAYER_GZIP, digest: digestOf("compressed"), size: 10 },
  diffId: digestOf("plain"),
  pathOffsets: '{"binaries":[],"textFiles":[[7]]}',
};
const other: RememberedLayer = { ...layer, diffId: digestOf("other") };

let temporary: TemporaryFolder;
let memory: LayerMemory;

beforeEach(async () => {
  temporary = await createTemporaryFolder();
  memory = new LayerMemory(temporary.path);
});
afterEach(() => temporary.remove());

async function onlyFile(): Promise<string> {
  const names = await readdir(layerMemoryFolder(temporary.path));
  expect(names).toEqual([expect.stringMatching(MEMORY_FILE)]);
  return join(layerMemoryFolder(temporary.path), names[0] ?? "");
}

describe("LayerMemory", () => {
  it("knows nothing at first, and makes no folder for it", async () => {
    expect(await memory.recall(subject, fingerprint)).toBeUndefined();
    expect(await readdir(temporary.path)).toEqual([]);
  });

  it("gives back a layer of which no offsets are known as one of which none are", async () => {
    const { pathOffsets: _unknown, ...bare } = layer;
    await memory.remember(subject, fingerprint, bare);
    expect(await memory.recall(subject, fingerprint)).toEqual(bare);
  });

  it("gives back what it was told, to another process too, from a file that is its user's alone", async () => {
    await memory.remember(subject, fingerprint, layer);
    expect(await new LayerMemory(temporary.path).recall(subject, fingerprint)).toEqual(layer);
    expect((await stat(await onlyFile())).mode & 0o777).toBe(0o600);
    expect((await stat(layerMemoryFolder(temporary.path))).mode & 0o777).toBe(0o700);
  });

  it.each<[string, Partial<LayerSubject>]>([
    ["another build info", { buildInfo: "{buildpath: /other}" }],
    ["another level", { settings: { compression: "gzip", level: 6 } }],
    ["another compression", { settings: { compression: "zstd", level: 5 } }],
    ["another recorded prefix", { prefix: "/opt/other" }],
    ["another place on disk", { path: "/other/opt/pkg" }],
  ])("doesn't take the layer for that of %s", async (_, change) => {
    await memory.remember(subject, fingerprint, layer);
    expect(await memory.recall({ ...subject, ...change }, fingerprint)).toBeUndefined();
  });

  it("doesn't know a prefix that has changed, and forgets its old layer for the new one", async () => {
    const changed = { digest: digestOf("another listing"), settled: true };
    await memory.remember(subject, fingerprint, layer);
    expect(await memory.recall(subject, changed)).toBeUndefined();
    await memory.remember(subject, changed, other);
    expect(await memory.recall(subject, changed)).toEqual(other);
    expect(await memory.recall(subject, fingerprint)).toBeUndefined();
    await onlyFile();
  });

  it("neither remembers nor trusts by a fingerprint that is not settled", async () => {
    const unsettled = { ...fingerprint, settled: false };
    await memory.remember(subject, unsettled, layer);
    expect(await memory.recall(subject, fingerprint)).toBeUndefined();
    await memory.remember(subject, fingerprint, layer);
    expect(await memory.recall(subject, unsettled)).toBeUndefined();
  });

  it.each<[string, (text: string) => string]>([
    ["empty", () => ""],
    ["cut off", (text) => text.slice(0, 100)],
    ["damaged in one character", (text) => text.replace(/"diffId":"sha256:./, '"diffId":"sha256:x')],
    ["without its sum", (text) => text.split("\n")[0] ?? ""],
    ["of a form of its own", () => `null\n${digestOf("null")}\n`],
    ["too large", (text) => text + " ".repeat(200_000)],
  ])("passes over a file that is %s, and writes it anew", async (_, damage) => {
    await memory.remember(subject, fingerprint, layer);
    const path = await onlyFile();
    await writeFile(path, damage(await readFile(path, "utf8")));
    expect(await memory.recall(subject, fingerprint)).toBeUndefined();
    await memory.remember(subject, fingerprint, other);
    expect(await memory.recall(subject, fingerprint)).toEqual(other);
  });

  it.runIf(process.getuid?.() === 0)("passes over another user's file", async () => {
    await memory.remember(subject, fingerprint, layer);
    await chown(await onlyFile(), 1234, 1234);
    expect(await memory.recall(subject, fingerprint)).toBeUndefined();
  });

  it("passes over a file that others may write, and something else in its place", async () => {
    await memory.remember(subject, fingerprint, layer);
    await chmod(await onlyFile(), 0o620);
    expect(await memory.recall(subject, fingerprint)).toBeUndefined();
    const elsewhere = new LayerMemory(join(temporary.path, "elsewhere"));
    await mkdir(join(layerMemoryFolder(join(temporary.path, "elsewhere")), (await onlyFile()).slice(-69)), {
      recursive: true,
    });
    expect(await elsewhere.recall(subject, fingerprint)).toBeUndefined();
  });
});
