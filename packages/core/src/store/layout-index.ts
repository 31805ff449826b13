import { readFile } from "node:fs/promises";
import { join } from "node:path";
import * as z from "zod";
import { writeFileAtomically } from "../base/atomic-file.js";
import { createLimiter } from "../base/concurrency.js";
import { asStorageError, SpkociError, systemCodeOf } from "../base/errors.js";
import { withFileLock } from "../base/file-lock.js";
import { parseJson } from "../base/json.js";
import type { Op } from "../base/op.js";
import { type Descriptor, descriptorSchema } from "../oci/descriptor.js";
import { OCI_INDEX } from "../oci/media-type.js";

/** The annotation of an index.json entry that is its tag (image-spec, image-layout.md). */
const REF_NAME = "org.opencontainers.image.ref.name";

/** Members of entries and of the whole that are not known here are kept. */
const layoutIndexSchema = z.looseObject({
  schemaVersion: z.literal(2),
  manifests: z.array(z.unknown()),
});

type IndexJson = z.infer<typeof layoutIndexSchema>;

/** The tags of an image layout: its `index.json`, which several processes may change at the same time. */
export class LayoutIndex {
  readonly path: string;
  // Callers of this process queue here, so that they don't contend for the file.
  readonly #queue = createLimiter(1);

  constructor(folder: string) {
    this.path = join(folder, "index.json");
  }

  /** Writes an empty index unless there is one. */
  async create(op?: Op): Promise<void> {
    if ((await this.#read()) === undefined) await this.#change((index) => index, op);
  }

  /** Entries that can be understood; others are passed over. */
  async entries(): Promise<Descriptor[]> {
    const index = await this.#read();
    return (index ?? EMPTY).manifests.flatMap((entry) => {
      const parsed = descriptorSchema.safeParse(entry);
      return parsed.success ? [parsed.data] : [];
    });
  }

  /** Makes `tag` name `target`; entries of other tags and without a tag stay as they are. */
  async setTag(tag: string, target: Descriptor, op?: Op): Promise<void> {
    const entry = { ...target, annotations: { ...target.annotations, [REF_NAME]: tag } };
    await this.#change((index) => {
      const at = index.manifests.findIndex((other) => tagOf(other) === tag);
      const rest = index.manifests.filter((other) => tagOf(other) !== tag);
      rest.splice(at < 0 ? rest.length : at, 0, entry);
      return { ...index, manifests: rest };
    }, op);
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

/** The tag of an index.json entry, if it has one. */
export function tagOf(entry: unknown): string | undefined {
  const name = (entry as { annotations?: Record<string, unknown> | null } | null)?.annotations?.[REF_NAME];
  return typeof name === "string" ? name : undefined;
}

const EMPTY: IndexJson = { schemaVersion: 2, mediaType: OCI_INDEX, manifests: [] };
