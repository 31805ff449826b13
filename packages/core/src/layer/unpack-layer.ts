import { chmodSync } from "node:fs";
import { lstat, mkdir, readFile, rename, rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import type { Readable } from "node:stream";
import { type Digest, Hasher } from "../base/digest.js";
import { asStorageError, SpkociError, systemCodeOf } from "../base/errors.js";
import { makeFolders } from "../base/make-folders.js";
import type { Op } from "../base/op.js";
import { temporaryBeside } from "../base/temporary-file.js";
import { BUILD_INFO_PATH } from "./entries.js";
import { readTar } from "./read-tar.js";
import { TarReader } from "./tar-reader.js";
import { Disk, storage, type UnpackSink } from "./unpack-disk.js";
import { DEFAULT_UNPACK_LIMITS, type UnpackLimits } from "./unpack-limits.js";
import { Refusal } from "./unpack-refusal.js";
import type { FileNode, FolderNode } from "./unpack-table.js";
import { type HardLink, type OnFile, type ReadOnlyEntry, UnpackedTree } from "./unpack-tree.js";
import type { FileLook } from "./unpacked-files.js";

/** The largest build info that is read, bytes. */
export const BUILD_INFO_LIMIT: number = 64 * 1024 * 1024;

export interface UnpackRequest {
  /** The layer's bytes as they are stored, checked for digest and size while they are read (`verifying`). */
  readonly layer: Readable;
  /** Names the layer in messages, such as `the layer of zlib@1.3`. */
  readonly what: string;
  /** Absolute path of the folder to be made. Folders above it are made where they are missing. */
  readonly destination: string;
  /** Digest that the plain tar must have. */
  readonly diffId?: Digest | undefined;
  /** DEFAULT_UNPACK_LIMITS unless given. */
  readonly limits?: Partial<UnpackLimits> | undefined;
  readonly onFile?: OnFile | undefined;
  /** Looks at the files; those that it holds aren't written. */
  readonly look?: FileLook | undefined;
}

/** A package's files where they were unpacked. All paths below are relative to that folder, but for `prefix`. */
export interface UnpackedPrefix {
  /** The install prefix that the package had, absolute. Spack 0.20 and older leave only its last component in the tarball. */
  readonly prefix: string;
  /** The text of `.spack/binary_distribution`. */
  readonly buildInfo: string;
  /** Number of regular files; hard links are not counted again. */
  readonly files: number;
  readonly directories: number;
  readonly symlinks: number;
  readonly hardlinks: readonly HardLink[];
  /** Bytes of all files. */
  readonly bytes: number;
  /** What the archive has without write permission, for `makeReadOnly`; files first, directories after all that is in them. */
  readonly readOnly: readonly ReadOnlyEntry[];
  /** Takes files that are still to be written, by their paths in the prefix. */
  readonly sink: UnpackSink;
}

/**
 * Unpacks a package's layer, gzip, zstd or plain as its first bytes tell, in one stream and with memory that doesn't grow with its
 * files. The archive is not trusted: nothing is written outside of the destination, whatever its names and links say. The destination
 * appears at the end, whole; on failure or abort nothing of it is left.
 *
 * Files get the permissions they have in the archive, without set-uid, set-gid and sticky bits and without write permission for
 * others, and the time they have there (1970 in Spack's). Their owner can write all of them, so that they can be relocated;
 * `makeReadOnly` takes that back. Owners are not taken over. Symbolic links are kept as they are, wherever they point.
 * @throws SpkociError ARCHIVE_REFUSED naming the layer, the entry and why; UNSUPPORTED_COMPRESSION; DIGEST_MISMATCH for a wrong
 *   `diffId`; NO_SPACE and STORAGE_FAILED naming the destination, the latter also where it exists. Errors of `layer` are thrown as they are
 */
export async function unpackLayer(request: UnpackRequest, op?: Op): Promise<UnpackedPrefix> {
  const { layer, destination } = request;
  const action = `unpacking to ${destination}`;
  const staging = temporaryBeside(destination);
  // Reading throws the layer's failure; without a listener one that comes before would end the process.
  layer.on("error", () => {});
  try {
    await storage(makeStaging(destination, staging), action);
    op?.signal?.throwIfAborted();
    const root = join(staging, "tree");
    const disk = Disk.create(root, action);
    const tree = await unpackTree(request, disk, op);
    const result = await storage(finishPrefix(request, tree, disk, root), action);
    op?.signal?.throwIfAborted();
    await storage(rename(join(root, result.prefix), destination), action);
    return result;
  } catch (error) {
    op?.signal?.throwIfAborted();
    throw error;
  } finally {
    layer.destroy();
    await rm(staging, { recursive: true, force: true }).catch(() => {});
  }
}

/** Takes from a package's owner the permission to write what has none in its archive. */
export function makeReadOnly(destination: string, { readOnly }: UnpackedPrefix): void {
  try {
    for (const { path, mode } of readOnly) chmodSync(join(destination, path), mode);
  } catch (error) {
    throw asStorageError(error, `setting permissions in ${destination}`);
  }
}

/** Makes a folder that only this user can enter, beside the destination, which must not be there. */
async function makeStaging(destination: string, staging: string): Promise<void> {
  await makeFolders(dirname(destination));
  const found = await lstat(destination).catch((error: unknown) => {
    if (systemCodeOf(error) === "ENOENT") return undefined;
    throw error;
  });
  if (found) throw new SpkociError("STORAGE_FAILED", `${destination} is there already`);
  await mkdir(staging, { mode: 0o700 });
}

/** Reads the whole layer, and unpacks it under the names it has. */
async function unpackTree(request: UnpackRequest, disk: Disk, op: Op | undefined): Promise<UnpackedTree> {
  const { layer, what, diffId } = request;
  const limits = { ...DEFAULT_UNPACK_LIMITS, ...request.limits };
  const tree = new UnpackedTree(disk, limits, request);
  const reader = new TarReader(tree);
  const hasher = diffId === undefined ? undefined : new Hasher();
  try {
    await readTar({ layer, limits, hasher }, (plain) => reader.read(plain), op);
    reader.finish();
  } catch (error) {
    throw error instanceof Refusal ? error.toError(what, tree.last) : error;
  } finally {
    tree.close();
  }
  checkDiffId(what, hasher?.digest(), diffId);
  return tree;
}

function checkDiffId(what: string, actual: Digest | undefined, expected: Digest | undefined): void {
  if (actual === expected) return;
  const message = `${what} should unpack to a tar with digest ${expected} but it has ${actual}`;
  throw new SpkociError("DIGEST_MISMATCH", message, {
    hint: "The image's config and its layer don't belong together.",
  });
}

/** Finds the prefix in what was unpacked to `root`. */
async function finishPrefix(
  { what, destination }: UnpackRequest,
  tree: UnpackedTree,
  disk: Disk,
  root: string,
): Promise<UnpackedPrefix> {
  const { name, folder, buildInfo } = findPrefix(tree, what);
  const { count, readOnly } = tree.finishFolders(folder, name);
  const inPrefix = (full: string): string => full.slice(name.length + 1);
  const text = buildInfo.seen?.held ?? (await readFile(join(root, name, BUILD_INFO_PATH)));
  return {
    prefix: `/${name}`,
    buildInfo: text.toString("utf8"),
    files: tree.files,
    directories: count,
    symlinks: tree.symlinks,
    hardlinks: tree.hardlinks.map((link) => ({ path: inPrefix(link.path), target: inPrefix(link.target) })),
    bytes: tree.bytes,
    readOnly: [...tree.readOnlyFiles, ...readOnly].map((entry) => ({ path: inPrefix(entry.path), mode: entry.mode })),
    sink: disk.movedTo(destination),
  };
}

/** The package's prefix, whose name is without its leading slash. */
export function findPrefix(
  tree: UnpackedTree,
  what: string,
): { name: string; folder: FolderNode; buildInfo: FileNode } {
  try {
    const { parts, folder, buildInfo } = tree.table.findPrefix();
    const name = parts.join("/");
    if (buildInfo.size > BUILD_INFO_LIMIT) {
      throw Refusal.at(`${name}/${BUILD_INFO_PATH}`, `it has more than ${BUILD_INFO_LIMIT} bytes`);
    }
    return { name, folder, buildInfo };
  } catch (error) {
    throw error instanceof Refusal ? error.toError(what, undefined) : error;
  }
}
