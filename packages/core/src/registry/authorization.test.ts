import {
  blobOfBytes,
  buildImage,
  FAST_RETRY,
  type FakeRegistryOptions,
  RegistryScene,
  seededBlob,
} from "@spkoci/testkit";
import { describe, expect, it, vi } from "vitest";
import type { SpkociEvent } from "../base/events.js";
import type { Store } from "../oci/store.js";
import type { Credentials, RegistryAccess } from "./access.js";
import { openRegistry } from "./open-registry.js";

const USER = { username: "ann", password: "s3cret-password" };

const scene = new RegistryScene();
const { expectStored } = scene;

const open = (options: FakeRegistryOptions, credentials?: Credentials, access: RegistryAccess = {}): Promise<Store> =>
  scene.open(options, { credentials: async () => credentials, ...access });

const tokenRequests = () => scene.registry.requestsOf("GET", /^\/token$/);

describe("Bearer", () => {
  it("checklist 13, 66: gets one token for many requests at once, and one more to push", async () => {
    const store = await open({ auth: { type: "bearer", ...USER } }, USER);
    const blobs = Array.from({ length: 6 }, (_, at) => seededBlob(`b${at}`, 1000));
    await Promise.all(blobs.map(({ descriptor }) => store.has(descriptor)));
    expect(tokenRequests()).toHaveLength(1);
    await Promise.all(blobs.map((blob) => store.put(blob)));
    await Promise.all(blobs.map(({ descriptor }) => store.has(descriptor)));
    expect(tokenRequests().map(({ query }) => query.getAll("scope"))).toEqual([
      ["repository:org/cache:pull"],
      ["repository:org/cache:pull,push"],
    ]);
    expect(tokenRequests()[0]?.query.get("service")).toBe("fake registry");
    expect(tokenRequests()[0]?.query.get("client_id")).toMatch(/^spkoci\/\d/);
  });

  it("checklist 13: sends the whole body again when the token has expired in between", async () => {
    const store = await open({ auth: { type: "bearer", ...USER, usesPerToken: 3 } }, USER);
    const blobs = [1, 2, 3].map((at) => seededBlob(`expiring ${at}`, 300_000));
    for (const blob of blobs) await store.put(blob);
    for (const blob of blobs) expectStored(blob);
    expect(scene.registry.requestsOf("PUT", /uploads/).some(({ status }) => status === 401)).toBe(true);
  });

  it("checklist 7: takes access_token, and renews a token that is about to expire", async () => {
    const store = await open({ auth: { type: "bearer", ...USER, tokenField: "access_token", expiresIn: 0 } }, USER);
    const { descriptor } = seededBlob("x", 10);
    for (let count = 0; count < 3; count += 1) expect(await store.has(descriptor)).toBe(false);
    expect(tokenRequests()).toHaveLength(3);
    expect(scene.registry.requestsOf("HEAD", /blobs/).map(({ status }) => status)).toEqual([401, 404, 404, 404]);
  });

  it.each([
    [undefined, 48],
    [10, 8],
    [300, 270],
  ])("checklist 7, 13: renews a token that lives %s s after %i s, before it expires", async (expiresIn, renewed) => {
    const store = await open({ auth: { type: "bearer", ...USER, ...(expiresIn && { expiresIn }) } }, USER);
    const { descriptor } = seededBlob("x", 10);
    let clock = 1000;
    vi.spyOn(performance, "now").mockImplementation(() => clock);
    await store.has(descriptor);
    clock += renewed * 1000 - 1;
    await store.has(descriptor);
    expect(tokenRequests()).toHaveLength(1);
    clock += 1;
    await store.has(descriptor);
    expect(tokenRequests()).toHaveLength(2);
    expect(scene.registry.requestsOf("HEAD", /blobs/).map(({ status }) => status)).toEqual([401, 404, 404, 404]);
  });

  it("checklist 13: keeps the tokens of repositories apart", async () => {
    await scene.start({ auth: { type: "bearer", ...USER } });
    const access: RegistryAccess = { retry: FAST_RETRY, credentials: async () => USER };
    const { descriptor } = seededBlob("x", 10);
    for (const repository of ["org/one", "org/two", "org/one"]) {
      expect(await openRegistry({ registry: scene.registry.host, repository }, access).has(descriptor)).toBe(false);
    }
    expect(tokenRequests().map(({ query }) => query.get("scope"))).toEqual([
      "repository:org/one:pull",
      "repository:org/two:pull",
    ]);
  });

  it("checklist 6: comes before Basic, whichever is named first, and Basic is taken where it is alone", async () => {
    const store = await open({ auth: { type: "bearer", ...USER } }, USER);
    scene.registry.faults = ({ method, headers }) => {
      if (method !== "HEAD" || headers.authorization !== undefined) return undefined;
      const header = `Basic realm="other", bearer realm="${scene.registry.url}/token", service="fake registry"`;
      return { status: 401, headers: { "www-authenticate": header } };
    };
    expect(await store.has(seededBlob("x", 10).descriptor)).toBe(false);
    expect(tokenRequests()).toHaveLength(1);
    await scene.close();
    const basic = await open({ auth: { type: "basic", ...USER } }, USER);
    scene.registry.faults = ({ headers }) => {
      if (headers.authorization !== undefined) return undefined;
      return { status: 401, headers: { "www-authenticate": 'Negotiate, BASIC realm="one, two"' } };
    };
    expect(await basic.has(seededBlob("x", 10).descriptor)).toBe(false);
  });

  it("checklist 9: asks for the repository's scope where the challenge names none", async () => {
    const store = await open({ auth: { type: "bearer", ...USER, omitScope: true } }, USER);
    await store.put(seededBlob("x", 10));
    expect(tokenRequests().map(({ query }) => query.get("scope"))).toEqual([
      "repository:org/cache:pull",
      "repository:org/cache:pull,push",
    ]);
  });

  it("checklist 11: trades an identity token by POST, with all scopes in one value", async () => {
    const store = await open(
      { auth: { type: "bearer", ...USER, identityToken: "id-token" } },
      { identityToken: "id-token" },
    );
    await store.put(seededBlob("x", 10));
    expect(scene.registry.requestsOf("POST", /^\/token$/)).toHaveLength(2);
    expect(tokenRequests()).toHaveLength(0);
  });

  it.each([404, 405])("checklist 10: falls back to GET when the POST is answered %i", async (postStatus) => {
    const store = await open(
      { auth: { type: "bearer", username: "<token>", password: "id-token", postStatus } },
      { identityToken: "id-token" },
    );
    await store.put(seededBlob("x", 10));
    expect(tokenRequests().every(({ status }) => status === 200)).toBe(true);
  });

  it("checklist 8: asks for the other repository too when it mounts", async () => {
    const store = await open({ auth: { type: "bearer", ...USER } }, USER);
    const blob = seededBlob("base", 1000);
    scene.registry.repository("org/base").addBlob(blob.bytes);
    expect(await store.mount?.(blob.descriptor, "org/base")).toBe(true);
    expect(tokenRequests()[0]?.query.getAll("scope").sort()).toEqual([
      "repository:org/base:pull",
      "repository:org/cache:pull,push",
    ]);
  });

  it("checklist 8: asks for both repositories by one POST where it has an identity token", async () => {
    const store = await open({ auth: { type: "bearer", identityToken: "id-token" } }, { identityToken: "id-token" });
    const blob = seededBlob("base", 1000);
    scene.registry.repository("org/base").addBlob(blob.bytes);
    expect(await store.mount?.(blob.descriptor, "org/base")).toBe(true);
    expect(scene.registry.requestsOf("POST", /^\/token$/)).toHaveLength(1);
  });

  it("lets anybody pull who may, without credentials", async () => {
    const store = await open({ auth: { type: "bearer", ...USER, anonymousPull: true } });
    expect(await store.has(seededBlob("x", 10).descriptor)).toBe(false);
    expect(tokenRequests()[0]?.headers.authorization).toBeUndefined();
  });

  it("does not ask for credentials that nobody wants", async () => {
    const store = await open({}, undefined, { credentials: () => Promise.reject(new Error("asked")) });
    expect(await store.has(seededBlob("x", 10).descriptor)).toBe(false);
  });

  it("sends no credentials over http to a token server of a registry with https", async () => {
    const { Authorizer } = await import("./authorizer.js");
    const authorizer = new Authorizer("reg.example", { credentials: async () => USER }, () =>
      Promise.reject(new Error("sent")),
    );
    const origin = new URL("https://reg.example");
    const answer = authorizer.answer('Bearer realm="http://auth.example/token"', origin, [], undefined);
    expect(await answer).toBeUndefined();
  });
});

