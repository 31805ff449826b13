import { buildImage, buildPackage, fillCache, RegistryPruneScene } from "@spkoci/testkit";
import { describe, expect, it } from "vitest";
import { planPrune, prune } from "./prune.js";

const scene = new RegistryPruneScene();
const { start, startGitHub, options, byGitHub, tags, indexed } = scene;
const { token } = RegistryPruneScene;
const { other } = scene.packages;

const DANGLING = { errors: [{ code: "GOOGLE_MANIFEST_DANGLING_TAG", message: "Manifest is still referenced by tag" }] };

describe("checklist 61: registries with ways of their own", () => {
  it("a manifest goes after its tags where tags hold it (Google)", async () => {
    await start();
    scene.registry.faults = ({ method, path }) => {
      const digest = path.split("/").at(-1) ?? "";
      const isHeld = [...scene.registry.repository("org/the/cache").tags.values()].includes(digest);
      return method === "DELETE" && isHeld ? { status: 400, body: DANGLING } : undefined;
    };
    expect((await prune(options())).totals).toMatchObject({ removed: 2, failed: 0 });
    expect(tags()).toEqual(scene.kept);
  });

  it.each(["Organization", "User"] as const)("GitHub's %s packages lose versions by its API", async (kind) => {
    await start({ deletes: false });
    await startGitHub({ kind, pageSize: 2 });
    const result = await prune(byGitHub());
    expect(result.totals).toMatchObject({ removed: 2, left: 0, failed: 0 });
    expect(tags()).toEqual(scene.kept);
    expect(await indexed()).toEqual(["app", "lib"]);
    const base = `${kind === "User" ? "users" : "orgs"}/org/packages/container/the%2Fcache/versions`;
    expect(scene.gitHub?.requests.filter((one) => one.startsWith("DELETE"))).toHaveLength(2);
    expect(scene.gitHub?.requests.filter((one) => one.startsWith("DELETE"))[0]).toMatch(
      new RegExp(`^DELETE /${base}/\\d+$`),
    );
  });

  it("GitHub's untagged versions of old indexes go, and what indexes or tags lead to stays", async () => {
    await start({ deletes: false });
    await fillCache(scene.store, options().target, [buildPackage("new")]);
    const untagged = buildImage("untagged");
    for (const blob of untagged.blobs) await scene.store.put(blob);
    await scene.store.write(untagged.manifest);
    await startGitHub();
    const result = await prune(byGitHub());
    expect(result.images.filter((one) => one.tags.length === 0)).toMatchObject([{ kind: "image", outcome: "removed" }]);
    expect(await scene.store.resolve(untagged.manifest.descriptor.digest)).toBeDefined();
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
    await expect(prune(byGitHub({ gitHub: { apiUrl: scene.gitHub?.url, token: "ghp_wrong" } }))).rejects.toMatchObject({
      code: "AUTHENTICATION_REQUIRED",
      message: expect.not.stringContaining("ghp_wrong"),
    });
    await expect(prune(byGitHub({ gitHub: { apiUrl: scene.gitHub?.url } }))).rejects.toMatchObject({
      code: "AUTHENTICATION_REQUIRED",
      hint: expect.stringContaining("GITHUB_TOKEN"),
    });
  });

  it("the password for the registry is the token, if no other is given", async () => {
    await start({ deletes: false });
    await startGitHub();
    const credentials = async () => ({ username: "ann", password: token });
    const result = await prune(
      byGitHub({ gitHub: { apiUrl: scene.gitHub?.url }, access: { ...scene.access, credentials } }),
    );
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
    expect(scene.gitHub?.requests.filter((one) => one.startsWith("DELETE"))).toHaveLength(1);
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
          scene.registry.repository("org/the/cache").tags.set("release", other.manifest.descriptor.digest);
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
    await expect(planPrune(byGitHub({ gitHub: { apiUrl, token: token } }))).rejects.toMatchObject({
      code: "INVALID_ARGUMENT",
    });
    const wrong = { apiUrl: scene.registry.url, token: token };
    await expect(planPrune(byGitHub({ gitHub: wrong }))).rejects.toMatchObject({ code: "ACCESS_DENIED" });
  });
});
