import {
  buildImage,
  buildPackage,
  type FakeGitHub,
  type FakeGitHubOptions,
  type FakeRegistry,
  type FakeRegistryOptions,
  fillCache,
  indexedIn,
  putPackage,
  startFakeGitHub,
  startFakeRegistry,
  type TestPackage,
} from "@spkoci/testkit";
import { afterEach, describe, expect, it } from "vitest";
import type { SpkociEvent } from "../base/events.js";
import { jsonDocument } from "../oci/document.js";
import { OCI_MANIFEST } from "../oci/media-type.js";
import { blobOf, type Store } from "../oci/store.js";
import type { RegistryAccess } from "../registry/access.js";
import { openRegistry } from "../registry/open-registry.js";
import type { PruneOptions } from "./options.js";
import { planPrune, prune } from "./prune.js";

const TOKEN = "ghp_secret-token";
const access: RegistryAccess = { retry: { attempts: 3, baseMs: 0, maxMs: 0 } };

const lib = buildPackage("lib", { withLayers: true });
const app = buildPackage("app", { dependencies: [lib], withLayers: true });
const other = buildPackage("other", { dependencies: [lib], withLayers: true });
const lone = buildPackage("lone");

let registry: FakeRegistry;
let gitHub: FakeGitHub | undefined;
let store: Store;

afterEach(async () => {
  await registry.close();
  await gitHub?.close();
  gitHub = undefined;
});

/** A registry with the four packages, all in the index. */
async function start(options: FakeRegistryOptions = {}): Promise<void> {
  registry = await startFakeRegistry(options);
  store = openRegistry({ registry: registry.host, repository: "org/the/cache" }, access);
  await fillCache(store, `${registry.host}/org/the/cache`, [lib, app, other, lone]);
  registry.clearRequests();
}

async function startGitHub(options: Partial<FakeGitHubOptions> = {}): Promise<void> {
  gitHub = await startFakeGitHub({
    owner: "org",
    kind: "Organization",
    name: "the/cache",
    repository: registry.repository("org/the/cache"),
    token: TOKEN,
    ...options,
  });
}

function options(more: Partial<PruneOptions> = {}): PruneOptions {
  return { target: `${registry.host}/org/the/cache`, access, keep: ["app"], graceMs: 0, ...more };
}

const byGitHub = (more: Partial<PruneOptions> = {}): PruneOptions =>
  options({ gitHub: { apiUrl: gitHub?.url, token: TOKEN }, ...more });

const tags = (): string[] => [...registry.repository("org/the/cache").tags.keys()].sort();

const indexed = async (): Promise<string[]> => (await indexedIn(store)).map(({ name }) => name);

const KEPT = [app.tag, "index.spack", lib.tag];
const ALL = [app.tag, "index.spack", lib.tag, lone.tag, other.tag];

