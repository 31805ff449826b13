import { buildImage, type FakeRegistry, type FakeRegistryOptions, startFakeRegistry } from "@spkoci/testkit";
import { afterEach, describe, expect, it } from "vitest";
import type { Digest } from "../base/digest.js";
import type { Descriptor } from "../oci/descriptor.js";
import { type Document, jsonDocument } from "../oci/document.js";
import { OCI_INDEX, OCI_MANIFEST } from "../oci/media-type.js";
import { blobOf, type Store } from "../oci/store.js";
import { openRegistry } from "./open-registry.js";
import { referrersTag } from "./referrers.js";

const TYPE = "application/vnd.example.note";
const EMPTY = jsonDocument("application/vnd.oci.empty.v1+json", {});
const SUBJECT = buildImage("subject");
const { digest: SUBJECT_DIGEST } = SUBJECT.manifest.descriptor;

let registry: FakeRegistry;

afterEach(() => registry?.close());

async function start(options: FakeRegistryOptions = {}): Promise<Store> {
  registry = await startFakeRegistry(options);
  return fill(open());
}

function open(): Store {
  return openRegistry(
    { registry: registry.host, repository: "org/cache" },
    { retry: { attempts: 3, baseMs: 1, maxMs: 5 } },
  );
}

/** The subject and the config of its referrers. */
async function fill(store: Store): Promise<Store> {
  for (const blob of [...SUBJECT.blobs, blobOf(EMPTY)]) await store.put(blob);
  await store.write(SUBJECT.manifest, { tag: "v1" });
  registry.clearRequests();
  return store;
}

function noteOf(subject: Descriptor, text: string, artifactType: string | undefined = TYPE): Document {
  const { mediaType, digest, size } = subject;
  const { descriptor: config } = EMPTY;
  return jsonDocument(OCI_MANIFEST, {
    schemaVersion: 2,
    mediaType: OCI_MANIFEST,
    artifactType,
    config: { mediaType: config.mediaType, digest: config.digest, size: config.size },
    layers: [],
    subject: { mediaType, digest, size },
    annotations: { "org.example.text": text, "org.example.other": "kept" },
  });
}

const note = (text: string): Document => noteOf(SUBJECT.manifest.descriptor, text);

/** As lists of referrers have it. */
function listed({ descriptor }: Document, text: string, artifactType = TYPE): Descriptor {
  return { ...descriptor, artifactType, annotations: { "org.example.text": text, "org.example.other": "kept" } };
}

/** The index under the subject's tag. */
function fallback(digest: Digest = SUBJECT_DIGEST): { readonly manifests: readonly Descriptor[] } | undefined {
  const manifest = registry.repository("org/cache").findManifest(referrersTag(digest));
  return manifest && JSON.parse(manifest.bytes.toString());
}

