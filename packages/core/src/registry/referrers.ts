import { createLimiter, Flights, type Limiter } from "../base/concurrency.js";
import { algorithmOf, type Digest, hexOf } from "../base/digest.js";
import { SpkociError } from "../base/errors.js";
import type { Op } from "../base/op.js";
import { type RetryPolicy, withRetry } from "../base/retry.js";
import type { Descriptor } from "../oci/descriptor.js";
import { documentOf, jsonDocument } from "../oci/document.js";
import { type ImageIndex, parseImageIndex } from "../oci/manifest.js";
import { isIndexType, OCI_INDEX } from "../oci/media-type.js";
import type { Referrer } from "../oci/referrer.js";
import { MANIFEST_LIMIT } from "../oci/store.js";
import { tagMoved } from "../oci/tag-moved.js";
import { resolveLocation } from "./endpoint.js";
import { parseNextLink } from "./link.js";
import { readManifest, resolveManifest, writeManifest } from "./manifests.js";
import { protocolError, RegistryError, unknownBlobsOf } from "./registry-error.js";
import type { RemoteRepository } from "./remote-repository.js";
import { discard, type HttpResponse } from "./transport.js";

const MAX_PAGES = 1000;
const PATIENCE: RetryPolicy = { attempts: 10, baseMs: 100, maxMs: 3_000 };
/** How registries say that they have no such API. */
const NO_API: ReadonlySet<number | undefined> = new Set([400, 404, 405, 406, 501]);

/** The tag that lists referrers where the registry has no API for them (distribution-spec, Referrers Tag Schema). */
export function referrersTag(digest: Digest): string {
  return `${algorithmOf(digest)}-${hexOf(digest).slice(0, 64)}`;
}

/** What refers to the manifests of a repository: by the registry's API, or else by an index under a tag that clients keep. */
export class RemoteReferrers {
  readonly #remote: RemoteRepository;
  readonly #api = new Flights<"api", boolean>();
  /** One change at a time of each tag. */
  readonly #queues = new Map<Digest, Limiter>();

  constructor(remote: RemoteRepository) {
    this.#remote = remote;
  }

  /**
   * Whether the registry lists referrers itself. It is asked once; what it says when manifests are put is no proof (sigstore-js #1183).
   * Where the repository doesn't exist yet, it may, and is asked again the next time.
   */
  async hasApi(digest: Digest, op?: Op): Promise<boolean> {
    const ask = async (): Promise<boolean> => (await this.#fetchPage(digest, `referrers/${digest}`, op)) !== undefined;
    try {
      return await this.#api.run("api", ask, op?.signal);
    } catch (error) {
      if (isUnknownRepository(error)) return true;
      throw error;
    }
  }

  /** What refers to a digest (distribution-spec, Listing referrers). */
  async list(digest: Digest, op?: Op): Promise<readonly Descriptor[]> {
    try {
      if (await this.hasApi(digest, op)) return await this.#listByApi(digest, op);
    } catch (error) {
      if (isUnknownRepository(error)) return [];
      throw error;
    }
    const { index } = await this.#readTag(digest, op);
    return index?.manifests ?? [];
  }

  /** Names a referrer under its subject's tag, if the registry doesn't list it itself (Pushing manifests with subject). */
  async add({ subject, descriptor }: Referrer, op?: Op): Promise<void> {
    await this.#change(
      subject,
      (index) => {
        if (index?.manifests.some(({ digest }) => digest === descriptor.digest)) return undefined;
        return [...(index?.manifests ?? []), descriptor];
      },
      op,
    );
  }