describe("checklist 60: prune of a registry", () => {
  it("deletes by digest what goes, after the index has lost it", async () => {
    await start();
    registry.faults = ({ method, path }) => {
      const isDeletion =
        method === "DELETE" && registry.repository("org/the/cache").findManifest(path.split("/").at(-1) ?? "");
      if (isDeletion) names.push(indexed());
      return undefined;
    };
    const names: Promise<string[]>[] = [];
    const result = await prune(options());
    expect(result.totals).toMatchObject({ removed: 2, left: 0, failed: 0 });
    expect(result.blobs).toBeUndefined();
    expect(tags()).toEqual(KEPT);
    expect(await Promise.all(names)).toEqual([
      ["app", "lib"],
      ["app", "lib"],
    ]);
    const deleted = registry.requestsOf("DELETE", /manifests/).map(({ path }) => path.split("/").at(-1));
    expect(deleted).toEqual(expect.arrayContaining([other, lone].map(({ manifest }) => manifest.descriptor.digest)));
    expect(registry.requestsOf("DELETE", /blobs/)).toEqual([]);
  });

  it("asks for each image once, and for no config that it needs no date of", async () => {
    await start();
    await planPrune(options());
    expect(registry.requestsOf("GET", /manifests/)).toHaveLength(ALL.length + 1);
    expect(registry.requestsOf("GET", new RegExp(app.config.descriptor.digest))).toEqual([]);
  });

  it("changes nothing where the registry deletes nothing, and says so in one line", async () => {
    await start({ deletes: false });
    await expect(prune(options())).rejects.toMatchObject({
      code: "DELETE_UNSUPPORTED",
      message: `${registry.host}/org/the/cache doesn't let manifests be deleted; nothing was changed`,
      hint: expect.stringContaining("storage.delete.enabled"),
    });
    expect(await indexed()).toEqual(["app", "lib", "lone", "other"]);
    expect(registry.requestsOf("PUT", /./)).toEqual([]);
  });

  it("is planned where nothing can be deleted, too", async () => {
    await start({ deletes: false });
    expect((await planPrune(options())).images).toHaveLength(2);
  });

  it("puts back into the index what couldn't be deleted, and goes on with the rest", async () => {
    await start();
    registry.faults = ({ method, path }) =>
      method === "DELETE" && path.endsWith(other.manifest.descriptor.digest)
        ? { status: 403, body: DENIED }
        : undefined;
    const result = await prune(options({ jobs: 1 }));
    expect(result.totals.failed).toBeGreaterThan(0);
    expect(result.images).toContainEqual(
      expect.objectContaining({
        tags: [other.tag],
        outcome: "failed",
        error: expect.objectContaining({ code: "AUTHENTICATION_REQUIRED" }),
      }),
    );
    const there = tags().map((tag) => tag.replace(/-1\.0-.*|\.spack/, ""));
    expect(await indexed()).toEqual(there.filter((tag) => tag !== "index"));
  });

  it("says so where the registry answers that what it has isn't there", async () => {
    await start();
    registry.faults = ({ method }) => (method === "DELETE" ? { status: 404 } : undefined);
    const result = await prune(options());
    expect(result.images.map(({ error }) => error?.code)).toEqual(["DELETE_UNSUPPORTED", "DELETE_UNSUPPORTED"]);
    expect(await indexed()).toEqual(["app", "lib", "lone", "other"]);
  });

  it("tells of packages that come too late to keep what they need", async () => {
    await start();
    const late = buildPackage("late", { dependencies: [lone] });
    registry.faults = ({ method, path }) => {
      if (method !== "DELETE" || !path.endsWith(lone.manifest.descriptor.digest)) return undefined;
      const repository = registry.repository("org/the/cache");
      for (const { bytes } of [late.config, late.layer]) repository.addBlob(bytes);
      repository.addManifest(late.manifest, late.tag);
      return undefined;
    };
    const warnings: string[] = [];
    const emit = (event: SpkociEvent): void => void (event.type === "warning" && warnings.push(event.message));
    await prune(options(), { emit });
    expect(warnings).toContain("packages that were pushed meanwhile need what was removed: lone@1.0");
  });

  it.each([true, false])("deletes referrers first, with a referrers API: %s", async (referrers) => {
    await start({ referrers });
    const note = await putNote(other);
    const second = await putNote({ manifest: note });
    const stays = await putNote(app);
    const result = await prune(options());
    expect(result.totals).toMatchObject({ left: 0, failed: 0 });
    const { manifests } = registry.repository("org/the/cache");
    for (const gone of [note, second, other.manifest]) expect(manifests.has(gone.descriptor.digest)).toBe(false);
    expect(manifests.has(stays.descriptor.digest)).toBe(true);
    expect((await store.referrers(app.manifest.descriptor.digest)).map(({ digest }) => digest)).toEqual([
      stays.descriptor.digest,
    ]);
    expect(tags().filter((tag) => tag.startsWith("sha256-"))).toHaveLength(referrers ? 0 : 1);
  });

  it("deletes what an index of images names after the index", async () => {
    await start();
    const image = buildImage("child");
    for (const blob of image.blobs) await store.put(blob);
    await store.write(image.manifest);
    const { mediaType, digest, size } = image.manifest.descriptor;
    const type = "application/vnd.oci.image.index.v1+json";
    const index = jsonDocument(type, { schemaVersion: 2, mediaType: type, manifests: [{ mediaType, digest, size }] });
    await store.write(index, { tag: "images" });
    await prune(options({ allTags: true }));
    const deleted = registry.requestsOf("DELETE", /manifests/).map(({ path }) => path.split("/").at(-1));
    expect(deleted.indexOf(index.descriptor.digest)).toBeLessThan(deleted.indexOf(digest));
    expect(tags()).toEqual(KEPT);
  });

  it("keeps lately built packages where their config tells, and those of unknown age as newer", async () => {
    await start();
    const young = buildPackage("young", { archivedAt: new Date().toISOString(), dependencies: [lone] });
    await putPackage(store, young);
    const plan = await planPrune(options({ graceMs: 60_000 }));
    const kept = Object.fromEntries(plan.kept.map(({ name, why }) => [name, why]));
    expect(kept).toEqual({ app: "query", lib: "dependency", young: "grace", lone: "dependency" });
    const newer = await planPrune(options({ newerThanMs: 60_000 }));
    expect(newer.kept.find(({ name }) => name === "other")).toMatchObject({ why: "unknown-age" });
  });
});

