import { digestOf, jsonDocument, OCI_INDEX, OCI_MANIFEST } from "@spkoci/core";
import { requireTool, seededBytes, startDockerRegistry, startFakeRegistry } from "@spkoci/testkit";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

/** A registry whose answers are held against the rules of the distribution-spec. */
interface Subject {
  readonly url: string;
  close(): Promise<void>;
}

interface Abilities {
  readonly referrers: boolean;
  readonly tagDeletes: boolean;
  /** Content-Range of a PATCH is looked at. docker-registry 2.8 appends whatever comes. */
  readonly contentRange: boolean;
  /** Tags are listed in order and in pages. docker-registry 2.8 gives all of them as they come from the disk. */
  readonly tagPages: boolean;
  /** A Range beyond the end is answered whole. docker-registry 2.8 sends less than the Content-Length it promises. */
  readonly lateRange: boolean;
}

const ALL: Abilities = { referrers: true, tagDeletes: true, contentRange: true, tagPages: true, lateRange: true };
const OF_DOCKER_REGISTRY: Abilities = {
  referrers: false,
  tagDeletes: false,
  contentRange: false,
  tagPages: false,
  lateRange: false,
};

let count = 0;

/** What the distribution-spec says of a registry (its folder `conformance` asks the same), by plain HTTP. */
function describeRules(name: string, start: () => Promise<Subject>, abilities: Abilities): void {
  describe(`checklist 70: ${name}`, () => {
    let registry: Subject;
    /** A repository of the test's own. */
    const at = (): string => {
      count += 1;
      return `${registry.url}/v2/rules/r${count}`;
    };
    beforeAll(async () => {
      registry = await start();
    });
    afterAll(() => registry?.close());

    async function send(method: string, url: string, headers: Record<string, string> = {}, body?: Uint8Array) {
      const init = { method, headers, redirect: "manual" as const, ...(body ? { body: Buffer.from(body) } : {}) };
      const response = await fetch(url, init);
      const bytes = Buffer.from(await response.arrayBuffer());
      return { status: response.status, header: (key: string) => response.headers.get(key), bytes };
    }
    type Answer = Awaited<ReturnType<typeof send>>;

    const locationOf = (answer: Answer): URL =>
      new URL(answer.header("location") ?? expect.unreachable(), registry.url);
    const closing = (answer: Answer, digest: string): string => {
      const url = locationOf(answer);
      url.searchParams.append("digest", digest);
      return url.href;
    };
    const codesOf = (answer: Answer): string[] =>
      (JSON.parse(answer.bytes.toString()) as { errors: { code: string }[] }).errors.map(({ code }) => code);
    const begin = async (base: string): Promise<Answer> => {
      const begun = await send("POST", `${base}/blobs/uploads/`);
      expect(begun.status).toBe(202);
      return begun;
    };
    const octets = { "content-type": "application/octet-stream" };
    async function putBlob(base: string, bytes: Uint8Array): Promise<string> {
      const digest = digestOf(bytes);
      const put = await send("PUT", closing(await begin(base), digest), octets, bytes);
      expect(put.status).toBe(201);
      return digest;
    }
    async function putManifest(base: string, reference: string | undefined, more: object = {}) {
      const config = Buffer.from("{}");
      const document = jsonDocument(OCI_MANIFEST, {
        schemaVersion: 2,
        mediaType: OCI_MANIFEST,
        config: { mediaType: "application/vnd.oci.empty.v1+json", digest: await putBlob(base, config), size: 2 },
        layers: [],
        ...more,
      });
      const target = `${base}/manifests/${reference ?? document.descriptor.digest}`;
      return { document, put: await send("PUT", target, { "content-type": OCI_MANIFEST }, document.bytes) };
    }

    it("answers at /v2/", async () => {
      expect((await send("GET", `${registry.url}/v2/`)).status).toBe(200);
    });

    describe("pull", () => {
      it("gives a manifest by tag and by digest, with type, digest and length, to GET and HEAD", async () => {
        const base = at();
        const { document } = await putManifest(base, "v1");
        for (const reference of ["v1", document.descriptor.digest]) {
          const got = await send("GET", `${base}/manifests/${reference}`, { accept: OCI_MANIFEST });
          const head = await send("HEAD", `${base}/manifests/${reference}`, { accept: OCI_MANIFEST });
          expect(got.bytes.equals(document.bytes)).toBe(true);
          expect(head.bytes).toHaveLength(0);
          for (const answer of [got, head]) {
            expect(answer.status).toBe(200);
            expect(answer.header("content-type")).toBe(OCI_MANIFEST);
            expect(answer.header("docker-content-digest")).toBe(document.descriptor.digest);
            expect(answer.header("content-length")).toBe(String(document.bytes.length));
          }
        }
      });

      it("answers 404 with a code for what it doesn't have", async () => {
        const base = at();
        await putManifest(base, "v1");
        const unknown = digestOf("unknown");
        for (const path of ["manifests/v2", `manifests/${unknown}`, `blobs/${unknown}`]) {
          const answer = await send("GET", `${base}/${path}`);
          expect(answer.status).toBe(404);
          expect(codesOf(answer)[0]).toMatch(/^(?:MANIFEST|BLOB)_UNKNOWN$/);
          expect((await send("HEAD", `${base}/${path}`)).status).toBe(404);
        }
      });

      it("gives blobs whole and in parts", async () => {
        const base = at();
        const bytes = seededBytes("pull", 1000);
        const blob = `${base}/blobs/${await putBlob(base, bytes)}`;
        expect((await send("GET", blob)).bytes.equals(bytes)).toBe(true);
        expect((await send("HEAD", blob)).header("content-length")).toBe("1000");
        const part = await send("GET", blob, { range: "bytes=900-" });
        expect([part.status, part.header("content-range")]).toEqual([206, "bytes 900-999/1000"]);
        expect(part.bytes.equals(bytes.subarray(900))).toBe(true);
      });

      it.runIf(abilities.lateRange)("answers 416 to a part beyond the end", async () => {
        const base = at();
        const blob = `${base}/blobs/${await putBlob(base, seededBytes("pull", 1000))}`;
        const late = await send("GET", blob, { range: "bytes=5000-" });
        expect([late.status, late.header("content-range")]).toEqual([416, "bytes */1000"]);
      });
    });

    describe("push of blobs", () => {
      it("ends a POST and PUT with 201 and a Location that has the blob", async () => {
        const base = at();
        const bytes = seededBytes("monolithic", 500);
        const put = await send("PUT", closing(await begin(base), digestOf(bytes)), octets, bytes);
        expect(put.status).toBe(201);
        expect((await send("GET", locationOf(put).href)).bytes.equals(bytes)).toBe(true);
      });

      it("checklist 27: ends a POST with the digest and the content, or begins an upload for it", async () => {
        const base = at();
        const bytes = seededBytes("single", 500);
        const digest = digestOf(bytes);
        const posted = await send("POST", `${base}/blobs/uploads/?digest=${digest}`, octets, bytes);
        expect([201, 202]).toContain(posted.status);
        if (posted.status === 202) {
          expect((await send("PUT", closing(posted, digest), octets, bytes)).status).toBe(201);
        }
        expect((await send("HEAD", `${base}/blobs/${digest}`)).status).toBe(200);
      });

      it("takes chunks in order, each at the Location of the answer before, and tells how far it is", async () => {
        const base = at();
        const bytes = seededBytes("chunks", 300);
        const first = await send(
          "PATCH",
          locationOf(await begin(base)).href,
          { ...octets, "content-range": "0-99" },
          bytes.subarray(0, 100),
        );
        expect([first.status, first.header("range")]).toEqual([202, "0-99"]);
        const progress = await send("GET", locationOf(first).href);
        expect([progress.status, progress.header("range")]).toEqual([204, "0-99"]);
        const headers = { ...octets, "content-range": "100-299" };
        const second = await send("PATCH", locationOf(progress).href, headers, bytes.subarray(100));
        expect([second.status, second.header("range")]).toEqual([202, "0-299"]);
        expect((await send("PUT", closing(second, digestOf(bytes)))).status).toBe(201);
        expect((await send("GET", `${base}/blobs/${digestOf(bytes)}`)).bytes.equals(bytes)).toBe(true);
      });

      it("takes the last chunk with the PUT", async () => {
        const base = at();
        const bytes = seededBytes("last chunk", 300);
        const headers = { ...octets, "content-range": "0-99" };
        const first = await send("PATCH", locationOf(await begin(base)).href, headers, bytes.subarray(0, 100));
        const last = { ...octets, "content-range": "100-299" };
        expect((await send("PUT", closing(first, digestOf(bytes)), last, bytes.subarray(100))).status).toBe(201);
      });

      it.runIf(abilities.contentRange)(
        "answers 416 to a chunk out of order, and goes on from where it is",
        async () => {
          const base = at();
          const bytes = seededBytes("out of order", 200);
          const headers = { ...octets, "content-range": "0-99" };
          const first = await send("PATCH", locationOf(await begin(base)).href, headers, bytes.subarray(0, 100));
          const again = await send("PATCH", locationOf(first).href, headers, bytes.subarray(0, 100));
          expect(again.status).toBe(416);
          const progress = await send("GET", locationOf(first).href);
          expect(progress.header("range")).toBe("0-99");
        },
      );

      it("refuses content with another digest and keeps nothing", async () => {
        const base = at();
        const other = digestOf("other");
        const put = await send("PUT", closing(await begin(base), other), octets, Buffer.from("content"));
        expect([put.status, codesOf(put)]).toEqual([400, ["DIGEST_INVALID"]]);
        expect((await send("HEAD", `${base}/blobs/${other}`)).status).toBe(404);
        expect((await send("HEAD", `${base}/blobs/${digestOf("content")}`)).status).toBe(404);
      });

      it("takes a blob without bytes, and one that is there already", async () => {
        const base = at();
        for (const bytes of [Buffer.alloc(0), Buffer.from("twice"), Buffer.from("twice")]) {
          const digest = await putBlob(base, bytes);
          expect((await send("HEAD", `${base}/blobs/${digest}`)).header("content-length")).toBe(String(bytes.length));
        }
      });

      it("forgets an upload that is given up", async () => {
        const location = locationOf(await begin(at())).href;
        expect((await send("DELETE", location)).status).toBe(204);
        const gone = await send("GET", location);
        expect([gone.status, codesOf(gone)]).toEqual([404, ["BLOB_UPLOAD_UNKNOWN"]]);
      });

      it("mounts what another repository has, and begins an upload for what it hasn't", async () => {
        const [from, to] = [at(), at()];
        const digest = await putBlob(from, Buffer.from("mounted"));
        const name = from.split("/v2/")[1] ?? "";
        const mount = (what: string) => send("POST", `${to}/blobs/uploads/?mount=${what}&from=${name}`);
        expect((await mount(digest)).status).toBe(201);
        expect((await send("GET", `${to}/blobs/${digest}`)).bytes.toString()).toBe("mounted");
        const begun = await mount(digestOf("nowhere"));
        expect(begun.status).toBe(202);
        expect((await send("PUT", closing(begun, digestOf("nowhere")), octets, Buffer.from("nowhere"))).status).toBe(
          201,
        );
      });
    });

    describe("push of manifests", () => {
      it("takes one by tag and by digest, with 201 and a Location", async () => {
        const base = at();
        for (const reference of ["v1", undefined]) {
          const { document, put } = await putManifest(base, reference);
          expect(put.status).toBe(201);
          expect(put.header("docker-content-digest")).toBe(document.descriptor.digest);
          expect((await send("GET", locationOf(put).href, { accept: OCI_MANIFEST })).bytes.equals(document.bytes)).toBe(
            true,
          );
        }
      });

      it("moves a tag, and keeps what it named", async () => {
        const base = at();
        const [old, young] = [
          await putManifest(base, "v1"),
          await putManifest(base, "v1", { annotations: { n: "2" } }),
        ];
        const now = await send("HEAD", `${base}/manifests/v1`, { accept: OCI_MANIFEST });
        expect(now.header("docker-content-digest")).toBe(young.document.descriptor.digest);
        const before = `${base}/manifests/${old.document.descriptor.digest}`;
        expect((await send("HEAD", before, { accept: OCI_MANIFEST })).status).toBe(200);
      });

      it("refuses one whose blobs it doesn't have, naming them", async () => {
        const base = at();
        const missing = { mediaType: "text/plain", digest: digestOf("missing"), size: 7 };
        const { put } = await putManifest(base, "v1", { layers: [missing] });
        expect([400, 404]).toContain(put.status);
        expect(codesOf(put)).toContain("MANIFEST_BLOB_UNKNOWN");
        expect(put.bytes.toString()).toContain(missing.digest);
        expect((await send("HEAD", `${base}/manifests/v1`)).status).toBe(404);
      });

      it("refuses one under another digest, and what is none", async () => {
        const base = at();
        expect((await putManifest(base, digestOf("another"))).put.status).toBe(400);
        const nonsense = await send("PUT", `${base}/manifests/v1`, { "content-type": OCI_MANIFEST }, Buffer.from("{"));
        expect(nonsense.status).toBe(400);
      });

      it("takes an index of what it has", async () => {
        const base = at();
        const { document } = await putManifest(base, undefined);
        const entry = { ...document.descriptor, platform: { os: "linux", architecture: "amd64" } };
        const index = jsonDocument(OCI_INDEX, { schemaVersion: 2, mediaType: OCI_INDEX, manifests: [entry] });
        const put = await send("PUT", `${base}/manifests/all`, { "content-type": OCI_INDEX }, index.bytes);
        expect(put.status).toBe(201);
        const got = await send("GET", `${base}/manifests/all`, { accept: OCI_INDEX });
        expect([got.header("content-type"), got.bytes.equals(index.bytes)]).toEqual([OCI_INDEX, true]);
      });
    });

    describe("tags", () => {
      const read = (answer: Answer) => (JSON.parse(answer.bytes.toString()) as { tags: string[] }).tags;

      it("are all listed", async () => {
        const base = at();
        for (const tag of ["c", "a", "b"]) await putManifest(base, tag);
        expect(read(await send("GET", `${base}/tags/list`)).sort()).toEqual(["a", "b", "c"]);
      });

      it.runIf(abilities.tagPages)("are listed in order, in pages with a Link, or after one of them", async () => {
        const base = at();
        for (const tag of ["c", "a", "e", "b", "d"]) await putManifest(base, tag);
        expect(read(await send("GET", `${base}/tags/list`))).toEqual(["a", "b", "c", "d", "e"]);
        expect(read(await send("GET", `${base}/tags/list?n=2&last=b`))).toEqual(["c", "d"]);
        const pages: string[][] = [];
        let next: string | undefined = `${base}/tags/list?n=2`;
        while (next !== undefined) {
          const page: Answer = await send("GET", next);
          pages.push(read(page));
          const [, link] = /<(.+)>; rel="next"/.exec(page.header("link") ?? "") ?? [];
          next = link && new URL(link, registry.url).href;
        }
        expect(pages).toEqual([["a", "b"], ["c", "d"], ["e"]]);
      });

      it("of an unknown repository are 404 with NAME_UNKNOWN", async () => {
        const answer = await send("GET", `${at()}/tags/list`);
        expect([answer.status, codesOf(answer)]).toEqual([404, ["NAME_UNKNOWN"]]);
      });
    });

    describe("deletes", () => {
      it("take a manifest with every tag that names it", async () => {
        const base = at();
        const { document } = await putManifest(base, "v1");
        const target = `${base}/manifests/${document.descriptor.digest}`;
        expect((await send("DELETE", target)).status).toBe(202);
        expect((await send("GET", target)).status).toBe(404);
        expect((await send("GET", `${base}/manifests/v1`)).status).toBe(404);
        expect((await send("DELETE", target)).status).toBe(404);
      });

      it("take a blob", async () => {
        const base = at();
        const target = `${base}/blobs/${await putBlob(base, Buffer.from("gone"))}`;
        expect((await send("DELETE", target)).status).toBe(202);
        expect((await send("GET", target)).status).toBe(404);
        expect((await send("DELETE", target)).status).toBe(404);
      });

      it.runIf(abilities.tagDeletes)("take a tag, and leave what it names", async () => {
        const base = at();
        const { document } = await putManifest(base, "v1");
        expect((await send("DELETE", `${base}/manifests/v1`)).status).toBe(202);
        expect((await send("GET", `${base}/manifests/v1`)).status).toBe(404);
        expect((await send("GET", `${base}/manifests/${document.descriptor.digest}`)).status).toBe(200);
        expect((await send("DELETE", `${base}/manifests/v1`)).status).toBe(404);
      });
    });

    describe.runIf(abilities.referrers)("referrers", () => {
      const list = async (base: string, digest: string, query = "") => {
        const answer = await send("GET", `${base}/referrers/${digest}${query}`);
        expect([answer.status, answer.header("content-type")]).toEqual([200, OCI_INDEX]);
        const body = JSON.parse(answer.bytes.toString()) as { mediaType: string; manifests: object[] };
        expect(body).toMatchObject({ schemaVersion: 2, mediaType: OCI_INDEX });
        return { ...body, filters: answer.header("oci-filters-applied") };
      };

      it("are none of what nothing refers to, and of what isn't there", async () => {
        const base = at();
        const { document } = await putManifest(base, "v1");
        expect((await list(base, document.descriptor.digest)).manifests).toEqual([]);
        expect((await list(base, digestOf("not there"))).manifests).toEqual([]);
      });

      it("are listed with type and annotations, before and after their subject is there", async () => {
        const base = at();
        const subject = { mediaType: OCI_MANIFEST, digest: digestOf("comes later"), size: 11 };
        const annotations = { "org.example": "yes" };
        const { document, put } = await putManifest(base, undefined, { subject, artifactType: "text/a", annotations });
        expect([put.status, put.header("oci-subject")]).toEqual([201, subject.digest]);
        const { digest, size } = document.descriptor;
        expect((await list(base, subject.digest)).manifests).toEqual([
          { mediaType: OCI_MANIFEST, digest, size, artifactType: "text/a", annotations },
        ]);
      });

      it("are filtered by type where that is asked, and say so; without a type the config's counts", async () => {
        const base = at();
        const subject = { mediaType: OCI_MANIFEST, digest: digestOf("subject"), size: 7 };
        await putManifest(base, undefined, { subject, artifactType: "text/a" });
        await putManifest(base, undefined, { subject });
        const found = await list(base, subject.digest, "?artifactType=text/a");
        expect([found.manifests.length, found.filters]).toEqual([1, "artifactType"]);
        const others = await list(base, subject.digest, "?artifactType=application/vnd.oci.empty.v1%2Bjson");
        expect(others.manifests).toHaveLength(1);
      });

      it("are gone when they are deleted", async () => {
        const base = at();
        const subject = { mediaType: OCI_MANIFEST, digest: digestOf("subject"), size: 7 };
        const { document } = await putManifest(base, undefined, { subject, artifactType: "text/a" });
        await send("DELETE", `${base}/manifests/${document.descriptor.digest}`);
        expect((await list(base, subject.digest)).manifests).toEqual([]);
      });
    });
  });
}

describeRules("the fake registry", () => startFakeRegistry(), ALL);

describeRules("the fake registry with absolute Locations", () => startFakeRegistry({ absoluteLocations: true }), ALL);

describe.skipIf(!requireTool("docker-registry"))("a registry of others", () => {
  describeRules("docker-registry", () => startDockerRegistry({ deleteEnabled: true }), OF_DOCKER_REGISTRY);
});
