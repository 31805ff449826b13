import type { Readable } from "node:stream";
import { type Digest, Hasher } from "../base/digest.js";
import type { Op } from "../base/op.js";
import { BUILD_INFO_PATH } from "./entries.js";
import { readTar, type TarRequest } from "./read-tar.js";
import { TarReader } from "./tar-reader.js";
import type { FileWriter, UnpackSink } from "./unpack-disk.js";
import { BUILD_INFO_LIMIT, findPrefix } from "./unpack-layer.js";
import { DEFAULT_UNPACK_LIMITS, type UnpackLimits } from "./unpack-limits.js";
import { Refusal } from "./unpack-refusal.js";
import type { TableNode } from "./unpack-table.js";
import { UnpackedTree } from "./unpack-tree.js";

export interface ScanRequest {
  /** The layer's bytes as they are stored, checked for digest and size while they are read (`verifying`). */
  readonly layer: Readable;
  /** Names the layer in messages. */
  readonly what: string;
  /** DEFAULT_UNPACK_LIMITS unless given. */
  readonly limits?: Partial<UnpackLimits> | undefined;
}

/** A package's layer as it would unpack. */
export interface ScannedLayer {
  /** Digest of the plain tar. */
  readonly diffId: Digest;
  /** The install prefix that the package had, absolute. */
  readonly prefix: string;
  /** The text of `.spack/binary_distribution`; undefined where that is a hard link to another file. */
  readonly buildInfo: string | undefined;
  /** What the archive has at a path in the prefix. */
  kindOf(path: string): TableNode["type"] | undefined;
}

/**
 * Reads a package's layer as `unpackLayer` does, with all its checks, and writes nothing.
 * @throws SpkociError ARCHIVE_REFUSED, UNSUPPORTED_COMPRESSION. Errors of `layer` are thrown as they are
 */
export async function scanLayer(request: ScanRequest, op?: Op): Promise<ScannedLayer> {
  const hasher = new Hasher();
  const nowhere = new Nowhere();
  const tree = new UnpackedTree(nowhere, { ...DEFAULT_UNPACK_LIMITS, ...request.limits });
  const reader = new TarReader(tree);
  const readAll = async (): Promise<void> => {
    await readTar(tarRequest(request, hasher), (plain) => reader.read(plain), op);
    reader.finish();
  };
  await readWhole(request, readAll, () => tree.last, op);
  const { name } = findPrefix(tree, request.what);
  const parts = name.split("/");
  return {
    diffId: hasher.digest(),
    prefix: `/${name}`,
    buildInfo: nowhere.buildInfoAt(`${name}/${BUILD_INFO_PATH}`),
    kindOf: (path) => tree.table.find([...parts, ...path.split("/")])?.type,
  };
}

/**
 * Digest of the plain tar of any layer, whatever is in the tar.
 * @throws as `scanLayer`
 */
export async function hashLayer(request: ScanRequest, op?: Op): Promise<Digest> {
  const hasher = new Hasher();
  const readAll = (): Promise<void> => readTar(tarRequest(request, hasher), () => {}, op);
  await readWhole(request, readAll, () => undefined, op);
  return hasher.digest();
}

function tarRequest({ layer, limits }: ScanRequest, hasher: Hasher): TarRequest {
  return { layer, limits: { ...DEFAULT_UNPACK_LIMITS, ...limits }, hasher };
}

async function readWhole(
  { layer, what }: ScanRequest,
  readAll: () => Promise<void>,
  last: () => string | undefined,
  op: Op | undefined,
): Promise<void> {
  // Reading throws the layer's failure; without a listener one that comes before would end the process.
  layer.on("error", () => {});
  try {
    await readAll();
  } catch (error) {
    op?.signal?.throwIfAborted();
    throw error instanceof Refusal ? error.toError(what, last()) : error;
  } finally {
    layer.destroy();
  }
}

/** Reads what it is given and keeps nothing but the outermost build info, which is the package's if any is. */
class Nowhere implements UnpackSink {
  #kept: { readonly path: string; readonly depth: number; readonly text: string } | undefined;

  buildInfoAt(path: string): string | undefined {
    return this.#kept?.path === path ? this.#kept.text : undefined;
  }

  makeFolder(): void {}
  makeSymlink(): void {}
  makeHardlink(): void {}

  writeFile(path: string, _attributes: unknown, content: Buffer): void {
    const file = this.openFile(path);
    file.write(content);
    file.close();
  }

  openFile(path: string): FileWriter {
    const depth = path.split("/").length;
    const isCandidate = path.endsWith(`/${BUILD_INFO_PATH}`) && depth < (this.#kept?.depth ?? Number.POSITIVE_INFINITY);
    const chunks: Buffer[] = [];
    let size = 0;
    return {
      write: (chunk) => {
        size += chunk.length;
        if (isCandidate && size <= BUILD_INFO_LIMIT) chunks.push(Buffer.from(chunk));
      },
      close: () => {
        if (isCandidate) this.#kept = { path, depth, text: Buffer.concat(chunks).toString("utf8") };
      },
    };
  }

  setFolderMode(): void {}
}
