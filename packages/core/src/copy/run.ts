import { createLimiter } from "../base/concurrency.js";
import { asSpkociError, SpkociError } from "../base/errors.js";
import type { Op } from "../base/op.js";
import { startStopwatch } from "../base/stopwatch.js";
import type { CachedSpec } from "../catalog/cached-spec.js";
import { formatImageAt } from "../location/parse-location.js";
import type { Descriptor } from "../oci/descriptor.js";
import type { Document } from "../oci/document.js";
import type { BlobSource } from "../oci/store.js";
import { labelOf } from "../spack/concrete-spec.js";
import { BlobSender, type OnBlobBytes } from "./blob-sender.js";
import { type CopyContext, jobsOf } from "./context.js";
import { readImageGraph } from "./image-graph.js";
import { ImageSender, type Sent } from "./image-sender.js";
import { type PackageItem, waitsOf } from "./plan.js";
import type { CopiedImage, CopiedPackage } from "./result.js";
import { checkPackage, surveyTag } from "./survey.js";

export interface ImagesCopied {
  readonly packages: readonly CopiedPackage[];
  readonly images: readonly CopiedImage[];
  /** Of packages that the target has now and its index didn't name, in the order of the packages. */
  readonly specs: readonly CachedSpec[];
}

/**
 * Copies the images, several packages at once: blobs, then the manifest under its tag once the packages that it needs have theirs.
 * Failures of single images are in the result.
 * @throws the reason of an abort of `op.signal`
 */
export async function copyImages(context: CopyContext, op: Op): Promise<ImagesCopied> {
  return new Copier(context, op).run();
}

type Done = Pick<CopiedImage, "outcome" | "digest">;

class Copier {
  readonly #context: CopyContext;
  readonly #op: Op;
  readonly #images: ImageSender;
  /** Settles when a package is done with, well or badly. */
  readonly #outcomes = new Map<PackageItem, Promise<CopiedPackage>>();
  /** Specs of packages that the target's index shall name. */
  readonly #specs = new Map<PackageItem, CachedSpec>();

  constructor(context: CopyContext, op: Op) {
    this.#context = context;
    this.#op = op;
    this.#images = new ImageSender(context, new BlobSender(context));
  }

