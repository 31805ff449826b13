import { type Document, digestOf, jsonDocument, OCI_MANIFEST } from "@spkoci/core";
import { expect } from "vitest";

/** What of the specification a registry has. */
export interface Abilities {
  /** The referrers API, and `OCI-Subject` in answers. */
  readonly referrers: boolean;
  readonly tagDeletes: boolean;
  /** Content-Range of a PATCH is looked at. */
  readonly contentRange: boolean;
  /** Tags are listed in order and in pages. */
  readonly tagPages: boolean;
  /** A Range beyond the end is answered 416. */
  readonly lateRange: boolean;
  /** The token of an upload's state must be that of the last Location. */
  readonly uploadState: boolean;
  /** A manifest of more than 4 MiB is answered 413. */
  readonly manifestLimit: boolean;
}

export interface Answer {
  readonly status: number;
  readonly bytes: Buffer;
  header(name: string): string | null;
}

/** A registry whose answers are held against the specification, by plain HTTP. */
export interface RulesScene {
  /** Without a slash at its end. */
  readonly url: string;
  /** The address of a repository of the test's own. */
  at(): string;
  send(method: string, url: string, headers?: Record<string, string>, body?: Uint8Array): Promise<Answer>;
  locationOf(answer: Answer): URL;
  /** Where an upload is ended. */
  closing(answer: Answer, digest: string): string;
  /** The codes of an answer's error list. */
  codesOf(answer: Answer): string[];
  /** Begins an upload. */
  begin(base: string): Promise<Answer>;
  readonly octets: Record<string, string>;
  /** Puts a blob by POST and PUT; gives its digest. */
  putBlob(base: string, bytes: Uint8Array): Promise<string>;
  /** Puts a small manifest with these members, and its config before, under a reference or else its digest. */
  putManifest(
    base: string,
    reference?: string,
    members?: object,
  ): Promise<{ readonly document: Document; readonly put: Answer }>;
}

let count = 0;

/** The scene of a registry that is started later. */
export function createScene(registry: () => { readonly url: string }): RulesScene {
  const octets = { "content-type": "application/octet-stream" };
  const scene: RulesScene = {
    get url() {
      return registry().url;
    },
    at: () => {
      count += 1;
      return `${scene.url}/v2/rules/r${count}`;
    },
    send: async (method, url, headers = {}, body) => {
      const init = { method, headers, redirect: "manual" as const, ...(body ? { body: Buffer.from(body) } : {}) };
      const response = await fetch(url, init);
      const bytes = Buffer.from(await response.arrayBuffer());
      return { status: response.status, header: (key: string) => response.headers.get(key), bytes };
    },
    locationOf: (answer) => new URL(answer.header("location") ?? expect.unreachable(), scene.url),
    closing: (answer, digest) => {
      const url = scene.locationOf(answer);
      url.searchParams.append("digest", digest);
      return url.href;
    },
    codesOf: (answer) =>
      (JSON.parse(answer.bytes.toString()) as { errors: { code: string }[] }).errors.map(({ code }) => code),
    begin: async (base) => {
      const begun = await scene.send("POST", `${base}/blobs/uploads/`);
      expect(begun.status).toBe(202);
      return begun;
    },
    octets,
    putBlob: async (base, bytes) => {
      const digest = digestOf(bytes);
      const put = await scene.send("PUT", scene.closing(await scene.begin(base), digest), octets, bytes);
      expect(put.status).toBe(201);
      return digest;
    },
    putManifest: async (base, reference, members = {}) => {
      const digest = await scene.putBlob(base, Buffer.from("{}"));
      const document = jsonDocument(OCI_MANIFEST, {
        schemaVersion: 2,
        mediaType: OCI_MANIFEST,
        config: { mediaType: "application/vnd.oci.empty.v1+json", digest, size: 2 },
        layers: [],
        ...members,
      });
      const target = `${base}/manifests/${reference ?? document.descriptor.digest}`;
      return { document, put: await scene.send("PUT", target, { "content-type": OCI_MANIFEST }, document.bytes) };
    },
  };
  return scene;
}
