import type { BigIntStats } from "node:fs";
import { type FileHandle, open } from "node:fs/promises";
import { Readable } from "node:stream";
import { type Digest, isDigest } from "../base/digest.js";
import { asStorageError, SpkociError, systemCodeOf } from "../base/errors.js";
import type { Op } from "../base/op.js";
import type { BlobSource } from "../oci/store.js";
import { type IndexJson, parseIndexJson } from "./layout-index.js";
import { checkMarker } from "./layout-marker.js";
import { readAt, readTarFiles, refused, type TarFile } from "./tar-entries.js";

/** What a tar of an OCI layout holds. */
export interface ArchiveFile {
  readonly index: IndexJson;
  readonly blobs: ReadonlyMap<Digest, BlobSource>;
  /** Other once the file has changed. */
  readonly state: string;
}

const INDEX_SIZE_LIMIT = 256 * 1024 * 1024;
const MARKER_SIZE_LIMIT = 4096;
/** More than any cache has; each takes memory. */
const BLOBS_LIMIT = 2_000_000;

/**
 * Finds out where in a tar of an OCI layout each blob is; nothing is unpacked. Files that are no part of a layout are passed over.
 * Undefined if there is no such file.
 * @throws SpkociError ARCHIVE_REFUSED for what is no such tar, DOCUMENT_INVALID for an index.json that can't be read, STORAGE_FAILED
 */
export async function readArchiveFile(path: string, op?: Op): Promise<ArchiveFile | undefined> {
  const file = await openFile(path);
  if (file === undefined) return undefined;
  try {
    const stats = await file.stat({ bigint: true });
    if (stats.isDirectory()) throw refused(path, "it is a folder", `Write oci:${path} for an OCI layout folder.`);
    if (!stats.isFile())
      throw refused(path, "it is no file", "Blobs are read here and there in it, so it must be one.");
    const state = stateOf(stats);
    await refuseCompressed(file, Number(stats.size), path);
    const parts = await findParts(file, Number(stats.size), path, op);
    const blobs = new Map([...parts.blobs].map(([digest, part]) => [digest, sourceIn(path, state, digest, part)]));
    return { index: await readIndex(file, parts, path), blobs, state };
  } catch (error) {
    throw asStorageError(error, `reading ${path}`);
  } finally {
    await file.close();
  }
}

/** Of the file that is there now; undefined if there is none. */
export async function archiveStateOf(path: string): Promise<string | undefined> {
  const file = await openFile(path);
  if (file === undefined) return undefined;
  try {
    return stateOf(await file.stat({ bigint: true }));
  } finally {
    await file.close();
  }
}

interface Parts {
  readonly blobs: ReadonlyMap<Digest, TarFile>;
  readonly index: TarFile | undefined;
  readonly marker: TarFile | undefined;
}

async function findParts(file: FileHandle, size: number, path: string, op: Op | undefined): Promise<Parts> {
  const blobs = new Map<Digest, TarFile>();
  const others = new Map<string, TarFile>();
  for await (const part of readTarFiles(file, size, path, op)) {
    const name = part.name.replace(/^(?:\.\/+)+/, "");
    const digest = name.replace(/^blobs\/(sha256|sha512)\//, "$1:");
    if (digest !== name && isDigest(digest)) {
      if (blobs.has(digest)) throw refused(path, `it has ${name} twice`);
      if (blobs.size >= BLOBS_LIMIT) throw refused(path, `it has more than ${BLOBS_LIMIT} blobs`);
      blobs.set(digest, part);
    } else if (name === "index.json" || name === "oci-layout") {
      if (others.has(name)) throw refused(path, `it has ${name} twice`);
      others.set(name, part);
    }
  }
  return { blobs, index: others.get("index.json"), marker: others.get("oci-layout") };
}

async function readIndex(file: FileHandle, { index, marker }: Parts, path: string): Promise<IndexJson> {
  if (index === undefined || marker === undefined) {
    const hint =
      "An OCI archive is a tar of an OCI layout folder, as spkoci copy, skopeo copy and docker save write it.";
    throw refused(path, `it has no ${marker === undefined ? "oci-layout" : "index.json"}`, hint);
  }
  if (marker.size > MARKER_SIZE_LIMIT) throw refused(path, "its oci-layout is too large");
  checkMarker(path, (await readAt(file, marker.offset, marker.size, path)).toString("utf8"));
  if (index.size > INDEX_SIZE_LIMIT) throw refused(path, "its index.json is too large");
  return parseIndexJson((await readAt(file, index.offset, index.size, path)).toString("utf8"), `${path}/index.json`);
}

function sourceIn(path: string, state: string, digest: Digest, { offset, size }: TarFile): BlobSource {
  return { descriptor: { mediaType: "", digest, size }, open: () => openPart(path, state, offset, size) };
}

async function openPart(path: string, state: string, offset: number, size: number): Promise<Readable> {
  const file = await openFile(path);
  try {
    const now = file && stateOf(await file.stat({ bigint: true }));
    if (file === undefined || now !== state) {
      throw new SpkociError("FILE_CHANGED", `${path} changed while it was read`, { hint: "Run it again." });
    }
    if (size > 0) return file.createReadStream({ start: offset, end: offset + size - 1 });
    await file.close();
    return Readable.from([]);
  } catch (error) {
    await file?.close().catch(() => {});
    throw error;
  }
}

async function openFile(path: string): Promise<FileHandle | undefined> {
  try {
    return await open(path);
  } catch (error) {
    if (systemCodeOf(error) === "ENOENT") return undefined;
    throw asStorageError(error, `reading ${path}`);
  }
}

function stateOf({ dev, ino, size, mtimeNs }: BigIntStats): string {
  return [dev, ino, size, mtimeNs].join(" ");
}

/** How files begin that a program can undo. */
const COMPRESSED: readonly (readonly [magic: string, program: string])[] = [
  ["1f8b", "gunzip"],
  ["28b52ffd", "unzstd"],
  ["fd377a585a00", "unxz"],
  ["425a68", "bunzip2"],
];

async function refuseCompressed(file: FileHandle, size: number, path: string): Promise<void> {
  const start = (await readAt(file, 0, Math.min(size, 8), path)).toString("hex");
  const [, program] = COMPRESSED.find(([magic]) => start.startsWith(magic)) ?? [];
  if (program !== undefined) throw refused(path, "it is compressed", `Decompress it first: ${program} FILE.`);
}
