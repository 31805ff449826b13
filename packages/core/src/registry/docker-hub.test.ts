import { seededBlob } from "@spkoci/testkit";
import nock from "nock";
import { afterAll, describe, expect, it } from "vitest";
import { openRegistry } from "./open-registry.js";

const ONCE = { attempts: 1, baseMs: 1, maxMs: 1 };
const USER = { username: "ann", password: "s3cret-password" };
const { descriptor } = seededBlob("x", 10);

afterAll(() => nock.restore());

describe("Docker Hub", () => {
  it("checklist 5: is reached at its API, with tokens of its own server and credentials for docker.io", async () => {
    const asked: string[] = [];
    const hub = nock("https://registry-1.docker.io");
    const realm = 'Bearer realm="https://auth.docker.io/token",service="registry.docker.io"';
    const path = `/v2/library/ubuntu/blobs/${descriptor.digest}`;
    hub.head(path).reply(401, "", { "www-authenticate": realm });
    nock("https://auth.docker.io")
      .get("/token")
      .query({ service: "registry.docker.io", scope: "repository:library/ubuntu:pull", client_id: /^spkoci\// })
      .basicAuth({ user: USER.username, pass: USER.password })
      .reply(200, { token: "hub-token" });
    hub.head(path).matchHeader("authorization", "Bearer hub-token").reply(200, "", { "content-length": "10" });
    const credentials = async (registry: string) => {
      asked.push(registry);
      return USER;
    };
    const store = openRegistry({ registry: "docker.io", repository: "library/ubuntu" }, { credentials, retry: ONCE });
    expect(await store.has(descriptor)).toBe(true);
    expect(asked).toEqual(["docker.io"]);
    expect(nock.isDone()).toBe(true);
  });
});
