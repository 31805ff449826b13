import { mapConcurrently } from "../base/concurrency.js";
import type { Digest } from "../base/digest.js";
import { SpkociError } from "../base/errors.js";
import type { Op } from "../base/op.js";
import { StepProgress } from "../base/step-progress.js";
import { isBrokenImage } from "../catalog/broken-image.js";
import type { CacheSource } from "../catalog/cache-source.js";
import { readCachedSpec } from "../catalog/cached-spec.js";
import { packagesInIndex } from "../catalog/list-packages.js";
import { readIndex } from "../catalog/read-index.js";
import type { Descriptor } from "../oci/descriptor.js";
import type { Document } from "../oci/document.js";
import type { Manifest } from "../oci/manifest.js";
import { isIndexType } from "../oci/media-type.js";
import { readReferrer } from "../oci/referrer.js";
import type { ConcreteSpec } from "../spack/concrete-spec.js";
import { INDEX_TAG, isPackageTag, packageTag } from "../spack/tag.js";
import { childrenOf, type ImageRole, listOf, manifestOf, subjectIn, untaggedRole } from "./classify.js";

/** A blob by what is counted of it. */
export interface Content {
  readonly digest: Digest;
  /** Bytes. */
  readonly size: number;
}

/** A manifest or index of a cache, with all that decides whether it stays. */
export interface SurveyedImage extends Content {
  /** Every tag that names it. */
  readonly tags: readonly string[];
  readonly role: ImageRole;
  /** DAG hashes, for a package and for any other image of one; more than one where tags of several name it. */
  readonly hashes: readonly string[];
  readonly subject: Digest | undefined;
  /** Digests of the manifests that an index names. */
  readonly children: readonly Digest[];
  /** Config and layers. */
  readonly blobs: readonly Content[];
  readonly config: Descriptor | undefined;
}

/** What a cache holds, as far as tags and indexes lead to it. */
export interface Survey {
  readonly images: ReadonlyMap<Digest, SurveyedImage>;
  /** Every tag that was listed, with the digest that it named; undefined where that couldn't be read. */
  readonly tags: ReadonlyMap<string, Digest | undefined>;
  /** Nodes by DAG hash, of the packages and what they depend on. */
  readonly specs: ReadonlyMap<string, ConcreteSpec>;
  /** DAG hashes of the packages that the index says are in the cache. */
  readonly indexed: ReadonlySet<string>;
}

/** What is to be looked at. */
export interface SurveyOptions {
  readonly source: CacheSource;
  /** Documents that no tag names, as far as the place lists them. */
  readonly untagged: readonly Digest[];
  readonly jobs: number;
}

/** Looks at every tag of a cache. Packages whose tag the index knows aren't read further than their manifest. */
export async function surveyCache(options: SurveyOptions, op: Op): Promise<Survey> {
  op.emit?.({ type: "step", step: "survey", message: "Looking at the cache" });
  const { store } = options.source;
  // The index before the tags: a package that is pushed meanwhile is then missing from the index, not from the tags.
  const { index } = await readIndex(store, op);
  const listing = packagesInIndex(index, options.source, op);
  const tags: string[] = [];
  for await (const tag of store.tags(op)) tags.push(tag);
  const surveyor = new Surveyor(options, listing.known);
  await surveyor.readTags(tags, op);
  await surveyor.readUntagged(op);
  const indexed = new Set(listing.packages.map(({ hash }) => hash));
  return { ...surveyor.found(), indexed };
}

/**
 * Looks again: at tags that are new since `survey` was made, and at those of `watched` that name something else now. Only what is new or
 * moved is in the answer; its specs are all.
 */
export async function surveyNewcomers(
  options: SurveyOptions,
  survey: Survey,
  watched: readonly string[],
  op: Op,
): Promise<Survey> {
  op.emit?.({ type: "step", step: "look-again", message: "Looking for what changed meanwhile" });
  const { store } = options.source;
  const tags: string[] = [];
  for await (const tag of store.tags(op)) if (!survey.tags.has(tag)) tags.push(tag);
  await mapConcurrently(
    watched,
    options.jobs,
    async (tag, signal) => {
      const now = await store.resolve(tag, { ...op, signal });
      if (now !== undefined && now.digest !== survey.tags.get(tag)) tags.push(tag);
    },
    op.signal,
  );
  const surveyor = new Surveyor(options, survey.specs);
  await surveyor.readTags(tags, op);
  return { ...surveyor.found(), indexed: survey.indexed };
}

/** Adds what refers to `digests` in a registry, where no tag may name it. */
export async function withReferrers(
  options: SurveyOptions,
  survey: Survey,
  digests: readonly Digest[],
  op: Op,
): Promise<Survey> {
  const surveyor = new Surveyor(options, survey.specs, survey.images);
  await surveyor.readReferrers(digests, op);
  return { ...survey, images: surveyor.found().images };
}

/** Of several tags of one image, the one whose role comes last here decides. */
const RANKS: readonly ImageRole[] = ["part", "stale-index", "referrer", "unreadable", "other", "package", "index"];

class Surveyor {
  readonly #options: SurveyOptions;
  readonly #images: Map<Digest, SurveyedImage>;
  readonly #tags = new Map<string, Digest | undefined>();
  readonly #specs: Map<string, ConcreteSpec>;
  readonly #byTag = new Map<string, ConcreteSpec>();

  constructor(
    options: SurveyOptions,
    specs: ReadonlyMap<string, ConcreteSpec>,
    images: ReadonlyMap<Digest, SurveyedImage> = new Map(),
  ) {
    this.#options = options;
    this.#images = new Map(images);
    this.#specs = new Map(specs);
    for (const spec of specs.values()) this.#byTag.set(packageTag(spec), spec);
  }

