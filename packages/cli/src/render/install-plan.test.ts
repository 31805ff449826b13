import type { InstallPlan, PlannedInstall } from "@spkoci/core";
import picocolors from "picocolors";
import { describe, expect, it } from "vitest";
import { formatInstallPlan } from "./install-plan.js";

const plain = picocolors.createColors(false);

function planned(name: string, more: Partial<PlannedInstall> = {}): PlannedInstall {
  return {
    name,
    version: "1.0",
    hash: `${name}aaaaaaaaaaaaaaaa`.slice(0, 32),
    action: "install",
    image: `ghcr.io/org/cache:${name}`,
    layerSize: 1024,
    explicit: false,
    ...more,
  };
}

describe("formatInstallPlan", () => {
  it("shows action, bytes and source of each package, then totals", () => {
    const plan: InstallPlan = {
      root: "/home/me/store",
      packages: [
        planned("zlib", { action: "skip", image: undefined, layerSize: 0 }),
        planned("bzip2", { layerSize: 2048 }),
        planned("curl", { image: "oci:a\u001b[2J:curl" }),
      ],
    };
    expect(formatInstallPlan(plan, plain).split("\n")).toEqual([
      "ACTION   PACKAGE               SIZE  FROM",
      "skip     zlib@1.0/zlibaaa         -  -",
      "install  bzip2@1.0/bzip2aa  2.0 KiB  ghcr.io/org/cache:bzip2",
      "install  curl@1.0/curlaaa   1.0 KiB  oci:a\\x1b[2J:curl",
      "",
      "2 to install (3.0 KiB of layers), 1 there already; nothing was written to /home/me/store",
      "",
    ]);
  });
});