  /** Forgets a referrer that was deleted (Deleting manifests). */
  async remove({ subject, descriptor }: Referrer, op?: Op): Promise<void> {
    await this.#change(
      subject,
      (index) => {
        const rest = index?.manifests.filter(({ digest }) => digest !== descriptor.digest);
        return rest?.length === index?.manifests.length ? undefined : rest;
      },
      op,
    );
  }

  async #listByApi(digest: Digest, op: Op | undefined): Promise<Descriptor[]> {
    const found: Descriptor[] = [];
    const visited = new Set<string>();
    let target: string | URL = `referrers/${digest}`;
    for (;;) {
      const page = await this.#fetchPage(digest, target, op);
      if (page === undefined) return found;
      for (const one of page.manifests) found.push(one);
      visited.add(page.url.href);
      if (page.next === undefined) return found;
      const next = resolveLocation(page.next, page.url);
      if (!next || visited.has(next.href) || visited.size >= MAX_PAGES) {
        const label = { step: this.#stepFor(digest), method: "GET", url: page.url };
        throw protocolError(label, "the pages of the list lead nowhere or in a circle");
      }
      target = next;
    }
  }

  /** A page of the API's list; undefined if what answers is no such API. */
  async #fetchPage(digest: Digest, target: string | URL, op: Op | undefined): Promise<Page | undefined> {
    const step = this.#stepFor(digest);
    const headers = { accept: OCI_INDEX };
    return this.#remote.client.retrying(
      step,
      async () => {
        let response: HttpResponse;
        try {
          response = await this.#remote.send({ step, method: "GET", target, headers, expect: [200] }, op);
        } catch (error) {
          if (!(error instanceof RegistryError) || !NO_API.has(error.status) || isUnknownRepository(error)) throw error;
          return undefined;
        }
        if (!(response.header("content-type") ?? "").toLowerCase().startsWith(OCI_INDEX)) {
          discard(response);
          return undefined;
        }
        const bytes = await response.collect(MANIFEST_LIMIT, step);
        const { manifests } = parseImageIndex(documentOf(OCI_INDEX, bytes), `the list of referrers of ${digest}`);
        return { manifests, url: response.url, next: parseNextLink(response.header("link") ?? "") };
      },
      op,
    );
  }

  /** The index under a subject's tag. GitLab reads such a tag as the digest itself, and answers with the subject (oras-go #1396). */
  async #readTag(subject: Digest, op: Op | undefined): Promise<TagIndex> {
    const tag = referrersTag(subject);
    const document = await readManifest(this.#remote, tag, op);
    const digest = document?.descriptor.digest;
    if (document === undefined || digest === subject) return { digest, index: undefined };
    if (!isIndexType(document.descriptor.mediaType)) {
      throw new SpkociError("DOCUMENT_INVALID", `${this.#remote.name}:${tag} is no index of referrers`, {
        hint: "That tag is for what refers to a manifest; move the image that has it to another tag.",
      });
    }
    return { digest, index: parseImageIndex(document, `${this.#remote.name}:${tag}`) };
  }

  /** `edit` gives the entries that the index shall have, undefined to leave it alone. */
  async #change(
    subject: Digest,
    edit: (index: ImageIndex | undefined) => readonly Descriptor[] | undefined,
    op: Op | undefined,
  ): Promise<void> {
    const queue = this.#queues.get(subject) ?? createLimiter(1);
    this.#queues.set(subject, queue);
    const tag = referrersTag(subject);
    const attempt = async (): Promise<void> => {
      const { digest, index } = await this.#readTag(subject, op);
      const manifests = edit(index);
      if (manifests === undefined) return;
      const written = await this.#writeTag(tag, digest, index, manifests, op);
      const now = await resolveManifest(this.#remote, tag, op);
      if (now?.digest !== written) throw tagMoved(this.#remote.name, tag);
    };
    await queue(() => withRetry(`the tag ${tag} of ${this.#remote.name}`, attempt, retryMoved, PATIENCE, op));
  }

  /** Entries of manifests that somebody deleted are left out where the registry refuses to name them. */
  async #writeTag(
    tag: string,
    before: Digest | undefined,
    index: ImageIndex | undefined,
    manifests: readonly Descriptor[],
    op: Op | undefined,
  ): Promise<Digest> {
    const mediaType = index?.mediaType ?? OCI_INDEX;
    const members = { schemaVersion: 2, ...index, mediaType, manifests: manifests.map(plain) };
    const document = jsonDocument(mediaType, members);
    try {
      await writeManifest(this.#remote, document, { tag, from: before ?? "nothing" }, op);
    } catch (error) {
      const gone = new Set(unknownBlobsOf(error));
      const rest = manifests.filter(({ digest }) => !gone.has(digest));
      if (rest.length === manifests.length) throw error;
      return this.#writeTag(tag, before, index, rest, op);
    }
    return document.descriptor.digest;
  }

  #stepFor(digest: Digest): string {
    return `listing the referrers of ${digest} in ${this.#remote.name}`;
  }
}

interface Page {
  readonly manifests: readonly Descriptor[];
  readonly url: URL;
  /** The next page as its Link names it. */
  readonly next: string | undefined;
}

interface TagIndex {
  /** What the tag names, index or not. */
  readonly digest: Digest | undefined;
  readonly index: ImageIndex | undefined;
}

/** Nothing is there yet, which tells nothing of the API. */
function isUnknownRepository(error: unknown): boolean {
  return error instanceof RegistryError && error.errors.some(({ code }) => code === "NAME_UNKNOWN");
}

function retryMoved(error: unknown): { readonly retry: false } | { readonly retry: true; readonly reason: string } {
  const isMoved = error instanceof SpkociError && error.code === "TAG_MOVED";
  return isMoved ? { retry: true, reason: "another writer changed it" } : { retry: false };
}

/** A descriptor as JSON, with members that spkoci doesn't know. */
function plain(descriptor: Descriptor): Record<string, never> {
  return { ...descriptor } as unknown as Record<string, never>;
}
