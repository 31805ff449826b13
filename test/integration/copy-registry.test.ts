import { execFile } from "node:child_process";
import { readdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import {
  blobOf,
  type CopyOptions,
  copy,
  documentOf,
  INDEX_TAG,
  install,
  jsonDocument,
  OCI_MANIFEST,
  openArchive,
  openLayout,
  openRegistry,
  type Store,
} from "@spkoci/core";
import { createTemporaryFolder, fixturePath, requireTool, type TemporaryFolder } from "@spkoci/testkit";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { buildBaseImage, putBaseImage } from "./support/base-image.js";
import { type RunningRegistry, startRegistry } from "./support/registries.js";

const run = promisify(execFile);
const tools = ["docker-registry", "skopeo"].map(requireTool).every(Boolean);
const CACHE = fixturePath("small/cache");

let folder: TemporaryFolder;
let registry: RunningRegistry;

beforeAll(async () => {
  folder = await createTemporaryFolder();
  if (tools) registry = await startRegistry("plain http", folder.path);
});

afterAll(async () => {
  await registry?.close();
  await folder.remove();
});

const path = (name: string): string => join(folder.path, name);
const repository = (name: string): Store => openRegistry({ registry: registry.host, repository: name });

function carry(source: string, target: string, options: Partial<CopyOptions> = {}): ReturnType<typeof copy> {
  return copy({ source, target, access: registry.access, ...options });
}

/** Tags to digests, without the index, which each place has its own of. */
async function imagesOf(store: Store): Promise<Record<string, string | undefined>> {
  const found: Record<string, string | undefined> = {};
  for await (const tag of store.tags()) if (tag !== INDEX_TAG) found[tag] = (await store.resolve(tag))?.digest;
  return found;
}

describe.skipIf(!tools)("a cache that Spack wrote", () => {
  it("goes through docker-registry, a folder and an archive with its digests, and is installed from the end", async () => {
    const places = [
      `oci:${CACHE}`,
      `${registry.host}/first`,
      `oci:${path("folder")}`,
      `oci-archive:${path("cache.tar")}`,
    ];
    places.push(`${registry.host}/second`, `oci:${path("end")}`);
    for (const [at, target] of places.slice(1).entries()) {
      const { totals } = await carry(places[at] as string, target);
      expect(totals).toMatchObject({ copied: 5, failed: 0, missing: 0 });
    }
    const original = await imagesOf(await openLayout(CACHE));
    expect(Object.keys(original)).toHaveLength(5);
    const stores = [
      repository("first"),
      await openLayout(path("folder")),
      await openArchive(path("cache.tar")),
      repository("second"),
      await openLayout(path("end")),
    ];
    for (const store of stores) expect(await imagesOf(store)).toEqual(original);
    const root = path("root");
    const options = { specs: ["greeter"], root, cacheDir: path("cache"), env: process.env };
    const { packages } = await install({ ...options, sources: [`oci:${path("end")}`] });
    const prefix = packages.find(({ name }) => name === "greeter")?.prefix ?? "";
    expect((await run(join(prefix, "bin/greeter"), ["Ada"])).stdout).toBe("Hello, Ada!\n");
    await rm(root, { recursive: true });
    const again = await install({ ...options, sources: [`oci-archive:${path("cache.tar")}`], noCache: true });
    expect(again.totals).toMatchObject({ installed: 3, failed: 0 });
  });

  it("is mounted from one repository of docker-registry into another", async () => {
    await carry(`oci:${CACHE}`, `${registry.host}/from`);
    const { totals } = await carry(`${registry.host}/from`, `${registry.host}/into/deep`);
    expect(totals).toMatchObject({ copied: 5, bytesSent: 0 });
    expect(await imagesOf(repository("into/deep"))).toEqual(await imagesOf(repository("from")));
  });

  it("takes the image over it and its base along, and skopeo reads what arrives", async () => {
    await carry(`oci:${CACHE}`, `oci:${path("tools")}`);
    const base = await buildBaseImage(folder.path, "oci");
    await putBaseImage(await openLayout(path("tools")), base, "tools");
    const archive = path("tools.tar");
    await carry(`oci:${path("tools")}`, `oci-archive:${archive}`, { tags: ["tools"], queries: ["libgreet"] });
    const { stdout } = await run("skopeo", ["inspect", `oci-archive:${archive}:tools`]);
    expect(JSON.parse(stdout)).toMatchObject({ Digest: base.manifest.descriptor.digest });
    await carry(`oci-archive:${archive}`, `${registry.host}/tools`, { tags: ["tools"] });
    const image = `docker://${registry.host}/tools:tools`;
    expect(JSON.parse((await run("skopeo", ["inspect", ...registry.inspectFlags, image])).stdout)).toMatchObject({
      Digest: base.manifest.descriptor.digest,
    });
  });

  it("is read from an archive that skopeo wrote", async () => {
    const [tag] = Object.keys(await imagesOf(await openLayout(CACHE))).filter((each) => each.startsWith("libgreet-"));
    await run("skopeo", ["copy", `oci:${CACHE}:${tag}`, `oci-archive:${path("theirs.tar")}:${tag}`]);
    const { packages } = await carry(`oci-archive:${path("theirs.tar")}`, `oci:${path("theirs")}`);
    expect(packages.map(({ name, outcome }) => `${outcome} ${name}`)).toEqual(["copied libgreet"]);
    expect(await imagesOf(await openLayout(path("theirs")))).toEqual({
      [tag ?? ""]: (await imagesOf(await openLayout(CACHE)))[tag ?? ""],
    });
  });

  it("comes with what others attached to its images, from a registry without the referrers API", async () => {
    await carry(`oci:${CACHE}`, `${registry.host}/signed`);
    const store = repository("signed");
    const [tag = ""] = Object.keys(await imagesOf(store));
    const subject = await store.resolve(tag);
    const empty = { mediaType: "application/vnd.oci.empty.v1+json", bytes: Buffer.from("{}") };
    const config = documentOf(empty.mediaType, empty.bytes);
    await store.put(blobOf(config));
    const { mediaType, digest, size } = subject ?? config.descriptor;
    const content = { mediaType: empty.mediaType, digest: config.descriptor.digest, size: config.descriptor.size };
    const signature = jsonDocument(OCI_MANIFEST, {
      schemaVersion: 2,
      mediaType: OCI_MANIFEST,
      artifactType: "application/vnd.example.signature",
      config: content,
      layers: [content],
      subject: { mediaType, digest, size },
    });
    await store.write(signature);
    for (const [from, to] of [
      [`${registry.host}/signed`, `oci:${path("signed")}`],
      [`oci:${path("signed")}`, `oci-archive:${path("signed.tar")}`],
      [`oci-archive:${path("signed.tar")}`, `${registry.host}/verified`],
    ] as const) {
      expect((await carry(from, to)).totals.referrers).toBe(1);
    }
    const [found] = await repository("verified").referrers(digest);
    expect(found).toMatchObject({
      digest: signature.descriptor.digest,
      artifactType: "application/vnd.example.signature",
    });
    expect((await readdir(folder.path)).filter((name) => name.endsWith(".tmp") || name.endsWith(".lock"))).toEqual([]);
  });
});
