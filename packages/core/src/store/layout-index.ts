import * as z from "zod";
import { type Digest, isDigest } from "../base/digest.js";
import { SpkociError } from "../base/errors.js";
import { parseJson } from "../base/json.js";
import type { Op } from "../base/op.js";
import { type Descriptor, descriptorSchema } from "../oci/descriptor.js";
import { OCI_INDEX } from "../oci/media-type.js";
import { tagMoved } from "../oci/tag-moved.js";

/** The annotation of an index.json entry that is its tag (image-spec, image-layout.md). */
const REF_NAME = "org.opencontainers.image.ref.name";

/** An index.json. Members of entries and of the whole that are not known here are kept. */
export interface IndexJson {
  readonly schemaVersion: 2;
  readonly manifests: readonly unknown[];
  readonly [key: string]: unknown;
}

const layoutIndexSchema: z.ZodType<IndexJson> = z.looseObject({
  schemaVersion: z.literal(2),
  manifests: z.array(z.unknown()),
});

/** @throws SpkociError DOCUMENT_INVALID that names `what` */
export function parseIndexJson(text: string, what: string): IndexJson {
  const parsed = layoutIndexSchema.safeParse(parseJson(text, what));
  if (parsed.success) return parsed.data;
  throw new SpkociError("DOCUMENT_INVALID", `${what} is not an image index`);
}

export function formatIndexJson(index: IndexJson): string {
  return `${JSON.stringify(index, null, 2)}\n`;
}

/** Where an index.json is. */
export interface IndexPlace {
  /** For messages. */
  readonly path: string;
  /** Undefined if there is none yet. The same object as long as nothing has changed; nobody changes it. */
  read(op?: Op): Promise<IndexJson | undefined>;
  /** Puts what `edit` makes of the index in its place, unless that is the index itself. One edit happens at a time. */
  change(edit: (index: IndexJson) => IndexJson, op?: Op): Promise<void>;
}

/** The entries of an index.json that can be understood; others are passed over. */
export interface LayoutEntries {
  readonly all: readonly Descriptor[];
  readonly byTag: ReadonlyMap<string, Descriptor>;
  readonly byDigest: ReadonlyMap<Digest, Descriptor>;
}

/** An entry of an index.json; one that can't be understood has no digest. */
export interface LayoutEntry {
  readonly digest: Digest | undefined;
  readonly tag: string | undefined;
}

/** The tags of an image layout. */
export class LayoutIndex {
  readonly #place: IndexPlace;
  /** What was read last. */
  #known: { readonly index: IndexJson; readonly entries: LayoutEntries } | undefined;

  constructor(place: IndexPlace) {
    this.#place = place;
  }

  /** The same object as long as nothing has changed. */
  async entries(): Promise<LayoutEntries> {
    const index = (await this.#place.read()) ?? EMPTY_INDEX_JSON;
    if (this.#known?.index !== index) this.#known = { index, entries: entriesOf(index) };
    return this.#known.entries;
  }

  /**
   * Makes `tag` name `target`; entries of other tags and without a tag stay as they are.
   * @throws SpkociError TAG_MOVED if `from` is given and isn't what the tag names
   */
  async setTag(tag: string, target: Descriptor, from?: Digest | "nothing", op?: Op): Promise<void> {
    const entry = { ...target, annotations: { ...target.annotations, [REF_NAME]: tag } };
    await this.#place.change((index) => {
      const at = index.manifests.findIndex((other) => tagOf(other) === tag);
      const now = (index.manifests[at] as Descriptor | undefined)?.digest;
      if (from !== undefined && (now ?? "nothing") !== from) throw tagMoved(this.#place.path, tag);
      const rest = index.manifests.filter((other) => tagOf(other) !== tag);
      rest.splice(at < 0 ? rest.length : at, 0, entry);
      return { ...index, manifests: rest };
    }, op);
  }

  /** Lists a document without a tag, unless it is listed already. */
  async list(target: Descriptor, op?: Op): Promise<void> {
    await this.#place.change((index) => {
      const isListed = index.manifests.some((entry) => (entry as Descriptor | null)?.digest === target.digest);
      return isListed ? index : { ...index, manifests: [...index.manifests, target] };
    }, op);
  }

  /** Takes out the entry of a tag, or every entry of a digest. False if there was none. */
  async remove(reference: string, op?: Op): Promise<boolean> {
    let removed = false;
    await this.#place.change((index) => {
      const isMeant = (entry: unknown): boolean =>
        isDigest(reference) ? (entry as Descriptor | null)?.digest === reference : tagOf(entry) === reference;
      const rest = index.manifests.filter((entry) => !isMeant(entry));
      removed = rest.length < index.manifests.length;
      return removed ? { ...index, manifests: rest } : index;
    }, op);
    return removed;
  }

  /** Takes out the entries that `choose` finds among all, in one step. */
  async removeAll(choose: (entries: readonly LayoutEntry[]) => ReadonlySet<LayoutEntry>, op?: Op): Promise<void> {
    await this.#place.change((index) => {
      const entries = index.manifests.map((entry): LayoutEntry => {
        const parsed = descriptorSchema.safeParse(entry);
        return { digest: parsed.data?.digest, tag: tagOf(entry) };
      });
      const chosen = choose(entries);
      if (chosen.size === 0) return index;
      return { ...index, manifests: index.manifests.filter((_, at) => !chosen.has(entries[at] as LayoutEntry)) };
    }, op);
  }
}

function entriesOf(index: IndexJson): LayoutEntries {
  const all = index.manifests.flatMap((entry) => parseEntry(entry) ?? []);
  const byTag = new Map<string, Descriptor>();
  const byDigest = new Map<Digest, Descriptor>();
  for (const entry of all) {
    const tag = tagOf(entry);
    if (tag !== undefined && !byTag.has(tag)) byTag.set(tag, entry);
    if (!byDigest.has(entry.digest)) byDigest.set(entry.digest, entry);
  }
  return { all, byTag, byDigest };
}

/** Entries stay the same objects when others are added, so each is parsed once. */
const parsedEntries = new WeakMap<object, Descriptor>();

function parseEntry(entry: unknown): Descriptor | undefined {
  if (typeof entry !== "object" || entry === null) return undefined;
  const known = parsedEntries.get(entry);
  if (known !== undefined) return known;
  const { data } = descriptorSchema.safeParse(entry);
  if (data !== undefined) parsedEntries.set(entry, data);
  return data;
}

/** The tag of an index.json entry, if it has one. */
export function tagOf(entry: unknown): string | undefined {
  const name = (entry as { annotations?: Record<string, unknown> | null } | null)?.annotations?.[REF_NAME];
  return typeof name === "string" ? name : undefined;
}

export const EMPTY_INDEX_JSON: IndexJson = { schemaVersion: 2, mediaType: OCI_INDEX, manifests: [] };
