import { spawn } from "node:child_process";
import { once } from "node:events";
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { requireTool, withTemporaryFolder } from "@spkoci/testkit";
import { describe, expect, it } from "vitest";

const BENCH = fileURLToPath(new URL("../../bench/run.mjs", import.meta.url));

interface Report {
  readonly tables: readonly { readonly rows: readonly { readonly label: string }[] }[];
}

function startBench(...words: string[]) {
  const child = spawn(process.execPath, [BENCH, "--no-build", ...words], { stdio: ["ignore", "pipe", "pipe"] });
  const output = { stdout: "", stderr: "" };
  child.stdout.on("data", (chunk: Buffer) => {
    output.stdout += chunk.toString();
  });
  child.stderr.on("data", (chunk: Buffer) => {
    output.stderr += chunk.toString();
  });
  const ended = once(child, "close").then(([code]) => ({ ...output, exitCode: code as number | null }));
  return { child, ended, output };
}

describe("the bench", () => {
  it("names its benchmarks when one does not exist", async () => {
    const { exitCode, stderr } = await startBench("pull").ended;
    expect(exitCode).toBe(2);
    expect(stderr).toContain("push, install, start, noop, scale, network, huge, index");
  });

  describe.skipIf(!requireTool("docker-registry"))("with docker-registry", () => {
    it.each([
      ["push", ["tar | gzip -6", "spkoci push", "spkoci push, again", "spkoci push to a layout folder"]],
      ["install", ["spkoci install", "spkoci install, layers in the local cache"]],
    ])("measures %s, writes table and JSON, and leaves nothing behind", (name, expected) =>
      withTemporaryFolder(async (folder) => {
        const output = join(folder, "output");
        const tiny = ["--rounds", "1", "--scale", "0.002", "--folder", folder, "--output", output];
        const { exitCode, stdout, stderr } = await startBench(name, ...tiny).ended;
        expect(exitCode, stderr).toBe(0);
        expect(stdout).toContain(await readFile(join(output, `${name}.md`), "utf8"));
        const report = JSON.parse(await readFile(join(output, `${name}.json`), "utf8")) as Report;
        const labels = report.tables.flatMap(({ rows }) => rows.map(({ label }) => label));
        expect(labels).toEqual(expect.arrayContaining(expected));
        for (const label of labels) expect(stdout).toContain(`| ${label.replaceAll("|", "\\|")} |`);
        expect(await readdir(folder)).toEqual(["output"]);
      }),
    );

    it("removes what it made when it is interrupted", () =>
      withTemporaryFolder(async (folder) => {
        const { child, ended, output } = startBench("push", "--scale", "0.002", "--folder", folder);
        while (!output.stderr.includes("round 1 of 5") && child.exitCode === null) await sleep(20);
        child.kill("SIGINT");
        expect((await ended).exitCode, output.stderr).toBe(130);
        expect(await readdir(folder)).toEqual([]);
      }));
  });
});
