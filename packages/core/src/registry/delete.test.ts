import nock from "nock";
import { afterAll, afterEach, describe, expect, it } from "vitest";
import { digestOf } from "../base/digest.js";
import { openRegistry } from "./open-registry.js";

const DIGEST = digestOf("manifest");
const ONCE = { attempts: 2, baseMs: 1, maxMs: 1 };

afterEach(() => nock.cleanAll());
afterAll(() => nock.restore());

/** What a deletion comes to when the registry answers so. */
async function deleting(reference: string, status: number, body: object | string = "", registry = "registry.example") {
  nock.cleanAll();
  const host = nock(`https://${registry === "docker.io" ? "registry-1.docker.io" : registry}`);
  // A registry with a referrers API.
  host
    .get(/\/referrers\//)
    .reply(200, INDEX, { "content-type": INDEX.mediaType })
    .persist();
  host.delete(`/v2/org/cache/manifests/${reference}`).reply(status, body);
  const store = openRegistry({ registry, repository: "org/cache" }, { retry: ONCE });
  return store.delete(reference).catch((error: unknown) => error);
}

const INDEX = { schemaVersion: 2, mediaType: "application/vnd.oci.image.index.v1+json", manifests: [] };
const errorsOf = (code: string, message = "") => ({ errors: [{ code, message }] });

describe("checklist 60: deleting", () => {
  it.each([200, 202, 204])("is done if the answer is %i", async (status) => {
    expect(await deleting(DIGEST, status)).toBe(true);
    expect(await deleting("v1", status)).toBe(true);
  });

  it("finds nothing to do if there is no such manifest", async () => {
    expect(await deleting(DIGEST, 404, errorsOf("MANIFEST_UNKNOWN"))).toBe(false);
    expect(await deleting("v1", 404, errorsOf("NAME_UNKNOWN"))).toBe(false);
  });

  it.each([
    ["405", DIGEST, 405, ""],
    ["405 for tags", "v1", 405, errorsOf("UNSUPPORTED")],
    ["400 UNSUPPORTED", DIGEST, 400, errorsOf("UNSUPPORTED")],
    ["docker-registry's 400 DIGEST_INVALID for tags", "v1", 400, errorsOf("DIGEST_INVALID")],
  ])("is unsupported: %s", async (_, reference, status, body) => {
    expect(await deleting(reference, status, body)).toMatchObject({
      code: "DELETE_UNSUPPORTED",
      message: expect.stringContaining(`registry.example/org/cache refuses to delete`),
      hint: expect.stringContaining("operator"),
    });
  });

  it("that is refused for another reason is that error", async () => {
    const dangling = errorsOf("GOOGLE_MANIFEST_DANGLING_TAG", "Manifest is still referenced by tag: v1");
    expect(await deleting(DIGEST, 400, dangling)).toMatchObject({ code: "REGISTRY_REJECTED", status: 400 });
    expect(await deleting(DIGEST, 403, errorsOf("DENIED"))).toMatchObject({ code: "AUTHENTICATION_REQUIRED" });
  });
});

describe("checklist 61: registries that delete another way", () => {
  it.each([
    ["ghcr.io", "GitHub deletes only by its own API"],
    ["docker.io", "Docker Hub deletes only by its own API"],
  ])("%s says which", async (registry, hint) => {
    expect(await deleting(DIGEST, 405, errorsOf("UNSUPPORTED"), registry)).toMatchObject({
      code: "DELETE_UNSUPPORTED",
      hint: expect.stringContaining(hint),
    });
  });
});
