import { execFile } from "node:child_process";
import { copyFile, mkdir, readFile, realpath } from "node:fs/promises";
import { dirname, join } from "node:path";
import { promisify } from "node:util";
import { gzipSync } from "node:zlib";
import {
  type BlobSource,
  blobOf,
  DOCKER_CONFIG,
  DOCKER_LAYER_GZIP,
  DOCKER_MANIFEST,
  type Document,
  digestOf,
  documentOf,
  jsonDocument,
  OCI_CONFIG,
  OCI_LAYER_GZIP,
  OCI_MANIFEST,
  type Store,
} from "@spkoci/core";

const run = promisify(execFile);

/** A root file system in which a dynamically linked program and shell scripts run: this machine's shell, C library and loader. */
const FILES: readonly [from: string, to: string][] = [
  ["/bin/sh", "/bin/sh"],
  ["/bin/cat", "/bin/cat"],
  ["/lib64/ld-linux-x86-64.so.2", "/lib64/ld-linux-x86-64.so.2"],
  ["/lib/x86_64-linux-gnu/libc.so.6", "/lib/x86_64-linux-gnu/libc.so.6"],
];

export interface BaseImage {
  readonly manifest: Document;
  readonly blobs: readonly BlobSource[];
  readonly layer: BlobSource;
}

/** A base image for linux/amd64 made of this machine's files; `folder` is used to make it. */
export async function buildBaseImage(folder: string, family: "oci" | "docker"): Promise<BaseImage> {
  const root = join(folder, `base-${family}`);
  for (const [from, to] of FILES) {
    const path = join(root, to);
    await mkdir(dirname(path), { recursive: true });
    await copyFile(await realpath(from), path);
  }
  const tar = `${root}.tar`;
  await run("tar", ["--sort=name", "--mtime=@0", "--owner=0", "--group=0", "-cf", tar, "-C", root, "."]);
  const plain = await readFile(tar);
  const docker = family === "docker";
  const layer = documentOf(docker ? DOCKER_LAYER_GZIP : OCI_LAYER_GZIP, gzipSync(plain));
  const config = jsonDocument(docker ? DOCKER_CONFIG : OCI_CONFIG, {
    architecture: "amd64",
    os: "linux",
    config: { Env: ["PATH=/usr/local/bin:/usr/bin:/bin", "BASE=yes"], Cmd: ["/bin/sh"] },
    rootfs: { type: "layers", diff_ids: [digestOf(plain)] },
    history: [{ created_by: "files of the test machine" }],
  });
  const mediaType = docker ? DOCKER_MANIFEST : OCI_MANIFEST;
  const manifest = jsonDocument(mediaType, {
    schemaVersion: 2,
    mediaType,
    config: linkOf(config),
    layers: [linkOf(layer)],
  });
  return { manifest, blobs: [blobOf(config), blobOf(layer)], layer: blobOf(layer) };
}

function linkOf({ descriptor: { mediaType, digest, size } }: Document) {
  return { mediaType, digest, size };
}

/** Puts a base image into a store under a tag. */
export async function putBaseImage(store: Store, image: BaseImage, tag: string): Promise<void> {
  for (const blob of image.blobs) await store.put(blob);
  await store.write(image.manifest, { tag });
}
