import { mapConcurrently } from "../base/concurrency.js";
import { type Digest, isDigest } from "../base/digest.js";
import { SpkociError } from "../base/errors.js";
import { type Op, throwIfAborted } from "../base/op.js";
import { collect } from "../base/streams.js";
import type { Descriptor } from "../oci/descriptor.js";
import { MANIFEST_LIMIT } from "../oci/store.js";
import { BlobFolder, type StoredBlob } from "./blob-folder.js";
import { IndexFile } from "./index-file.js";
import { LayoutIndex } from "./layout-index.js";

export interface SweepOptions {
  /** Blobs written since, ms since 1970, stay: those of a push come before the manifest that names them. */
  readonly writtenSince: number;
  /** Digests of entries of `index.json` that are taken for gone; what only they need is not needed. */
  readonly without?: ReadonlySet<Digest> | undefined;
}

/**
 * The blobs of an image layout that nothing which `index.json` lists leads to.
 * @throws SpkociError DOCUMENT_INVALID or DOCUMENT_TOO_LARGE for a document that can't be read, so that nobody knows what it needs
 */
export async function findUnneededBlobs(
  folder: string,
  options: SweepOptions,
  op?: Op,
): Promise<readonly StoredBlob[]> {
  const sweep = new Sweep(folder);
  await sweep.mark(options.without ?? new Set(), op);
  return sweep.unneeded(options.writtenSince, op);
}

/** Blobs removed while nobody can write `index.json`. */
const BATCH = 500;
const REMOVALS_AT_ONCE = 16;

/**
 * Removes what `findUnneededBlobs` finds. Tags that are written meanwhile keep their blobs. `onRemoved` gets each blob that is gone.
 * @throws SpkociError as `findUnneededBlobs`, STORAGE_FAILED, LOCKED
 */
export async function sweepLayout(
  folder: string,
  options: SweepOptions,
  onRemoved: (blob: StoredBlob) => void,
  op?: Op,
): Promise<void> {
  const sweep = new Sweep(folder);
  await sweep.mark(options.without ?? new Set(), op);
  const unneeded = await sweep.unneeded(options.writtenSince, op);
  for (let at = 0; at < unneeded.length; at += BATCH) {
    await sweep.remove(unneeded.slice(at, at + BATCH), options, onRemoved, op);
  }
}

class Sweep {
  readonly #file: IndexFile;
  readonly #index: LayoutIndex;
  readonly #blobs: BlobFolder;
  readonly #needed = new Set<Digest>();

  constructor(folder: string) {
    this.#file = new IndexFile(folder);
    this.#index = new LayoutIndex(this.#file);
    this.#blobs = new BlobFolder(folder);
  }

  /** Finds what the entries of `index.json` need; those that were looked at before are passed over. */
  async mark(without: ReadonlySet<Digest>, op: Op | undefined): Promise<void> {
    const { all } = await this.#index.entries();
    const waiting = all.map(({ digest }) => digest).filter((digest) => !without.has(digest));
    for (const digest of waiting) {
      if (this.#needed.has(digest)) continue;
      throwIfAborted(op);
      this.#needed.add(digest);
      const { parts, documents } = await this.#readLinks(digest, op);
      for (const part of parts) this.#needed.add(part);
      waiting.push(...documents);
    }
  }

  async unneeded(writtenSince: number, op: Op | undefined): Promise<StoredBlob[]> {
    const blobs = await this.#blobs.list(op);
    return blobs.filter(({ digest, writtenAt }) => !this.#needed.has(digest) && writtenAt < writtenSince);
  }

  async remove(
    blobs: readonly StoredBlob[],
    { writtenSince, without }: SweepOptions,
    onRemoved: (blob: StoredBlob) => void,
    op: Op | undefined,
  ): Promise<void> {
    await this.#file.whileLocked(async () => {
      await this.mark(without ?? new Set(), op);
      const remove = async (blob: StoredBlob): Promise<void> => {
        // A push that needs it again has put it again.
        const writtenAt = await this.#blobs.writtenAt(blob.digest);
        if (writtenAt === undefined || writtenAt >= writtenSince) return;
        if (await this.#blobs.remove(blob.digest)) onRemoved(blob);
      };
      const unneeded = blobs.filter(({ digest }) => !this.#needed.has(digest));
      await mapConcurrently(unneeded, REMOVALS_AT_ONCE, remove, op?.signal);
    }, op);
  }

  /** What a document names: blobs, and other documents. A missing one names nothing. */
  async #readLinks(digest: Digest, op: Op | undefined): Promise<Links> {
    const size = await this.#blobs.sizeOf(digest);
    if (size === undefined) return { parts: [], documents: [] };
    const path = this.#blobs.pathOf(digest);
    if (size > MANIFEST_LIMIT) throw unreadable("DOCUMENT_TOO_LARGE", path);
    const descriptor: Descriptor = { mediaType: "", digest, size };
    try {
      return linksIn(JSON.parse((await collect(await this.#blobs.open(descriptor, op), size, path)).toString("utf8")));
    } catch (error) {
      throwIfAborted(op);
      throw unreadable("DOCUMENT_INVALID", path, error);
    }
  }
}

interface Links {
  readonly parts: readonly Digest[];
  readonly documents: readonly Digest[];
}

/** Every digest in a document of whatever type, but what is said of its subject; what an index lists are documents. */
function linksIn(document: unknown): Links {
  const { subject: _subject, manifests, ...rest } = (document ?? {}) as Record<string, unknown>;
  return { parts: digestsIn(rest), documents: digestsIn(manifests) };
}

function digestsIn(value: unknown): Digest[] {
  const found: Digest[] = [];
  const waiting: unknown[] = [value];
  for (const one of waiting) {
    if (typeof one === "string" && isDigest(one)) found.push(one);
    if (typeof one !== "object" || one === null) continue;
    for (const member of Object.values(one)) waiting.push(member);
  }
  return found;
}

function unreadable(code: "DOCUMENT_INVALID" | "DOCUMENT_TOO_LARGE", path: string, cause?: unknown): SpkociError {
  return new SpkociError(code, `${path} can't be read, so nobody knows which blobs it needs`, {
    hint: "`spkoci check` tells what is damaged; remove its tag, or copy it again.",
    cause,
  });
}