  found(): Pick<Survey, "images" | "tags" | "specs"> {
    return { images: this.#images, tags: this.#tags, specs: this.#specs };
  }

  async readTags(tags: readonly string[], op: Op): Promise<void> {
    const progress = new StepProgress(op.emit, "survey", "tags", tags.length);
    await this.#each(tags, op, async (tag, inner) => {
      const document = await this.#readOrWarn(tag, inner);
      this.#tags.set(tag, document?.descriptor.digest);
      if (document !== undefined) await this.#addTagged(tag, document, inner);
      progress.add(1);
    });
    progress.end();
  }

  async readUntagged(op: Op): Promise<void> {
    await this.#each(this.#options.untagged, op, async (digest, inner) => {
      const document = this.#images.has(digest) ? undefined : await this.#readOrWarn(digest, inner);
      if (document === undefined) return;
      const subject = readReferrer(document)?.subject;
      const manifest = manifestOf(document, digest);
      const hash = subject === undefined ? await this.#hashOf(manifest, digest, inner) : undefined;
      const role = untaggedRole(manifest, subject, hash);
      await this.#add(document, { tags: [], role, hashes: listOf(hash), subject }, inner);
    });
  }

  async readReferrers(digests: readonly Digest[], op: Op): Promise<void> {
    const { store } = this.#options.source;
    await this.#each(digests, op, async (subject, inner) => {
      for (const { digest } of await store.referrers(subject, inner)) {
        const known = this.#images.get(digest);
        if (known !== undefined) {
          if (known.role === "part") this.#images.set(digest, { ...known, role: "referrer", subject });
          continue;
        }
        const document = await this.#readOrWarn(digest, inner);
        if (document !== undefined)
          await this.#add(document, { tags: [], role: "referrer", hashes: [], subject }, inner);
      }
    });
  }

  async #addTagged(tag: string, document: Document, op: Op): Promise<void> {
    const { digest } = document.descriptor;
    const what = await this.#identify(tag, document, op);
    const known = this.#images.get(digest);
    if (known === undefined) {
      await this.#add(document, { ...what, tags: [tag] }, op);
      return;
    }
    const role = RANKS.indexOf(what.role) > RANKS.indexOf(known.role) ? what.role : known.role;
    const hashes = [...new Set([...known.hashes, ...what.hashes])];
    this.#images.set(digest, { ...known, role, hashes, tags: [...known.tags, tag] });
  }

  async #identify(
    tag: string,
    document: Document,
    op: Op,
  ): Promise<Pick<SurveyedImage, "role" | "hashes" | "subject">> {
    if (tag === INDEX_TAG) return { role: "index", hashes: [], subject: undefined };
    const manifest = manifestOf(document, tag);
    if (isPackageTag(tag)) {
      const hash = this.#byTag.get(tag)?.hash ?? (await this.#hashOf(manifest, tag, op, true));
      return { role: hash === undefined ? "unreadable" : "package", hashes: listOf(hash), subject: undefined };
    }
    const subject = readReferrer(document)?.subject ?? subjectIn(tag);
    if (subject !== undefined) return { role: "referrer", hashes: [], subject };
    return { role: "other", hashes: listOf(await this.#hashOf(manifest, tag, op)), subject };
  }

  /** DAG hash of the package that an image is of; undefined for any other image. */
  async #hashOf(manifest: Manifest | undefined, what: string, op: Op, warns = false): Promise<string | undefined> {
    if (manifest === undefined) {
      if (warns) warn(what, "it is no image manifest", op);
      return undefined;
    }
    try {
      const { root, nodes } = await readCachedSpec(this.#options.source.store, manifest, what, op);
      for (const [hash, node] of nodes) if (!this.#specs.has(hash)) this.#specs.set(hash, node);
      return root.hash;
    } catch (error) {
      if (!isBrokenImage(error)) throw error;
      if (warns) warn(what, error.message, op);
      return undefined;
    }
  }

  async #add(
    document: Document,
    what: Pick<SurveyedImage, "tags" | "role" | "hashes" | "subject">,
    op: Op,
  ): Promise<void> {
    const { digest, size } = document.descriptor;
    const isIndex = isIndexType(document.descriptor.mediaType);
    const children = isIndex ? childrenOf(document) : [];
    const manifest = isIndex ? undefined : manifestOf(document, digest);
    const blobs = manifest === undefined ? [] : [manifest.config, ...manifest.layers];
    const contents = blobs.map((blob) => ({ digest: blob.digest, size: blob.size }));
    this.#images.set(digest, { digest, size, ...what, children, blobs: contents, config: manifest?.config });
    for (const child of children) {
      const read = this.#images.has(child) ? undefined : await this.#readOrWarn(child, op);
      if (read === undefined || this.#images.has(child)) continue;
      await this.#add(read, { tags: [], role: "part", hashes: [], subject: readReferrer(read)?.subject }, op);
    }
  }

  async #readOrWarn(reference: string, op: Op): Promise<Document | undefined> {
    try {
      return await this.#options.source.store.read(reference, op);
    } catch (error) {
      // What is no manifest at all breaks the protocol.
      const isOdd = error instanceof SpkociError && error.code === "REGISTRY_PROTOCOL";
      if (!isOdd && !isBrokenImage(error)) throw error;
      warn(reference, error.message, op);
      return undefined;
    }
  }

  async #each<T>(items: readonly T[], op: Op, task: (item: T, op: Op) => Promise<void>): Promise<void> {
    await mapConcurrently(items, this.#options.jobs, (item, signal) => task(item, { ...op, signal }), op.signal);
  }
}

function warn(what: string, why: string, op: Op): void {
  op.emit?.({ type: "warning", message: `left alone: ${what}: ${why}` });
}
