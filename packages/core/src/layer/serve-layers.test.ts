import { once } from "node:events";
import { existsSync } from "node:fs";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { MessageChannel } from "node:worker_threads";
import { withTemporaryFolder } from "@spkoci/testkit";
import { describe, expect, it } from "vitest";
import { pooledCalls } from "../base/file-calls.js";
import { serveLayers } from "./serve-layers.js";
import type { FromThread } from "./thread-messages.js";
import type { LayerJob } from "./write-layer.js";

/** The end of a layer that is stopped while the last file of its prefix is closed. */
function stopAtEnd(job: LayerJob): Promise<FromThread[]> {
  const { port1, port2 } = new MessageChannel();
  const calls = {
    ...pooledCalls,
    close: async (file: number) => {
      const delivered = once(port2, "message");
      port1.postMessage({ type: "stop", id: 1 });
      await delivered;
      await pooledCalls.close(file);
    },
  };
  serveLayers(port2, { calls, budget: { spareBytes: 1 << 20 } });
  const heard: FromThread[] = [];
  return new Promise((resolve) => {
    port1.on("message", (message: FromThread) => {
      heard.push(message);
      if (message.type !== "found" && message.type !== "made" && message.type !== "failed") return;
      port1.close();
      resolve(heard);
    });
    port1.postMessage({ type: "make", id: 1, job });
  });
}

describe("serveLayers", () => {
  it("asks for no build info of a layer that was stopped, which nobody may answer", () =>
    withTemporaryFolder(async (folder) => {
      const path = join(folder, "prefix");
      await mkdir(path);
      await writeFile(join(path, "a"), "content");
      const job: LayerJob = {
        prefix: "/opt/spack/pkg",
        path,
        needles: [],
        settings: { compression: "gzip", level: 1 },
        file: join(folder, "layer"),
        folder,
      };
      const heard = await stopAtEnd(job);
      expect(heard.at(-1)).toMatchObject({ type: "failed", error: { name: "AbortError" } });
      expect(existsSync(job.file)).toBe(false);
    }));
});
