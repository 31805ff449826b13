import type { Op } from "../base/op.js";
import { isTag } from "../oci/reference.js";
import { resolveLocation } from "./endpoint.js";
import { parseNextLink } from "./link.js";
import { protocolError, type RequestLabel } from "./registry-error.js";
import type { RemoteRepository } from "./remote-repository.js";
import { discard } from "./transport.js";

/** The most that ECR takes. */
const PAGE_SIZE = 1000;
const PAGE_LIMIT = 16 * 1024 * 1024;
const MAX_PAGES = 100_000;

/** Every tag of a repository, page by page (distribution-spec, Listing tags); none if there is no such repository. */
export async function* listTags(remote: RemoteRepository, op?: Op): AsyncGenerator<string> {
  const step = `listing the tags of ${remote.name}`;
  const visited = new Set<string>();
  let target: string | URL = `tags/list?n=${PAGE_SIZE}`;
  for (;;) {
    const page = await fetchPage(remote, step, target, op);
    if (page === undefined) return;
    visited.add(page.url.href);
    yield* page.tags;
    if (page.next === undefined) return;
    const next = resolveLocation(page.next, page.url);
    if (!next || visited.has(next.href) || visited.size >= MAX_PAGES) {
      throw protocolError({ step, method: "GET", url: page.url }, "the pages of the list lead nowhere or in a circle");
    }
    target = next;
  }
}

interface Page {
  readonly tags: readonly string[];
  readonly url: URL;
  /** The next page as its Link names it. */
  readonly next: string | undefined;
}

/** Undefined if there is no such repository. */
async function fetchPage(
  remote: RemoteRepository,
  step: string,
  target: string | URL,
  op: Op | undefined,
): Promise<Page | undefined> {
  return remote.client.retrying(
    step,
    async () => {
      const response = await remote.send({ step, method: "GET", target, expect: [200, 404] }, op);
      if (response.status === 404) {
        discard(response);
        return undefined;
      }
      const { url } = response;
      const bytes = await response.collect(PAGE_LIMIT, `the list of tags of ${remote.name}`);
      const tags = parseTags(bytes, { step, method: "GET", url });
      return { tags, url, next: parseNextLink(response.header("link") ?? "") };
    },
    op,
  );
}

function parseTags(page: Buffer, label: RequestLabel): string[] {
  let body: unknown;
  try {
    body = JSON.parse(page.toString("utf8"));
  } catch {
    throw protocolError(label, "the list is not JSON");
  }
  const tags = typeof body === "object" && body !== null ? (body as { readonly tags?: unknown }).tags : undefined;
  return Array.isArray(tags) ? tags.filter((tag): tag is string => typeof tag === "string" && isTag(tag)) : [];
}