  async run(): Promise<ImagesCopied> {
    const { options, packages, tags } = this.#context;
    const waits = waitsOf(packages);
    // Items begin in their order, so whatever one waits for is under way or done.
    const limit = createLimiter(jobsOf(options));
    for (const item of packages) {
      this.#outcomes.set(
        item,
        limit(() => this.#copyPackage(item, waits.get(item) ?? [])),
      );
    }
    const copied = await Promise.all(this.#outcomes.values());
    this.#op.signal?.throwIfAborted();
    const images: CopiedImage[] = [];
    for (const tag of tags) images.push(await this.#copyTag(tag));
    this.#op.signal?.throwIfAborted();
    return { packages: copied, images, specs: packages.flatMap((item) => this.#specs.get(item) ?? []) };
  }

  /** Never rejects. */
  async #copyPackage(item: PackageItem, needed: readonly PackageItem[]): Promise<CopiedPackage> {
    const { name, version, hash } = item.spec;
    const label = { hash, package: labelOf(item.spec) };
    const copied = await this.#copy(item.tag, label, (sent) => this.#sendPackage(item, needed, label, sent));
    return { name, version, hash, ...copied };
  }

  /** Never rejects. */
  async #copyTag(tag: string): Promise<CopiedImage> {
    const label = { hash: "", package: tag };
    return this.#copy(tag, label, async (sent) => {
      const { action, descriptor } = await surveyTag(this.#context, tag, this.#op);
      if (descriptor === undefined) throw notThere(this.#context, tag);
      if (action === "skip") return this.#skip(descriptor, sent);
      const document = await this.#read(descriptor, tag);
      return this.#send(document, tag, label, [], async () => {}, sent);
    });
  }

  async #copy(tag: string, label: Label, task: (sent: Sent) => Promise<Done>): Promise<CopiedImage> {
    const elapsed = startStopwatch();
    const sent: Sent = { bytes: 0, referrers: 0 };
    const image = formatImageAt(this.#context.target.location, tag);
    const result = (done: Done & Pick<CopiedImage, "error">): CopiedImage => {
      return { tag, image, ...done, bytesSent: sent.bytes, referrers: sent.referrers, durationMs: elapsed() };
    };
    try {
      this.#op.signal?.throwIfAborted();
      this.#op.emit?.({ type: "package-started", ...label });
      const done = result(await task(sent));
      const outcome = done.outcome === "copied" ? "copied" : "skipped";
      this.#op.emit?.({ type: "package-finished", ...label, outcome, durationMs: done.durationMs });
      return done;
    } catch (thrown) {
      const { code, message, hint } = asSpkociError(thrown);
      const error = { code, message, hint };
      if (!this.#op.signal?.aborted) {
        this.#op.emit?.({ type: "package-failed", ...label, code, message, ...(hint !== undefined && { hint }) });
      }
      return result({ outcome: "failed", error });
    }
  }

  async #sendPackage(item: PackageItem, needed: readonly PackageItem[], label: Label, sent: Sent): Promise<Done> {
    const { index } = this.#context;
    const { action, descriptor } = await surveyTag(this.#context, item.tag, this.#op);
    if (descriptor === undefined) return this.#miss(item);
    const isNamed = index === undefined || index.installs.get(item.spec.hash)?.inBuildcache === true;
    if (action === "skip" && isNamed) return this.#skip(descriptor, sent);
    const document = await this.#read(descriptor, item.tag);
    const { spec, config } = await checkPackage(this.#context, item, document, this.#op);
    const done =
      action === "skip"
        ? await this.#skip(descriptor, sent)
        : await this.#send(document, item.tag, label, [config], () => this.#waitFor(item, needed), sent);
    if (!isNamed) this.#specs.set(item, spec);
    return done;
  }

  async #send(
    document: Document,
    tag: string,
    label: Label,
    known: readonly BlobSource[],
    mayWrite: () => Promise<void>,
    sent: Sent,
  ): Promise<Done> {
    const graph = await readImageGraph(this.#context.source.store, document, this.#op);
    sent.bytes += await this.#images.sendBlobs(graph, known, this.#progressOf(label), this.#op);
    await mayWrite();
    await this.#images.write(graph, tag, sent, this.#op);
    return { outcome: "copied", digest: document.descriptor.digest };
  }

  /** What refers to an image may have come later than the image itself. */
  async #skip(descriptor: Descriptor, sent: Sent): Promise<Done> {
    await this.#images.attachReferrers([{ descriptor }], sent, this.#op);
    return { outcome: "skipped", digest: descriptor.digest };
  }

  #miss(item: PackageItem): Done {
    if (item.required) throw notThere(this.#context, item.tag);
    this.#op.emit?.({
      type: "warning",
      message: `${this.#context.source.imageAt(item.tag)} isn't there, although ${labelOf(item.spec)} is known to the source`,
      hint: "Push it to the source, or have its index written anew (spkoci update-index).",
    });
    return { outcome: "missing" };
  }

  async #waitFor(item: PackageItem, needed: readonly PackageItem[]): Promise<void> {
    for (const dependency of needed) {
      const outcome = (await this.#outcomes.get(dependency))?.outcome;
      if (outcome !== "failed") continue;
      this.#op.signal?.throwIfAborted();
      throw new SpkociError(
        "DEPENDENCY_FAILED",
        `${labelOf(item.spec)} needs ${labelOf(dependency.spec)}, which could not be copied`,
        { hint: `Mend ${labelOf(dependency.spec)} and copy again.` },
      );
    }
  }

  /** By digest: the tag may be moved meanwhile. */
  async #read({ digest }: Descriptor, tag: string): Promise<Document> {
    const document = await this.#context.source.store.read(digest, this.#op);
    if (document === undefined) throw notThere(this.#context, tag);
    return document;
  }

  #progressOf(label: Label): OnBlobBytes {
    const { emit } = this.#op;
    if (!emit) return () => {};
    const blobs = new Map<Descriptor, number>();
    let last = Number.NEGATIVE_INFINITY;
    return (blob, sent) => {
      blobs.set(blob, sent);
      const now = performance.now();
      let [bytes, total] = [0, 0];
      for (const [{ size }, part] of blobs) {
        bytes += part;
        total += size;
      }
      if (now - last < EVERY_MS && bytes < total) return;
      last = now;
      emit({ type: "package-progress", ...label, stage: "upload", bytes, total });
    };
  }
}

const EVERY_MS = 100;

/** What events say of an image. */
interface Label {
  readonly hash: string;
  readonly package: string;
}

function notThere({ source }: CopyContext, tag: string): SpkociError {
  return new SpkociError("IMAGE_NOT_FOUND", `${source.imageAt(tag)} isn't there`, {
    hint: "Check the name. `spkoci update-index` mends an index that names what isn't there.",
  });
}
