import { mapConcurrently } from "../base/concurrency.js";
import type { Digest } from "../base/digest.js";
import type { Op } from "../base/op.js";
import type { Descriptor } from "../oci/descriptor.js";
import type { Document } from "../oci/document.js";
import { readReferrer } from "../oci/referrer.js";
import type { BlobSource, Store } from "../oci/store.js";
import { unknownBlobsOf } from "../registry/registry-error.js";
import type { BlobSender, OnBlobBytes } from "./blob-sender.js";
import { type CopyContext, jobsOf } from "./context.js";
import { type ImageGraph, readImageGraph } from "./image-graph.js";

/** How far what refers to a referrer, and so on, is followed. */
const DEPTH_LIMIT = 8;
/** Referrers of one manifest. */
const REFERRERS_LIMIT = 1000;

/** What was sent for an image. */
export interface Sent {
  /** Bytes of blobs. */
  bytes: number;
  /** Referrers that the target lacked. */
  referrers: number;
}

/** Brings whole images to the target, so that no tag there ever names something incomplete. */
export class ImageSender {
  readonly #source: Store;
  readonly #target: Store;
  readonly #blobs: BlobSender;
  readonly #jobs: number;
  /** Manifests whose referrers are copied. */
  readonly #attended = new Set<Digest>();

  constructor({ source, target, options }: CopyContext, blobs: BlobSender) {
    this.#source = source.store;
    this.#target = target.store;
    this.#blobs = blobs;
    this.#jobs = jobsOf(options);
  }

  /** Brings the blobs of an image; `known` holds those whose bytes are at hand. */
  async sendBlobs(graph: ImageGraph, known: readonly BlobSource[], onBytes: OnBlobBytes, op: Op): Promise<number> {
    const atHand = new Map(known.map((source) => [source.descriptor.digest, source]));
    const sent = await mapConcurrently(
      graph.blobs,
      this.#jobs,
      (blob, signal) => this.#blobs.send(blob, atHand.get(blob.digest), onBytes, { ...op, signal }),
      op.signal,
    );
    return sent.reduce((sum, bytes) => sum + bytes, 0);
  }

  /** Writes an image whose blobs are there: manifests before the indexes that name them, then what refers to it, its tag last. */
  async write(graph: ImageGraph, tag: string, sent: Sent, op: Op): Promise<void> {
    const root = graph.documents.at(-1) as Document;
    for (const document of graph.documents.slice(0, -1)) await this.#writeDocument(document, graph, undefined, op);
    const referred = await this.#referred(graph.documents, op);
    if (referred.length > 0) {
      await this.#writeDocument(root, graph, undefined, op);
      await this.#attachAll(referred, 0, sent, op);
    }
    await this.#writeDocument(root, graph, tag, op);
  }

  /** Copies what refers to an image that the target has. */
  async attachReferrers(documents: readonly { readonly descriptor: Descriptor }[], sent: Sent, op: Op): Promise<void> {
    await this.#attachAll(await this.#referred(documents, op), 0, sent, op);
  }

  /** Those of the documents that something refers to, with it. */
  async #referred(documents: readonly { readonly descriptor: Descriptor }[], op: Op): Promise<Referred[]> {
    const referred: Referred[] = [];
    for (const { descriptor } of documents) {
      if (this.#attended.has(descriptor.digest)) continue;
      this.#attended.add(descriptor.digest);
      const referrers = await this.#source.referrers(descriptor.digest, op);
      if (referrers.length > 0) referred.push({ subject: descriptor.digest, referrers });
    }
    return referred;
  }

  async #attachAll(referred: readonly Referred[], depth: number, sent: Sent, op: Op): Promise<void> {
    for (const { subject, referrers } of referred) {
      const there = new Set((await this.#target.referrers(subject, op)).map(({ digest }) => digest));
      if (referrers.length > REFERRERS_LIMIT) warn(subject, `only ${REFERRERS_LIMIT} of its referrers are copied`, op);
      for (const { digest } of referrers.slice(0, REFERRERS_LIMIT)) {
        const document = await this.#source.read(digest, op);
        if (document === undefined || readReferrer(document)?.subject !== subject) {
          warn(subject, `its list of referrers names ${digest}, which is none`, op);
          continue;
        }
        if (!there.has(digest)) await this.#attach(document, sent, op);
        if (depth >= DEPTH_LIMIT) warn(subject, `what refers to ${digest} is not copied`, op);
        else await this.#attachAll(await this.#referred([document], op), depth + 1, sent, op);
      }
    }
  }

  async #attach(document: Document, sent: Sent, op: Op): Promise<void> {
    const graph = await readImageGraph(this.#source, document, op);
    sent.bytes += await this.sendBlobs(graph, [], () => {}, op);
    for (const each of graph.documents) await this.#writeDocument(each, graph, undefined, op);
    sent.referrers += 1;
  }

  /** A registry that has lost blobs since they were looked for gets them once more. */
  async #writeDocument(document: Document, graph: ImageGraph, tag: string | undefined, op: Op): Promise<void> {
    const options = tag === undefined ? {} : { tag };
    try {
      await this.#target.write(document, options, op);
    } catch (error) {
      const lost = unknownBlobsOf(error);
      if (lost === undefined) throw error;
      for (const { digest } of graph.blobs) if (lost.length === 0 || lost.includes(digest)) this.#blobs.forget(digest);
      await this.sendBlobs(graph, [], () => {}, op);
      await this.#target.write(document, options, op);
    }
  }
}

interface Referred {
  readonly subject: Digest;
  readonly referrers: readonly Descriptor[];
}

function warn(subject: Digest, what: string, op: Op): void {
  op.emit?.({ type: "warning", message: `${subject}: ${what}` });
}
