import { type FakeRegistryOptions, RegistryScene } from "@spkoci/testkit";
import { describe, expect, it } from "vitest";
import { verifyLogin } from "./login.js";

const USER = { username: "ann", password: "s3cret-password" };

const scene = new RegistryScene();

describe("verifyLogin", () => {
  const start = async (auth?: FakeRegistryOptions["auth"]) => {
    const { host } = await scene.start(auth ? { auth } : {});
    return host;
  };

  it("accepts what the registry accepts", async () => {
    expect(await verifyLogin(await start({ type: "basic", ...USER }), USER)).toBe("accepted");
    await scene.close();
    expect(await verifyLogin(await start({ type: "bearer", ...USER }), USER)).toBe("accepted");
    await scene.close();
    const identityToken = "id-token";
    expect(await verifyLogin(await start({ type: "bearer", identityToken }), { identityToken })).toBe("accepted");
  });

  it("is AUTHENTICATION_REQUIRED for wrong passwords", async () => {
    for (const type of ["basic", "bearer"] as const) {
      const host = await start({ type, ...USER });
      await expect(verifyLogin(host, { username: "ann", password: "wrong-password" })).rejects.toMatchObject({
        code: "AUTHENTICATION_REQUIRED",
        message: expect.not.stringContaining("wrong-password"),
      });
      await scene.close();
    }
  });

  it("checklist 67: says that a registry wants none, whether /v2/ is 200 or 404", async () => {
    expect(await verifyLogin(await start(), USER)).toBe("not-needed");
    scene.registry.faults = () => ({ status: 404 });
    expect(await verifyLogin(scene.registry.host, USER)).toBe("not-needed");
  });

  it("fails with REGISTRY_UNREACHABLE where nobody listens", async () => {
    const host = await start();
    await scene.close();
    await expect(verifyLogin(host, USER)).rejects.toMatchObject({ code: "REGISTRY_UNREACHABLE" });
  });
});
