import { describe, expect, it } from "vitest";
import { findCacheDir } from "./cache-dir.js";

const common = { env: {}, home: "/home/me", uid: 1000, isInMemory: async () => false };

describe("findCacheDir", () => {
  it("is ~/.cache/spkoci, or below an absolute $XDG_CACHE_HOME", async () => {
    expect(await findCacheDir(common)).toEqual({ folder: "/home/me/.cache/spkoci" });
    expect(await findCacheDir({ ...common, env: { XDG_CACHE_HOME: "/xdg" } })).toEqual({ folder: "/xdg/spkoci" });
    const relative = await findCacheDir({ ...common, env: { XDG_CACHE_HOME: "xdg" } });
    expect(relative).toEqual({ folder: "/home/me/.cache/spkoci" });
  });

  it("moves to the disk where the default lies in memory", async () => {
    expect(await findCacheDir({ ...common, isInMemory: async () => true })).toEqual({ folder: "/var/tmp/spkoci-1000" });
  });

  it("keeps a folder in memory that the user chose, with a warning", async () => {
    const found = await findCacheDir({ ...common, chosen: "/dev/shm/x", isInMemory: async () => true });
    expect(found).toMatchObject({ folder: "/dev/shm/x", warning: { message: expect.stringContaining("/dev/shm/x") } });
  });

  it("says nothing of a chosen folder on a disk", async () => {
    expect(await findCacheDir({ ...common, chosen: "/disk" })).toEqual({ folder: "/disk" });
  });
});
