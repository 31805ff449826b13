import { cp, rm, truncate, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import {
  blobOf,
  type Document,
  digestOf,
  documentOf,
  hexOf,
  OCI_LAYER_GZIP,
  openLayout,
  parseDigest,
  type Store,
} from "@spkoci/core";
import { fixturePath } from "./fixture-store.js";

/** DAG hashes of the packages of fixtures/small/cache, and of what they depend on. */
export const SMALL_HASHES = {
  gcc: "72bgxsywhpxjpdfdgn4usurmcqrbio53",
  glibc: "zirfsst4q7dww5ptissbtjg7g6jccrvb",
  "gcc-runtime": "hlzfjje6cptdvgrmwxpayogeilh4pj5e",
  "compiler-wrapper": "jrtxylmzw232laxox2s5a5wkhr7skrim",
  gmake: "jbok2te5elpiutydxzypwqk37jebotlu",
  "greet-build-tool": "nvmxzn735ojl752pjjshf3ixfbs7uzze",
  libgreet: "vxd7hjtucqhfb2xibbvbaje6fla7ikff",
  greeter: "53zaetjpu7mwvi3vv3n2rag7yc3a4nuh",
  "greet-plugin": "4mu7dtu6uktdyijb3md6bvri3ciiwdbm",
} as const;

/** The tags of its packages, without greet-build-tool's. */
export const SMALL_TAGS = {
  "gcc-runtime": "gcc-runtime-12.2.0-hlzfjje6cptdvgrmwxpayogeilh4pj5e.spack",
  libgreet: "libgreet-1.0-vxd7hjtucqhfb2xibbvbaje6fla7ikff.spack",
  greeter: "greeter-2.1-53zaetjpu7mwvi3vv3n2rag7yc3a4nuh.spack",
  "greet-plugin": "greet-plugin-0.5-4mu7dtu6uktdyijb3md6bvri3ciiwdbm.spack",
} as const;

/** A JSON object that a test changes as it likes. */
// biome-ignore lint/suspicious/noExplicitAny: a test knows the documents of its fixture
export type Json = any;

/** An OCI layout with a cache, whose content can be changed and broken. */
export class CacheEditor {
  readonly folder: string;
  readonly store: Store;

  private constructor(folder: string, store: Store) {
    this.folder = folder;
    this.store = store;
  }

  /** A copy of fixtures/small/cache, which Spack wrote: five packages and an index. */
  static async create(folder: string): Promise<CacheEditor> {
    await cp(fixturePath("small/cache"), folder, { recursive: true });
    return new CacheEditor(folder, await openLayout(folder));
  }

  /** The tag of the one package of that name. */
  async tagOf(name: string): Promise<string> {
    for await (const tag of this.store.tags()) if (tag.startsWith(`${name}-`)) return tag;
    throw new Error(`there is no package ${name}`);
  }

  async readManifest(tag: string): Promise<Json> {
    const document = await this.store.read(tag);
    if (document === undefined) throw new Error(`there is no tag ${tag}`);
    return JSON.parse(Buffer.from(document.bytes).toString());
  }

  async readJson(descriptor: Json): Promise<Json> {
    const stream = await this.store.open(descriptor);
    return JSON.parse(Buffer.concat(await stream.toArray()).toString());
  }

  /** Changes an image's manifest and config; digests are made to fit. */
  async changeImage(tag: string, change: (manifest: Json, config: Json) => void): Promise<void> {
    const manifest = await this.readManifest(tag);
    const config = await this.readJson(manifest.config);
    change(manifest, config);
    const written = await this.putJson(manifest.config.mediaType, config);
    await this.writeManifest(tag, { ...manifest, config: written });
  }

  async writeManifest(tag: string, manifest: Json): Promise<void> {
    await this.store.write(documentOf(manifest.mediaType, Buffer.from(JSON.stringify(manifest))), { tag });
  }

  /** Changes what the index says. */
  async changeIndex(change: (installs: Json) => void): Promise<void> {
    const manifest = await this.readManifest("index.spack");
    const index = await this.readJson(manifest.layers[0]);
    change(index.database.installs);
    manifest.layers[0] = await this.putJson(OCI_LAYER_GZIP, index);
    await this.writeManifest("index.spack", manifest);
  }

  async readIndex(): Promise<Json> {
    return this.readJson((await this.readManifest("index.spack")).layers[0]);
  }

  /** Gives a package another layer of its own, and lets everything fit it. */
  async replaceLayer(tag: string, tar: Buffer, layer: Buffer = gzipSync(tar)): Promise<void> {
    const { descriptor } = await this.#put(documentOf(OCI_LAYER_GZIP, layer));
    await this.changeImage(tag, (manifest, config) => {
      manifest.layers.splice(-1, 1, { ...descriptor });
      config.rootfs.diff_ids.splice(-1, 1, digestOf(tar));
      config.binary_cache_checksum.hash = hexOf(descriptor.digest);
      config.archive_size = descriptor.size;
    });
  }

  async removeBlob(digest: string): Promise<void> {
    await rm(this.#pathOf(digest));
  }

  /** Cuts a blob off. */
  async shortenBlob(digest: string): Promise<void> {
    await truncate(this.#pathOf(digest), 20);
  }

  /** Gives a blob other bytes of the same number. */
  async damageBlob(digest: string, size: number): Promise<void> {
    await writeFile(this.#pathOf(digest), Buffer.alloc(size, "x"));
  }

  async putJson(mediaType: string, value: Json): Promise<Json> {
    return { ...(await this.#put(documentOf(mediaType, Buffer.from(JSON.stringify(value))))).descriptor };
  }

  async #put(document: Document): Promise<Document> {
    await this.store.put(blobOf(document));
    return document;
  }

  #pathOf(digest: string): string {
    return join(this.folder, "blobs", "sha256", hexOf(parseDigest(digest)));
  }
}
