import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdir, readdir, readFile, symlink, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { execPath } from "node:process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { Worker } from "node:worker_threads";
import { createTemporaryFolder, seededBytes, type TemporaryFolder } from "@spkoci/testkit";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { pooledCalls } from "../../packages/core/src/base/file-calls.js";
import { type LayerCaller, LayerThreads } from "../../packages/core/src/layer/layer-threads.js";
import { type LayerJob, type WrittenLayer, writeLayer } from "../../packages/core/src/layer/write-layer.js";

const DIST = new URL("../../packages/core/dist/layer/", import.meta.url);
const FILE = new URL("layer-thread.js", DIST);

let temporary: TemporaryFolder;

beforeEach(async () => {
  temporary = await createTemporaryFolder();
});

afterEach(() => temporary.remove());

/** The real threads, compiled. */
function threads(count: number): LayerThreads {
  return new LayerThreads(count, () => new Worker(FILE, { workerData: { spareBytes: 2 << 20 } }));
}

/** A prefix of many small files, a large one among them, and names that need PAX headers. */
async function makePrefix(name: string): Promise<string> {
  const path = join(temporary.path, name);
  const files: Record<string, Buffer | string> = { "m/huge": seededBytes(name, 6_000_000), "m/empty": "" };
  for (let at = 0; at < 300; at += 1) files[`${at % 2 === 0 ? "a" : "z"}/${at}`] = `${name} /opt/spack/${at}`;
  files[`grüße/${"long/".repeat(30)}${"n".repeat(120)}`] = "far down";
  for (const [file, content] of Object.entries(files)) {
    await mkdir(dirname(join(path, file)), { recursive: true });
    await writeFile(join(path, file), content);
  }
  await symlink("日本", join(path, "link"));
  return path;
}

function jobOf(path: string, file: string): LayerJob {
  return {
    prefix: "/opt/spack/pkg",
    path,
    listed: undefined,
    needles: ["/opt/spack"],
    settings: { compression: "gzip", level: 3 },
    file: join(temporary.path, file),
    folder: temporary.path,
  };
}

/** What doesn't depend on when it was made. */
function withoutTime(layer: WrittenLayer | undefined): unknown {
  return { ...layer, fingerprint: undefined };
}

const caller: LayerCaller = { buildInfo: (found) => JSON.stringify(found) };

describe("layers made in threads", () => {
  it("have the same bytes whatever the number of threads, and without any", async () => {
    const names = ["one", "two", "three", "four", "five", "six"];
    const paths = await Promise.all(names.map(makePrefix));
    const own = { calls: pooledCalls, budget: { spareBytes: 0 } };
    const expected = await Promise.all(paths.map((path, at) => writeLayer(jobOf(path, `own-${at}`), caller, own)));
    for (const count of [1, 2, 5]) {
      const some = threads(count);
      const made = await Promise.all(paths.map((path, at) => some.run(jobOf(path, `layer-${at}`), caller)));
      expect(made.map(withoutTime)).toEqual(expected.map(withoutTime));
      for (const at of paths.keys()) {
        const [theirs, ours] = ["own", "layer"].map((kind) => readFile(join(temporary.path, `${kind}-${at}`)));
        expect((await ours)?.equals((await theirs) as Buffer)).toBe(true);
      }
    }
  });

  it("end with the abort's reason at any moment, without a file", async () => {
    const path = await makePrefix("stopped");
    const some = threads(2);
    for (let turn = 0; turn < 12; turn += 1) {
      const stop = new AbortController();
      const reason = new Error("enough");
      const jobs = [0, 1, 2].map((at) => jobOf(path, `stopped-${at}`));
      const making = jobs.map((job) => some.run(job, caller, { signal: stop.signal }));
      const ended = Promise.allSettled(making);
      // Moments spread over about the time that a layer takes.
      await new Promise((resolve) => setTimeout(resolve, turn * 7));
      stop.abort(reason);
      for (const [at, outcome] of (await ended).entries()) {
        if (outcome.status === "rejected") expect(outcome.reason).toBe(reason);
        expect(existsSync(jobs[at]?.file ?? "")).toBe(outcome.status === "fulfilled");
      }
    }
  });

  it("let the process end that made them, through the library as well", async () => {
    const path = await makePrefix("ending");
    const script = `
      const { makeLayer } = await import(${JSON.stringify(new URL("make-layer.js", DIST).href)});
      const { openSpool } = await import(${JSON.stringify(new URL("spool.js", DIST).href)});
      const spool = await openSpool(${JSON.stringify(temporary.path)});
      const layer = await makeLayer({ prefix: "/opt/spack/pkg", path: ${JSON.stringify(path)}, needles: [],
        buildInfo: () => "", compression: "gzip", spool });
      await spool.dispose();
      console.log(layer.descriptor.size);
    `;
    const { stdout } = await promisify(execFile)(execPath, ["--input-type=module", "-e", script], {
      cwd: fileURLToPath(DIST),
    });
    expect(Number(stdout)).toBeGreaterThan(6_000_000);
    expect(await readdir(join(temporary.path, "spool"))).toEqual([]);
  });
});