describe("Basic", () => {
  it("checklist 6: is offered once asked for, then at once", async () => {
    const store = await open({ auth: { type: "basic", ...USER } }, USER);
    await store.put(seededBlob("x", 10));
    const statuses = scene.registry.requests.map(({ status }) => status);
    expect(statuses).toEqual([401, 404, 202, 201]);
  });
});

describe("what is refused", () => {
  const put = (store: Store) => store.put(seededBlob("x", 10));

  it("is AUTHENTICATION_REQUIRED with a hint to log in where there are no credentials", async () => {
    for (const auth of [
      { type: "basic", ...USER },
      { type: "bearer", ...USER },
    ] as const) {
      const store = await open({ auth });
      await expect(put(store)).rejects.toMatchObject({
        code: "AUTHENTICATION_REQUIRED",
        hint: `No credentials were found. Log in: spkoci login ${scene.registry.host}`,
      });
      await scene.close();
    }
  });

  it("is AUTHENTICATION_REQUIRED where the credentials are wrong, and is not tried again", async () => {
    for (const auth of [
      { type: "basic", ...USER },
      { type: "bearer", ...USER },
    ] as const) {
      const store = await open({ auth }, { username: "ann", password: "wrong-password" });
      await expect(put(store)).rejects.toMatchObject({
        code: "AUTHENTICATION_REQUIRED",
        hint: expect.stringContaining("wrong or have expired"),
      });
      expect(scene.registry.requests.length).toBeLessThanOrEqual(3);
      await scene.close();
    }
  });

  it("is ACCESS_DENIED where the credentials are right but don't allow it", async () => {
    const store = await open({ auth: { type: "bearer", ...USER, grant: () => ["pull"] } }, USER);
    await expect(put(store)).rejects.toMatchObject({ code: "ACCESS_DENIED", status: 401 });
    expect(scene.registry.requestsOf("POST", /uploads/)).toHaveLength(2);
  });

  it("shows no password and no token, not even one that the registry echoes", async () => {
    const events: SpkociEvent[] = [];
    const store = await open({ auth: { type: "bearer", ...USER, tokenField: "token" } }, USER);
    let token = "";
    scene.registry.faults = ({ method, headers }) => {
      if (method !== "PUT") return undefined;
      token = headers.authorization?.replace("Bearer ", "") ?? "";
      const message = `token ${token} of ${USER.password} is not welcome`;
      return { status: 403, body: { errors: [{ code: "DENIED", message }] } };
    };
    const error: Error = await store.put(blobOfBytes(Buffer.from("x")), { emit: (event) => events.push(event) }).then(
      () => expect.unreachable(),
      (e: Error) => e,
    );
    const shown = JSON.stringify([events, error.message, error.stack, { ...error }]);
    expect(token).not.toBe("");
    expect(error.message).toContain("403 DENIED: token *** of *** is not welcome");
    for (const secret of [token, USER.password, "_state=", Buffer.from(`ann:${USER.password}`).toString("base64")]) {
      expect(shown).not.toContain(secret);
    }
    expect(events.some(({ type }) => type === "request")).toBe(true);
  });
});

describe("a registry's image", () => {
  it("is pushed with every kind of authorisation at hand", async () => {
    const store = await open({ auth: { type: "bearer", ...USER, usesPerToken: 1, omitScope: true } }, USER);
    const image = buildImage("auth");
    for (const blob of image.blobs) await store.put(blob);
    await store.write(image.manifest, { tag: "v1" });
    expect(await store.resolve("v1")).toEqual(image.manifest.descriptor);
  });
});
