import { readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import * as z from "zod";
import { writeFileAtomically } from "../base/atomic-file.js";
import { createLimiter } from "../base/concurrency.js";
import { type Digest, isDigest } from "../base/digest.js";
import { asStorageError, SpkociError, systemCodeOf } from "../base/errors.js";
import { withFileLock } from "../base/file-lock.js";
import { parseJson } from "../base/json.js";
import type { Op } from "../base/op.js";
import { type Descriptor, descriptorSchema } from "../oci/descriptor.js";
import { OCI_INDEX } from "../oci/media-type.js";
import { tagMoved } from "../oci/tag-moved.js";

/** The annotation of an index.json entry that is its tag (image-spec, image-layout.md). */
const REF_NAME = "org.opencontainers.image.ref.name";

/** Members of entries and of the whole that are not known here are kept. */
const layoutIndexSchema = z.looseObject({
  schemaVersion: z.literal(2),
  manifests: z.array(z.unknown()),
});

type IndexJson = z.infer<typeof layoutIndexSchema>;

/** The entries of an index.json that can be understood; others are passed over. */
export interface LayoutEntries {
  readonly all: readonly Descriptor[];
  readonly byTag: ReadonlyMap<string, Descriptor>;
  readonly byDigest: ReadonlyMap<Digest, Descriptor>;
}

/** The tags of an image layout: its `index.json`, which several processes may change at the same time. */
export class LayoutIndex {
  readonly path: string;
  // Callers of this process queue here, so that they don't contend for the file.
  readonly #queue = createLimiter(1);
  /** What was read last, and of which state of the file. */
  #known: { readonly state: string; readonly entries: LayoutEntries } | undefined;

  constructor(folder: string) {
    this.path = join(folder, "index.json");
  }

  /** Writes an empty index unless there is one. */
  async create(op?: Op): Promise<void> {
    if ((await this.#read()) === undefined) await this.#change((index) => index, op);
  }

  async entries(): Promise<LayoutEntries> {
    const state = await this.#state();
    if (this.#known?.state === state) return this.#known.entries;
    const entries = entriesOf((await this.#read()) ?? EMPTY);
    // A file that was replaced meanwhile is read again by the next caller.
    this.#known = { state, entries };
    return entries;
  }

  /**
   * Makes `tag` name `target`; entries of other tags and without a tag stay as they are.
   * @throws SpkociError TAG_MOVED if `from` is given and isn't what the tag names
   */
  async setTag(tag: string, target: Descriptor, from?: Digest | "nothing", op?: Op): Promise<void> {
    const entry = { ...target, annotations: { ...target.annotations, [REF_NAME]: tag } };
    await this.#change((index) => {
      const at = index.manifests.findIndex((other) => tagOf(other) === tag);
      const now = (index.manifests[at] as Descriptor | undefined)?.digest;
      if (from !== undefined && (now ?? "nothing") !== from) throw tagMoved(this.path, tag);
      const rest = index.manifests.filter((other) => tagOf(other) !== tag);
      rest.splice(at < 0 ? rest.length : at, 0, entry);
      return { ...index, manifests: rest };
    }, op);
  }

  /** Lists a document without a tag, unless it is listed already. */
  async list(target: Descriptor, op?: Op): Promise<void> {
    await this.#change((index) => {
      const isListed = index.manifests.some((entry) => (entry as Descriptor | null)?.digest === target.digest);
      return isListed ? index : { ...index, manifests: [...index.manifests, target] };
    }, op);
  }

  /** Takes out the entry of a tag, or every entry of a digest. False if there was none. */
  async remove(reference: string, op?: Op): Promise<boolean> {
    let removed = false;
    await this.#change((index) => {
      const isMeant = (entry: unknown): boolean =>
        isDigest(reference) ? (entry as Descriptor | null)?.digest === reference : tagOf(entry) === reference;
      const rest = index.manifests.filter((entry) => !isMeant(entry));
      removed = rest.length < index.manifests.length;
      return removed ? { ...index, manifests: rest } : index;
    }, op);
    return removed;
  }

  async #change(edit: (index: IndexJson) => IndexJson, op?: Op): Promise<void> {
    await this.#queue(() =>
      withFileLock(
        `${this.path}.lock`,
        async () => {
          const before = await this.#read();
          const after = edit(before ?? EMPTY);
          if (after !== before) await writeFileAtomically(this.path, `${JSON.stringify(after, null, 2)}\n`);
        },
        op,
      ),
    );
  }

  /** Changes whenever the file is replaced. */
  async #state(): Promise<string> {
    try {
      const { ino, size, mtimeNs, ctimeNs } = await stat(this.path, { bigint: true });
      return [ino, size, mtimeNs, ctimeNs].join(" ");
    } catch (error) {
      if (systemCodeOf(error) === "ENOENT") return "";
      throw asStorageError(error, `reading ${this.path}`);
    }
  }

  async #read(): Promise<IndexJson | undefined> {
    let text: string;
    try {
      text = await readFile(this.path, "utf8");
    } catch (error) {
      if (systemCodeOf(error) === "ENOENT") return undefined;
      throw asStorageError(error, `reading ${this.path}`);
    }
    const parsed = layoutIndexSchema.safeParse(parseJson(text, this.path));
    if (parsed.success) return parsed.data;
    throw new SpkociError("DOCUMENT_INVALID", `${this.path} is not an image index`);
  }
}

function entriesOf(index: IndexJson): LayoutEntries {
  const all = index.manifests.flatMap((entry) => {
    const parsed = descriptorSchema.safeParse(entry);
    return parsed.success ? [parsed.data] : [];
  });
  const byTag = new Map<string, Descriptor>();
  const byDigest = new Map<Digest, Descriptor>();
  for (const entry of all) {
    const tag = tagOf(entry);
    if (tag !== undefined && !byTag.has(tag)) byTag.set(tag, entry);
    if (!byDigest.has(entry.digest)) byDigest.set(entry.digest, entry);
  }
  return { all, byTag, byDigest };
}

/** The tag of an index.json entry, if it has one. */
export function tagOf(entry: unknown): string | undefined {
  const name = (entry as { annotations?: Record<string, unknown> | null } | null)?.annotations?.[REF_NAME];
  return typeof name === "string" ? name : undefined;
}

const EMPTY: IndexJson = { schemaVersion: 2, mediaType: OCI_INDEX, manifests: [] };
