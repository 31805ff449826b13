import { endedPid } from "@spkoci/testkit";
import { describe, expect, it } from "vitest";
import { hasEnded, ownProcess } from "./process-owner.js";

describe("hasEnded", () => {
  it("is false for this process", () => {
    expect(hasEnded(ownProcess())).toBe(false);
  });

  it("is true for a process of this host that has ended", async () => {
    expect(hasEnded({ ...ownProcess(), pid: await endedPid() })).toBe(true);
  });

  it("is false for a process of another host, whatever its id", async () => {
    expect(hasEnded({ host: "000000000000", pid: await endedPid() })).toBe(false);
  });
});
