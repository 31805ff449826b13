import { describe, expect, it } from "vitest";
import { createRegistryAccess } from "./registry-access.js";
import type { World } from "./world.js";

const world = { env: {}, home: "/home/ann" } as World;

describe("createRegistryAccess", () => {
  it("never asks more at once than --jobs, even one", async () => {
    expect(await createRegistryAccess({ jobs: 1 }, undefined, world)).toMatchObject({ maxRequests: 1 });
    expect((await createRegistryAccess({}, undefined, world)).maxRequests).toBeUndefined();
  });

  it("takes the retries of the run, and chunks in MiB", async () => {
    const access = await createRegistryAccess({ retries: 0, "chunk-size": 4 }, undefined, world);
    expect(access).toMatchObject({ retries: 0, chunkSize: 4_194_304 });
    expect((await createRegistryAccess({}, undefined, world)).chunkSize).toBeUndefined();
  });
});