describe("checklist 61: registries with ways of their own", () => {
  it("a manifest goes after its tags where tags hold it (Google)", async () => {
    await start();
    registry.faults = ({ method, path }) => {
      const digest = path.split("/").at(-1) ?? "";
      const isHeld = [...registry.repository("org/the/cache").tags.values()].includes(digest);
      return method === "DELETE" && isHeld ? { status: 400, body: DANGLING } : undefined;
    };
    expect((await prune(options())).totals).toMatchObject({ removed: 2, failed: 0 });
    expect(tags()).toEqual(KEPT);
  });

  it.each(["Organization", "User"] as const)("GitHub's %s packages lose versions by its API", async (kind) => {
    await start({ deletes: false });
    await startGitHub({ kind, pageSize: 2 });
    const result = await prune(byGitHub());
    expect(result.totals).toMatchObject({ removed: 2, left: 0, failed: 0 });
    expect(tags()).toEqual(KEPT);
    expect(await indexed()).toEqual(["app", "lib"]);
    const base = `${kind === "User" ? "users" : "orgs"}/org/packages/container/the%2Fcache/versions`;
    expect(gitHub?.requests.filter((one) => one.startsWith("DELETE"))).toHaveLength(2);
    expect(gitHub?.requests.filter((one) => one.startsWith("DELETE"))[0]).toMatch(new RegExp(`^DELETE /${base}/\\d+$`));
  });

  it("GitHub's untagged versions of old indexes go, and what indexes or tags lead to stays", async () => {
    await start({ deletes: false });
    await fillCache(store, options().target, [buildPackage("new")]);
    const untagged = buildImage("untagged");
    for (const blob of untagged.blobs) await store.put(blob);
    await store.write(untagged.manifest);
    await startGitHub();
    const result = await prune(byGitHub());
    expect(result.images.filter((one) => one.tags.length === 0)).toMatchObject([{ kind: "image", outcome: "removed" }]);
    expect(await store.resolve(untagged.manifest.descriptor.digest)).toBeDefined();
  });

  it("GitHub's time of a version is when it was written", async () => {
    await start({ deletes: false });
    await startGitHub({ updatedAt: new Date().toISOString() });
    const plan = await planPrune(byGitHub({ graceMs: 60_000 }));
    expect(plan.images).toEqual([]);
    expect(plan.kept.find(({ name }) => name === "lone")).toMatchObject({ why: "grace" });
  });

  it("a token that isn't for deleting is told before anything happens", async () => {
    await start({ deletes: false });
    await startGitHub({ scopes: "repo, write:packages" });
    await expect(prune(byGitHub())).rejects.toMatchObject({
      code: "ACCESS_DENIED",
      message: expect.stringContaining("it is for repo, write:packages"),
      hint: expect.stringContaining("delete:packages"),
    });
    expect(await indexed()).toHaveLength(4);
  });

  it("a wrong or missing token is told, never shown", async () => {
    await start({ deletes: false });
    await startGitHub();
    await expect(prune(byGitHub({ gitHub: { apiUrl: gitHub?.url, token: "ghp_wrong" } }))).rejects.toMatchObject({
      code: "AUTHENTICATION_REQUIRED",
      message: expect.not.stringContaining("ghp_wrong"),
    });
    await expect(prune(byGitHub({ gitHub: { apiUrl: gitHub?.url } }))).rejects.toMatchObject({
      code: "AUTHENTICATION_REQUIRED",
      hint: expect.stringContaining("GITHUB_TOKEN"),
    });
  });

  it("the password for the registry is the token, if no other is given", async () => {
    await start({ deletes: false });
    await startGitHub();
    const credentials = async () => ({ username: "ann", password: TOKEN });
    const result = await prune(byGitHub({ gitHub: { apiUrl: gitHub?.url }, access: { ...access, credentials } }));
    expect(result.totals.removed).toBe(2);
  });

  it("a refusal stops the rest, and the index gets all back", async () => {
    await start({ deletes: false });
    await startGitHub({
      faults: ({ method }) => (method === "DELETE" ? { status: 403, message: "Must have admin rights" } : undefined),
    });
    const result = await prune(byGitHub());
    expect(result.totals).toMatchObject({ removed: 0, failed: 2 });
    expect(result.images[0]?.error).toMatchObject({ code: "ACCESS_DENIED", message: expect.stringContaining("admin") });
    expect(gitHub?.requests.filter((one) => one.startsWith("DELETE"))).toHaveLength(1);
    expect(await indexed()).toEqual(["app", "lib", "lone", "other"]);
  });

  it("one version that GitHub keeps (too many downloads) doesn't stop the others", async () => {
    await start({ deletes: false });
    let refused = 0;
    await startGitHub({
      faults: ({ method }) => {
        if (method !== "DELETE" || refused > 0) return undefined;
        refused += 1;
        return {
          status: 400,
          message: "Publicly visible package versions with more than 5000 downloads cannot be deleted",
        };
      },
    });
    const result = await prune(byGitHub());
    expect(result.totals).toMatchObject({ removed: 1, failed: 1 });
    expect(await indexed()).toHaveLength(3);
  });

  it("a rate limit is waited for", async () => {
    await start({ deletes: false });
    const reset = String(Math.floor(Date.now() / 1000) - 1);
    const headers = { "x-ratelimit-remaining": "0", "x-ratelimit-reset": reset };
    await startGitHub({
      faults: ({ method, count }) =>
        method === "DELETE" && count === 1 ? { status: 403, message: "API rate limit exceeded", headers } : undefined,
    });
    expect((await prune(byGitHub())).totals).toMatchObject({ removed: 2, failed: 0 });
  });

  it("a version that gets another tag meanwhile is left", async () => {
    await start({ deletes: false });
    await startGitHub({
      faults: ({ method, path }) => {
        if (method === "GET" && /\/versions\/\d+$/.test(path)) {
          registry.repository("org/the/cache").tags.set("release", other.manifest.descriptor.digest);
        }
        return undefined;
      },
    });
    const result = await prune(byGitHub());
    expect(result.images.find(({ package: one }) => one?.name === "other")).toMatchObject({ outcome: "left" });
    expect(tags()).toContain("release");
    expect(await indexed()).toEqual(["app", "lib", "other"]);
  });

  it("what is no URL, or no answer of GitHub, fails cleanly", async () => {
    await start({ deletes: false });
    await startGitHub();
    const apiUrl = "api.github.com";
    await expect(planPrune(byGitHub({ gitHub: { apiUrl, token: TOKEN } }))).rejects.toMatchObject({
      code: "INVALID_ARGUMENT",
    });
    const wrong = { apiUrl: registry.url, token: TOKEN };
    await expect(planPrune(byGitHub({ gitHub: wrong }))).rejects.toMatchObject({ code: "ACCESS_DENIED" });
  });
});

const DENIED = { errors: [{ code: "DENIED", message: "no" }] };
const DANGLING = { errors: [{ code: "GOOGLE_MANIFEST_DANGLING_TAG", message: "Manifest is still referenced by tag" }] };

/** Something about an image. */
async function putNote({ manifest }: Pick<TestPackage, "manifest">): Promise<TestPackage["manifest"]> {
  const link = ({ mediaType, digest, size }: TestPackage["manifest"]["descriptor"]) => ({ mediaType, digest, size });
  const config = jsonDocument("application/vnd.oci.empty.v1+json", {});
  await store.put(blobOf(config));
  const note = jsonDocument(OCI_MANIFEST, {
    schemaVersion: 2,
    mediaType: OCI_MANIFEST,
    artifactType: "application/vnd.example.note",
    config: link(config.descriptor),
    layers: [],
    subject: link(manifest.descriptor),
  });
  await store.write(note);
  return note;
}
