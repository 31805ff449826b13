import { digestOf, jsonDocument, OCI_INDEX, OCI_MANIFEST } from "@spkoci/core";
import { afterEach, describe, expect, it } from "vitest";
import type { FakeRegistryOptions } from "./options.js";
import { type FakeRegistry, startFakeRegistry } from "./server.js";

let registry: FakeRegistry | undefined;

afterEach(async () => {
  await registry?.close();
  registry = undefined;
});

async function start(options: FakeRegistryOptions = {}): Promise<FakeRegistry> {
  registry = await startFakeRegistry(options);
  return registry;
}

/** A request with this body; the answer's text is read. */
async function send(method: string, url: string, headers: Record<string, string> = {}, body?: Uint8Array) {
  const init = { method, headers, redirect: "manual" as const, ...(body ? { body: Buffer.from(body) } : {}) };
  const response = await fetch(url, init);
  return { status: response.status, headers: response.headers, text: await response.text() };
}

const bytes = Buffer.from("hello registry");
const digest = digestOf(bytes);

describe("uploads", () => {
  it("takes a blob by POST and PUT at the Location it gave", async () => {
    const { url } = await start();
    const begun = await send("POST", `${url}/v2/org/cache/blobs/uploads/`);
    expect(begun.status).toBe(202);
    const put = await send("PUT", `${url}${begun.headers.get("location")}&digest=${digest}`, {}, bytes);
    expect(put.status).toBe(201);
    expect((await send("GET", `${url}/v2/org/cache/blobs/${digest}`)).text).toBe("hello registry");
  });

  it("refuses a Location whose query was lost", async () => {
    const { url } = await start();
    const begun = await send("POST", `${url}/v2/org/cache/blobs/uploads/`);
    const path = begun.headers.get("location")?.split("?")[0];
    const put = await send("PUT", `${url}${path}?digest=${digest}`, {}, bytes);
    expect(put.status).toBe(400);
  });

  it("refuses content with another digest and keeps nothing", async () => {
    const { url, repository } = await start().then((fake) => ({ url: fake.url, repository: fake.repository("r") }));
    const answer = await send("POST", `${url}/v2/r/blobs/uploads/?digest=${digestOf("other")}`, {}, bytes);
    expect(JSON.parse(answer.text)).toMatchObject({ errors: [{ code: "DIGEST_INVALID" }] });
    expect(repository.blobs.size).toBe(0);
  });

  it("takes chunks in order, tells its progress, and answers 416 to one out of order", async () => {
    const { url } = await start();
    const begun = await send("POST", `${url}/v2/r/blobs/uploads/`);
    const location = (answer: { headers: Headers }) => `${url}${answer.headers.get("location")}`;
    const first = await send("PATCH", location(begun), { "content-range": "0-4" }, bytes.subarray(0, 5));
    expect(first.headers.get("range")).toBe("0-4");
    const wrong = await send("PATCH", location(first), { "content-range": "0-4" }, bytes.subarray(0, 5));
    expect(wrong.status).toBe(416);
    expect((await send("GET", location(first))).headers.get("range")).toBe("0-4");
    const rest = { "content-range": `5-${bytes.length - 1}` };
    const second = await send("PATCH", location(first), rest, bytes.subarray(5));
    expect((await send("PUT", `${location(second)}&digest=${digest}`)).status).toBe(201);
  });

  it("mounts a blob of another repository, or starts an upload if that has none", async () => {
    const fake = await start();
    fake.repository("a").addBlob(bytes);
    const mount = (from: string) => send("POST", `${fake.url}/v2/b/blobs/uploads/?mount=${digest}&from=${from}`);
    expect((await mount("empty")).status).toBe(202);
    expect((await mount("a")).status).toBe(201);
    expect(fake.repository("b").blobs.has(digest)).toBe(true);
  });
});

describe("downloads", () => {
  it("answers 206 to a range and 416 past the end", async () => {
    const fake = await start();
    fake.repository("r").addBlob(bytes);
    const part = await send("GET", `${fake.url}/v2/r/blobs/${digest}`, { range: "bytes=6-" });
    expect([part.status, part.text, part.headers.get("content-range")]).toEqual([206, "registry", "bytes 6-13/14"]);
    expect((await send("GET", `${fake.url}/v2/r/blobs/${digest}`, { range: "bytes=14-" })).status).toBe(416);
  });

  it("redirects to another origin that refuses an Authorization header", async () => {
    const fake = await start({ redirectBlobs: true });
    fake.repository("r").addBlob(bytes);
    const redirect = await send("GET", `${fake.url}/v2/r/blobs/${digest}`);
    const location = redirect.headers.get("location") ?? "";
    expect(new URL(location).host).not.toBe(fake.host);
    expect((await send("GET", location)).text).toBe("hello registry");
    expect((await send("GET", location, { authorization: "Bearer x" })).status).toBe(400);
    expect(fake.requests.map((request) => request.server)).toEqual(["registry", "storage", "storage"]);
  });
});

