import nock from "nock";
import { afterAll, afterEach, beforeEach, describe, expect, it } from "vitest";
import { digestOf } from "../base/digest.js";
import { GitHubPackages, isOfGitHub } from "./github-packages.js";

const TOKEN = "ghp_secret";
const RETRY = { attempts: 2, baseMs: 1, maxMs: 1 };
const REPOSITORY = { registry: "ghcr.io", repository: "org/tools/cache" };
const VERSIONS = "/orgs/org/packages/container/tools%2Fcache/versions";

beforeEach(() => nock.disableNetConnect());
afterEach(() => nock.cleanAll());
afterAll(() => {
  nock.enableNetConnect();
  nock.restore();
});

function api(): nock.Scope {
  const scope = nock("https://api.github.com", { reqheaders: { authorization: `Bearer ${TOKEN}` } });
  scope.get("/users/org").reply(200, { login: "org", type: "Organization" });
  return scope;
}

const open = () => GitHubPackages.open(REPOSITORY, { retry: RETRY }, { token: TOKEN });

const versionOf = (id: number, more: object = {}) => ({
  id,
  name: digestOf(String(id)),
  created_at: "2024-01-01T00:00:00Z",
  updated_at: "2024-02-01T00:00:00Z",
  metadata: { package_type: "container", container: { tags: [`v${id}`] } },
  ...more,
});

describe("checklist 61: GitHub's packages", () => {
  it("are those of ghcr.io, and of registries for which an API is named", () => {
    expect(isOfGitHub(REPOSITORY, undefined)).toBe(true);
    expect(isOfGitHub({ registry: "quay.io", repository: "a" }, { token: TOKEN })).toBe(false);
    expect(isOfGitHub({ registry: "containers.host", repository: "a" }, { apiUrl: "https://host/api/v3" })).toBe(true);
  });

  it("list their versions page by page, with digest, tags and time", async () => {
    const next = `<https://api.github.com${VERSIONS}?per_page=100&page=2>; rel="next", <https://api.github.com/x>; rel="last"`;
    api()
      .get(VERSIONS)
      .query({ per_page: 100 })
      .reply(200, [versionOf(1)], { link: next })
      .get(VERSIONS)
      .query({ per_page: 100, page: 2 })
      .reply(200, [versionOf(2, { metadata: { container: { tags: [] } } }), { id: "x" }, versionOf(3, { name: "v1" })]);
    const updatedAt = Date.UTC(2024, 1, 1);
    expect(await (await open()).listVersions()).toEqual([
      { id: 1, digest: digestOf("1"), tags: ["v1"], updatedAt },
      { id: 2, digest: digestOf("2"), tags: [], updatedAt },
    ]);
  });

  it.each([
    ["leads to another server", "<https://evil.example/x>"],
    ["leads back", `<${VERSIONS}?per_page=100>`],
  ])("send the token nowhere else, and don't run in circles: a link that %s", async (_, target) => {
    api()
      .get(VERSIONS)
      .query(true)
      .reply(200, [], { link: `${target}; rel="next"` });
    await expect((await open()).listVersions()).rejects.toMatchObject({ code: "REGISTRY_PROTOCOL" });
  });

  it("are deleted by the number of the version; one that is gone is gone", async () => {
    api().delete(`${VERSIONS}/7`).reply(204).delete(`${VERSIONS}/8`).reply(404, { message: "Not Found" });
    const packages = await open();
    expect(await packages.deleteVersion(7)).toBe(true);
    expect(await packages.deleteVersion(8)).toBe(false);
  });

  it("wait as long as a rate limit asks, and say so if it is too long", async () => {
    const reset = String(Math.ceil(Date.now() / 1000) + 3600);
    const headers = { "x-ratelimit-remaining": "0", "x-ratelimit-reset": reset };
    api()
      .delete(`${VERSIONS}/7`)
      .reply(403, { message: "You have exceeded a secondary rate limit" }, { "retry-after": "0" })
      .delete(`${VERSIONS}/7`)
      .reply(204)
      .delete(`${VERSIONS}/8`)
      .reply(403, { message: "API rate limit exceeded for user" }, headers);
    const packages = await open();
    expect(await packages.deleteVersion(7)).toBe(true);
    await expect(packages.deleteVersion(8)).rejects.toMatchObject({ code: "REGISTRY_RATE_LIMITED" });
  });

  it("tell which token is needed, and never show it", async () => {
    nock("https://api.github.com")
      .get("/users/org")
      .reply(401, { message: `Bad credentials: ${TOKEN}` });
    const error = await (await open()).listVersions().catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({
      code: "AUTHENTICATION_REQUIRED",
      message: expect.stringContaining("Bad credentials: ***"),
      hint: expect.stringContaining("delete:packages"),
    });
    expect(JSON.stringify(error)).not.toContain(TOKEN);
    nock.cleanAll();
    api().get(VERSIONS).query(true).reply(404, { message: "Not Found" });
    await expect((await open()).listVersions()).rejects.toMatchObject({ code: "ACCESS_DENIED" });
    await expect(GitHubPackages.open(REPOSITORY, {}, {})).rejects.toMatchObject({ code: "AUTHENTICATION_REQUIRED" });
  });

  it("don't take an answer for theirs that is none", async () => {
    api().get(VERSIONS).query(true).reply(200, "<html>");
    await expect((await open()).listVersions()).rejects.toMatchObject({ code: "REGISTRY_PROTOCOL" });
  });
});