describe("where the registry has no referrers API", () => {
  it("checklist 55, 56: a referrer is listed in the index under its subject's tag, with artifact type and all annotations", async () => {
    const store = await start({ referrers: false });
    await store.write(note("one"));
    expect(fallback()).toEqual({
      schemaVersion: 2,
      mediaType: OCI_INDEX,
      manifests: [listed(note("one"), "one")],
    });
    expect(await open().referrers(SUBJECT_DIGEST)).toEqual([listed(note("one"), "one")]);
  });

  it("checklist 56: the config's media type stands for an artifact type that isn't there", async () => {
    const store = await start({ referrers: false });
    const { artifactType: _none, ...rest } = JSON.parse(Buffer.from(note("plain").bytes).toString());
    const plain = jsonDocument(OCI_MANIFEST, rest);
    await store.write(plain);
    expect(await store.referrers(SUBJECT_DIGEST)).toEqual([listed(plain, "plain", EMPTY.descriptor.mediaType)]);
  });

  it("checklist 56: referrers that are there already stay, with members that spkoci doesn't know, and none is named twice", async () => {
    const store = await start({ referrers: false });
    const stranger = { ...buildImage("stranger").manifest.descriptor, "x-more": { deep: true } };
    const index = jsonDocument(OCI_INDEX, {
      schemaVersion: 2,
      mediaType: OCI_INDEX,
      manifests: [stranger],
      annotations: { "org.example.index": "kept" },
    } as never);
    registry.repository("org/cache").addManifest(buildImage("stranger").manifest);
    registry.repository("org/cache").addManifest(index, referrersTag(SUBJECT_DIGEST));
    for (const document of [note("one"), note("two"), note("one")]) await store.write(document);
    expect(fallback()).toMatchObject({ annotations: { "org.example.index": "kept" } });
    expect(fallback()?.manifests).toEqual([stranger, listed(note("one"), "one"), listed(note("two"), "two")]);
  });

  it("what others deleted and left in the list is taken out, where the registry refuses it", async () => {
    const store = await start({ referrers: false });
    for (const text of ["one", "gone"]) await store.write(note(text));
    registry.repository("org/cache").manifests.delete(note("gone").descriptor.digest);
    await store.write(note("two"));
    expect(fallback()?.manifests).toEqual([listed(note("one"), "one"), listed(note("two"), "two")]);
  });

  it("checklist 42, 56: referrers that many write at the same time are all listed", async () => {
    const first = await start({ referrers: false });
    const texts = Array.from({ length: 6 }, (_, at) => `text ${at}`);
    const stores = [first, open()];
    await Promise.all(texts.map((text, at) => stores[at % 2]?.write(note(text))));
    const found = (await open().referrers(SUBJECT_DIGEST)).map(({ digest }) => digest).sort();
    expect(found).toEqual(texts.map((text) => note(text).descriptor.digest).sort());
  });

  it("checklist 56: a tag that names something else than an index is refused, and stays", async () => {
    const store = await start({ referrers: false });
    const tag = referrersTag(SUBJECT_DIGEST);
    const other = buildImage("other");
    registry.repository("org/cache").addManifest(other.manifest, tag);
    await expect(store.write(note("one"))).rejects.toMatchObject({ code: "DOCUMENT_INVALID" });
    await expect(store.referrers(SUBJECT_DIGEST)).rejects.toMatchObject({ code: "DOCUMENT_INVALID" });
    expect(registry.repository("org/cache").tags.get(tag)).toBe(other.manifest.descriptor.digest);
  });

  it("checklist 58: a tag that a registry reads as the subject's digest lists nothing", async () => {
    const store = await start({ referrers: false });
    registry.repository("org/cache").addManifest(SUBJECT.manifest, referrersTag(SUBJECT_DIGEST));
    expect(await store.referrers(SUBJECT_DIGEST)).toEqual([]);
  });

  it("checklist 57: the registry is asked for its API once, and then no more", async () => {
    const store = await start({ referrers: false });
    await store.write(note("one"));
    for (let at = 0; at < 3; at += 1) await store.referrers(SUBJECT_DIGEST);
    expect(registry.requestsOf("GET", /\/referrers\//)).toHaveLength(1);
  });

  it("checklist 60: a referrer that is deleted leaves the list", async () => {
    const store = await start({ referrers: false });
    await store.write(note("one"));
    await store.write(note("two"));
    expect(await store.delete(note("one").descriptor.digest)).toBe(true);
    expect(fallback()?.manifests).toEqual([listed(note("two"), "two")]);
  });

  it("documents without a subject make no tag and ask nothing", async () => {
    const store = await start({ referrers: false });
    await store.write(SUBJECT.manifest, { tag: "v2" });
    expect(fallback()).toBeUndefined();
    expect(registry.requests.map(({ method }) => method)).toEqual(["PUT"]);
  });

  it.each([
    ["with a page for people", { status: 200, headers: { "content-type": "text/html" }, body: "<html>Log in" }],
    ["with 400", { status: 400 }],
    ["with 405", { status: 405 }],
    ["with 501", { status: 501 }],
  ])("checklist 55: which it tells %s, the tag is used", async (_how, fault) => {
    const store = await start({ referrers: false });
    registry.faults = ({ path }) => (path.includes("/referrers/") ? fault : undefined);
    await store.write(note("one"));
    expect(await store.referrers(SUBJECT_DIGEST)).toHaveLength(1);
  });
});

describe("where the registry has the referrers API", () => {
  it("no tag is written", async () => {
    const store = await start();
    await store.write(note("one"));
    expect(fallback()).toBeUndefined();
    expect(await store.referrers(SUBJECT_DIGEST)).toEqual([listed(note("one"), "one")]);
  });

  it("checklist 59: all pages are read, by their links", async () => {
    const store = await start();
    const entries = ["one", "two", "three"].map((text) => listed(note(text), text));
    const page = (at: number) => ({ schemaVersion: 2, mediaType: OCI_INDEX, manifests: entries.slice(at, at + 1) });
    registry.faults = ({ path, query }) => {
      if (!path.includes("/referrers/")) return undefined;
      const at = Number(query.get("page") ?? 0);
      const link = at < 2 ? { link: `<?page=${at + 1}>; rel="next"` } : {};
      return { status: 200, headers: { "content-type": OCI_INDEX, ...link }, body: page(at) };
    };
    expect(await store.referrers(SUBJECT_DIGEST)).toEqual(entries);
  });

  it("checklist 59: pages that lead in a circle are refused", async () => {
    const store = await start();
    registry.faults = ({ path }) =>
      path.includes("/referrers/")
        ? {
            status: 200,
            headers: { "content-type": OCI_INDEX, link: '<?page=1>; rel="next"' },
            body: { schemaVersion: 2, mediaType: OCI_INDEX, manifests: [] },
          }
        : undefined;
    await expect(store.referrers(SUBJECT_DIGEST)).rejects.toMatchObject({ code: "REGISTRY_PROTOCOL" });
  });

  it("checklist 57: a header that says so is no proof: without the API the tag is written", async () => {
    const store = await start({ referrers: false });
    registry.faults = ({ method, path }) =>
      method === "PUT" && path.includes("sha256:") ? { headers: { "oci-subject": SUBJECT_DIGEST } } : undefined;
    await store.write(note("one"));
    expect(fallback()?.manifests).toEqual([listed(note("one"), "one")]);
  });

  it("a repository that isn't there yet says nothing about the API", async () => {
    const store = await start();
    registry.faults = ({ path, count }) =>
      path.includes("/referrers/") && count <= 2
        ? { status: 404, body: { errors: [{ code: "NAME_UNKNOWN", message: "no such repository" }] } }
        : undefined;
    expect(await store.referrers(SUBJECT_DIGEST)).toEqual([]);
    await store.write(note("one"));
    expect(fallback()).toBeUndefined();
    expect(await store.referrers(SUBJECT_DIGEST)).toHaveLength(1);
  });

  it("a failure to list is a failure, not an empty list", async () => {
    const store = await start();
    registry.faults = ({ path }) => (path.includes("/referrers/") ? { status: 403 } : undefined);
    await expect(store.referrers(SUBJECT_DIGEST)).rejects.toMatchObject({ code: "AUTHENTICATION_REQUIRED" });
  });
});