describe("manifests", () => {
  const manifest = jsonDocument(OCI_MANIFEST, {
    schemaVersion: 2,
    mediaType: OCI_MANIFEST,
    config: { mediaType: "text/plain", digest, size: bytes.length },
    layers: [],
  });
  const put = (url: string, type: string) => send("PUT", url, { "content-type": type }, manifest.bytes);

  it("are refused while a blob is missing, then served by tag and digest", async () => {
    const fake = await start();
    const url = `${fake.url}/v2/r/manifests/v1`;
    expect(JSON.parse((await put(url, OCI_MANIFEST)).text)).toMatchObject({
      errors: [{ code: "MANIFEST_BLOB_UNKNOWN", detail: { digest } }],
    });
    fake.repository("r").addBlob(bytes);
    expect((await put(url, OCI_MANIFEST)).status).toBe(201);
    const head = await send("HEAD", url);
    expect(head.headers.get("docker-content-digest")).toBe(manifest.descriptor.digest);
    expect(head.headers.get("content-length")).toBe(String(manifest.bytes.length));
    expect(
      (await send("GET", `${fake.url}/v2/r/manifests/${manifest.descriptor.digest}`)).headers.get("content-type"),
    ).toBe(OCI_MANIFEST);
  });

  it("are refused under another Content-Type than their mediaType", async () => {
    const fake = await start();
    fake.repository("r").addBlob(bytes);
    expect((await put(`${fake.url}/v2/r/manifests/v1`, "application/json")).status).toBe(400);
  });
});

describe("tags", () => {
  it("have an ETag if told, and stay where they are when If-Match is another's", async () => {
    const { url } = await start({ etags: true });
    const target = `${url}/v2/org/cache/manifests/a`;
    const put = (n: number, headers: Record<string, string> = {}) => {
      const value = { schemaVersion: 2, mediaType: OCI_INDEX, manifests: [], annotations: { n: String(n) } };
      return send("PUT", target, { "content-type": OCI_INDEX, ...headers }, jsonDocument(OCI_INDEX, value).bytes);
    };
    expect((await put(1)).status).toBe(201);
    const etag = (await send("HEAD", target)).headers.get("etag") ?? "";
    expect((await put(2, { "if-match": etag })).status).toBe(201);
    expect((await put(3, { "if-match": etag })).status).toBe(412);
    expect((await send("GET", target)).text).toContain('"n":"2"');
  });

  it("come in pages with a Link to the next", async () => {
    const fake = await start({ pageSize: 2 });
    const repository = fake.repository("r");
    for (const tag of ["c", "a", "b"]) repository.addManifest(jsonDocument(OCI_MANIFEST, {}), tag);
    const first = await send("GET", `${fake.url}/v2/r/tags/list`);
    expect(JSON.parse(first.text)).toEqual({ name: "r", tags: ["a", "b"] });
    const next = /<(.+)>; rel="next"/.exec(first.headers.get("link") ?? "")?.[1];
    const second = await send("GET", `${fake.url}${next}`);
    expect([JSON.parse(second.text).tags, second.headers.get("link")]).toEqual([["c"], null]);
  });
});

describe("auth", () => {
  const user = { username: "ann", password: "s3cret" };
  const basic = `Basic ${Buffer.from("ann:s3cret").toString("base64")}`;

  it("challenges with the scope a request needs and takes the token for it", async () => {
    const { url } = await start({ auth: { type: "bearer", ...user } });
    const refused = await send("POST", `${url}/v2/r/blobs/uploads/`);
    const challenge = refused.headers.get("www-authenticate") ?? "";
    expect(challenge).toBe(`Bearer realm="${url}/token",service="fake registry",scope="repository:r:pull,push"`);
    const tokenUrl = `${url}/token?service=x&scope=repository:r:pull,push`;
    const { token } = JSON.parse((await send("GET", tokenUrl, { authorization: basic })).text);
    const taken = await send("POST", `${url}/v2/r/blobs/uploads/`, { authorization: `Bearer ${token}` });
    expect(taken.status).toBe(202);
    const other = await send("POST", `${url}/v2/other/blobs/uploads/`, { authorization: `Bearer ${token}` });
    expect(other.headers.get("www-authenticate")).toContain('error="insufficient_scope"');
  });

  it("refuses a token after as many uses as it has", async () => {
    const { url } = await start({ auth: { type: "bearer", usesPerToken: 1 } });
    const { token } = JSON.parse((await send("GET", `${url}/token`)).text);
    const headers = { authorization: `Bearer ${token}` };
    expect((await send("GET", `${url}/v2/`, headers)).status).toBe(200);
    expect((await send("GET", `${url}/v2/`, headers)).headers.get("www-authenticate")).toContain("invalid_token");
  });

  it("wants name and password with Basic", async () => {
    const { url } = await start({ auth: { type: "basic", ...user } });
    expect((await send("GET", `${url}/v2/`)).status).toBe(401);
    expect((await send("GET", `${url}/v2/`, { authorization: basic })).status).toBe(200);
  });
});

