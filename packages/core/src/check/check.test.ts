import { gzipSync } from "node:zlib";
import { buildImage, CheckScene, codesOf, SMALL_HASHES as HASHES, SMALL_TAGS as TAGS } from "@spkoci/testkit";
import { describe, expect, it } from "vitest";
import type { SpkociEvent } from "../base/events.js";
import { check } from "./check.js";

const scene = new CheckScene();
const { run } = scene;

describe("a sound cache", () => {
  it.each(["index", "manifests", "blobs", "contents"] as const)("has no findings at the level %s", async (level) => {
    const { findings, totals } = await run(level);
    expect(findings).toEqual([]);
    expect(totals).toMatchObject({ packages: 5, images: 0, records: 9, errors: 0, warnings: 0, notes: 0, repaired: 0 });
  });

  it("is read once, layer by layer", async () => {
    const sizes = [69832, 6599, 8300, 10271, 6908];
    const { totals } = await run("contents");
    // The index's empty config is read too.
    expect(totals).toMatchObject({ blobs: 7, bytesRead: sizes.reduce((a, b) => a + b, 2) });
    expect((await run("blobs")).totals).toMatchObject({ blobs: 7, bytesRead: 0 });
  });

  it("may be empty", async () => {
    for await (const tag of scene.cache.store.tags()) await scene.cache.store.delete(tag);
    expect(await run("contents")).toMatchObject({ findings: [], totals: { packages: 0, records: 0 } });
  });

  it("may have images of other kinds", async () => {
    await putImage("tools", buildImage("tools"));
    await putArtifact("sha256-abc", "application/vnd.dev.cosign.simplesigning.v1+json", "{}");
    const { findings, totals } = await run("contents");
    expect(findings).toEqual([]);
    expect(totals).toMatchObject({ packages: 5, images: 2 });
  });
});

async function putImage(tag: string, image: ReturnType<typeof buildImage>): Promise<void> {
  for (const blob of image.blobs) await scene.cache.store.put(blob);
  await scene.cache.store.write(image.manifest, { tag });
}

async function putArtifact(tag: string, mediaType: string, content: string): Promise<void> {
  const config = await scene.cache.putJson("application/vnd.oci.empty.v1+json", {});
  const layer = await scene.cache.putJson(mediaType, content);
  const manifest = {
    schemaVersion: 2,
    mediaType: "application/vnd.oci.image.manifest.v1+json",
    config,
    layers: [layer],
  };
  await scene.cache.writeManifest(tag, manifest);
}

describe("images that are no packages", () => {
  it("are checked as images", async () => {
    const image = buildImage("tools");
    await putImage("tools", image);
    await scene.cache.removeBlob(image.layers[0]?.descriptor.digest ?? "");
    await scene.cache.changeImage("tools", (_manifest, config) => {
      config.config.Env = ["=x"];
    });
    const { findings } = await run("blobs");
    expect(findings).toMatchObject([
      { code: "IMAGE_UNRUNNABLE", tag: "tools" },
      { code: "BLOB_MISSING", tag: "tools", digest: image.layers[0]?.descriptor.digest },
    ]);
    expect(findings[0]).not.toHaveProperty("package");
  });

  it("are followed through an index", async () => {
    const inner = buildImage("inner");
    await putImage("temporary", inner);
    await scene.cache.store.delete("temporary");
    const entry = { ...inner.manifest.descriptor };
    const mediaType = "application/vnd.oci.image.index.v1+json";
    const absent = { ...entry, digest: `sha256:${"0".repeat(64)}` };
    await scene.cache.writeManifest("both", { schemaVersion: 2, mediaType, manifests: [entry, entry, absent] });
    await scene.cache.shortenBlob(inner.layers[0]?.descriptor.digest ?? "");
    expect((await run("blobs")).findings).toMatchObject([
      { code: "MANIFEST_MISSING", tag: "both", message: expect.stringContaining("sha256:000") },
      { code: "BLOB_DAMAGED", tag: "both" },
    ]);
  });

  it("may hold what is no tar, and miss layers that are elsewhere by their type", async () => {
    await putArtifact("artifact", "text/plain", "no tar");
    await putImage("windows", buildImage("windows"));
    await scene.cache.changeImage("windows", (manifest) => {
      manifest.layers[0].mediaType = "application/vnd.oci.image.layer.nondistributable.v1.tar+gzip";
    });
    await scene.cache.removeBlob((await scene.cache.readManifest("windows")).layers[0].digest);
    expect((await run("contents")).findings).toEqual([]);
  });
});

describe("blobs", () => {
  it("are found damaged where only the digest is wrong, by reading them", async () => {
    const [layer] = (await scene.cache.readManifest(TAGS["gcc-runtime"])).layers;
    await scene.cache.damageBlob(layer.digest, layer.size);
    expect((await run("blobs")).findings).toEqual([]);
    const { findings } = await run("contents");
    expect(findings).toMatchObject([
      { code: "BLOB_DAMAGED", tag: TAGS["gcc-runtime"], images: 5, digest: layer.digest },
    ]);
  });

  it("of a base image are read as layers of any kind", async () => {
    const base = buildImage("base");
    await putImage("base", base);
    const [layer] = base.layers;
    await scene.cache.changeImage(TAGS.greeter, (manifest, config) => {
      manifest.layers.unshift({ ...layer?.descriptor });
      config.rootfs.diff_ids.unshift(JSON.parse(Buffer.from(base.config.bytes).toString()).rootfs.diff_ids[0]);
    });
    expect((await run("contents")).findings).toEqual([]);
    await scene.cache.damageBlob(layer?.descriptor.digest ?? "", layer?.descriptor.size ?? 0);
    expect((await run("contents")).findings).toMatchObject([{ code: "BLOB_DAMAGED", images: 2 }]);
  });

  it("of another package are told by what is in them", async () => {
    const other = (await scene.cache.readManifest(TAGS.libgreet)).layers.at(-1);
    const diffIds = (await scene.cache.readJson((await scene.cache.readManifest(TAGS.libgreet)).config)).rootfs
      .diff_ids;
    await scene.cache.changeImage(TAGS.greeter, (manifest, config) => {
      manifest.layers.splice(-1, 1, other);
      config.rootfs.diff_ids.splice(-1, 1, diffIds.at(-1));
      config.binary_cache_checksum.hash = other.digest.slice(7);
      config.archive_size = other.size;
    });
    const { findings } = await run("contents");
    expect(findings).toContainEqual(
      expect.objectContaining({ code: "BUILD_INFO_WRONG", message: "hash_to_prefix lacks the package itself" }),
    );
    expect(findings.every(({ tag }) => tag === TAGS.greeter)).toBe(true);
  });
});

