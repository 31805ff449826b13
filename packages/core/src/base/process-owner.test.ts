import { spawn } from "node:child_process";
import { once } from "node:events";
import { execPath } from "node:process";
import { describe, expect, it } from "vitest";
import { hasEnded, ownProcess } from "./process-owner.js";

describe("hasEnded", () => {
  it("is false for this process", () => {
    expect(hasEnded(ownProcess())).toBe(false);
  });

  it("is true for a process of this host that has ended", async () => {
    const child = spawn(execPath, ["-e", ""], { stdio: "ignore" });
    await once(child, "exit");
    expect(hasEnded({ ...ownProcess(), pid: child.pid ?? 0 })).toBe(true);
  });

  it("is false for a process of another host, whatever its id", async () => {
    const child = spawn(execPath, ["-e", ""], { stdio: "ignore" });
    await once(child, "exit");
    expect(hasEnded({ host: "000000000000", pid: child.pid ?? 0 })).toBe(false);
  });
});