describe("faults", () => {
  it("answer in place of the registry, counted per method and path", async () => {
    const fake = await start({
      faults: ({ count }) => (count === 1 ? { status: 503, headers: { "retry-after": "1" } } : undefined),
    });
    const first = await send("GET", `${fake.url}/v2/`);
    expect([first.status, first.headers.get("retry-after")]).toEqual([503, "1"]);
    expect((await send("GET", `${fake.url}/v2/`)).status).toBe(200);
  });

  it("break connections before, in and after an answer", async () => {
    const fake = await start();
    fake.repository("r").addBlob(bytes);
    const url = `${fake.url}/v2/r/blobs/${digest}`;
    for (const fault of [{ resetAfter: 0 }, { loseReply: true }, { cutAfter: 3 }]) {
      fake.faults = () => fault;
      await expect(send("GET", url)).rejects.toThrow();
    }
    fake.faults = () => ({ corrupt: true });
    expect(digestOf((await send("GET", url)).text)).not.toBe(digest);
  });

  it("carry a request out although its answer is lost", async () => {
    const fake = await start({ faults: () => ({ loseReply: true }) });
    await expect(send("POST", `${fake.url}/v2/r/blobs/uploads/?digest=${digest}`, {}, bytes)).rejects.toThrow();
    expect(fake.repository("r").blobs.has(digest)).toBe(true);
  });
});

describe("what can be switched off", () => {
  it("is refused as registries refuse it", async () => {
    const fake = await start({ deletes: false, referrers: false, mounts: false, singlePost: false, chunked: false });
    fake.repository("a").addBlob(bytes);
    expect((await send("DELETE", `${fake.url}/v2/a/blobs/${digest}`)).status).toBe(405);
    expect((await send("GET", `${fake.url}/v2/a/referrers/${digest}`)).status).toBe(404);
    expect((await send("POST", `${fake.url}/v2/b/blobs/uploads/?mount=${digest}&from=a`)).status).toBe(202);
    const begun = await send("POST", `${fake.url}/v2/b/blobs/uploads/?digest=${digest}`, {}, bytes);
    expect(begun.status).toBe(202);
    expect((await send("PATCH", `${fake.url}${begun.headers.get("location")}`, {}, bytes)).status).toBe(405);
  });
});

describe("referrers and deletes", () => {
  it("lists what refers to a subject, filtered if asked, until it is deleted", async () => {
    const fake = await start();
    const subject = { mediaType: OCI_MANIFEST, digest: digestOf("subject"), size: 7 };
    const artifact = (artifactType: string) =>
      jsonDocument(OCI_MANIFEST, { schemaVersion: 2, mediaType: OCI_MANIFEST, artifactType, subject, layers: [] });
    const url = `${fake.url}/v2/r`;
    for (const type of ["text/a", "text/b"]) {
      const document = artifact(type);
      const headers = { "content-type": OCI_MANIFEST };
      const put = await send("PUT", `${url}/manifests/${document.descriptor.digest}`, headers, document.bytes);
      expect([put.status, put.headers.get("oci-subject")]).toEqual([201, subject.digest]);
    }
    const list = async (query: string) =>
      JSON.parse((await send("GET", `${url}/referrers/${subject.digest}${query}`)).text);
    expect((await list("")).manifests).toHaveLength(2);
    expect((await list("?artifactType=text/a")).manifests).toMatchObject([{ artifactType: "text/a" }]);
    expect((await send("DELETE", `${url}/manifests/${artifact("text/a").descriptor.digest}`)).status).toBe(202);
    expect((await list("")).manifests).toMatchObject([{ artifactType: "text/b" }]);
  });
});