describe("hostile content", () => {
  it("only fails cleanly", async () => {
    const deep = "[".repeat(100_000);
    const gzipOfZeros = gzipSync(Buffer.alloc(1_000_000));
    await scene.cache.replaceLayer(TAGS["greet-plugin"], Buffer.alloc(1_000_000), gzipOfZeros);
    await scene.cache.changeImage(TAGS.libgreet, (_manifest, config) => {
      config.spec = {
        _meta: { version: 5 },
        nodes: [{ name: "x\u001b[2J", version: "1", hash: "../../x" }],
        __proto__: 1,
      };
    });
    const manifest = await scene.cache.readManifest(TAGS.greeter);
    const config = await scene.cache.putJson(manifest.config.mediaType, deep);
    await scene.cache.writeManifest(TAGS.greeter, { ...manifest, config });
    await scene.cache.changeIndex((installs) => {
      installs[HASHES.gmake] = deep;
      installs[HASHES.glibc] = { spec: { name: { toString: 1 } }, in_buildcache: true, ref_count: "many" };
    });
    const { findings } = await run("contents");
    expect(new Set(findings.map(({ code }) => code))).toEqual(
      new Set(["RECORD_INVALID", "CONFIG_UNREADABLE", "SPEC_UNREADABLE", "ARCHIVE_REFUSED"]),
    );
  });
});

describe("specs", () => {
  it("choose the packages that are checked, and nothing else is", async () => {
    await scene.cache.store.delete(TAGS["greet-plugin"]);
    await scene.cache.shortenBlob((await scene.cache.readManifest(TAGS.libgreet)).layers.at(-1).digest);
    await putImage("tools", buildImage("tools"));
    const plugin = await run("blobs", { specs: ["greet-plugin"] });
    expect(codesOf(plugin)).toEqual(["RECORD_WITHOUT_TAG"]);
    expect(plugin.totals).toMatchObject({ packages: 0, images: 0, records: 1 });
    const runtime = await run("blobs", { specs: ["gcc-runtime"] });
    expect(runtime).toMatchObject({ findings: [], totals: { packages: 1, images: 0, records: 1, blobs: 1 } });
    const greeter = await run("blobs", { specs: [`/${HASHES.greeter.slice(0, 5)}`] });
    expect(greeter.findings).toMatchObject([{ code: "BLOB_DAMAGED", tag: TAGS.greeter }]);
    const two = await run("blobs", { specs: ["gcc-runtime", "greeter ^libgreet@1"] });
    expect(two.totals.packages).toBe(2);
  });

  it("are looked for in configs where the index doesn't name a package", async () => {
    await scene.cache.changeIndex((installs) => {
      delete installs[HASHES["greet-plugin"]];
    });
    const found = await run("manifests", { specs: ["greet-plugin@0.5"] });
    expect(found).toMatchObject({ findings: [{ code: "TAG_NOT_INDEXED" }], totals: { packages: 1 } });
    await expect(run("manifests", { specs: ["greet-plugin@7"] })).rejects.toMatchObject({ code: "SPEC_NOT_FOUND" });
    expect(codesOf(await run("index", { specs: ["greet-plugin"] }))).toEqual(["TAG_NOT_INDEXED"]);
  });

  it("that nothing matches are an error with a hint", async () => {
    await expect(run("index", { specs: ["greter"] })).rejects.toMatchObject({
      code: "SPEC_NOT_FOUND",
      hint: expect.stringContaining("greeter"),
    });
    await expect(run("index", { specs: ["a@@1"] })).rejects.toMatchObject({ code: "INVALID_ARGUMENT" });
  });
});

describe("the progress", () => {
  it("counts tags and blobs up to their numbers", async () => {
    const events: SpkociEvent[] = [];
    await run("contents", {}, (event) => events.push(event));
    const last = new Map(events.flatMap((event) => (event.type === "progress" ? [[event.step, event] as const] : [])));
    expect(last.get("check-images")).toMatchObject({ unit: "tags", done: 5, total: 5 });
    expect(last.get("check-blobs")).toMatchObject({ unit: "blobs", done: 1, total: 1 });
    expect(events.filter(({ type }) => type === "step")).toHaveLength(4);
  });

  it("ends with the reason of an abort", async () => {
    const stop = new AbortController();
    const emit = (event: SpkociEvent): void => {
      if (event.type === "progress" && event.step === "check-images") stop.abort(new Error("enough"));
    };
    const running = check({ source: `oci:${scene.cache.folder}` }, { signal: stop.signal, emit });
    await expect(running).rejects.toThrow("enough");
  });
});
