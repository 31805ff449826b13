import { execFile } from "node:child_process";
import { chmod, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { createTemporaryFolder, type TemporaryFolder } from "@spkoci/testkit";
import { afterEach, beforeEach, describe, expect, it } from "vitest";

const SCRIPT = fileURLToPath(new URL("../../scripts/audit.mjs", import.meta.url));

let folder: TemporaryFolder;

beforeEach(async () => {
  folder = await createTemporaryFolder();
});
afterEach(() => folder.remove());

interface Ended {
  readonly exitCode: number;
  readonly output: string;
}

/** Runs the audit with a package manager that answers this. */
async function audit(answer: string, exitCode: number): Promise<Ended> {
  await writeFile(join(folder.path, "answer"), answer);
  await writeFile(join(folder.path, "npx"), `#!/bin/sh\ncat ${join(folder.path, "answer")}\nexit ${exitCode}\n`);
  await chmod(join(folder.path, "npx"), 0o755);
  const env = { ...process.env, PATH: `${folder.path}:${process.env.PATH}` };
  return new Promise((resolve) => {
    execFile(process.execPath, [SCRIPT], { env }, (error, stdout, stderr) => {
      resolve({ exitCode: Number(error?.code ?? 0), output: stdout + stderr });
    });
  });
}

const advisory = (severity: string): object => ({ severity, module_name: "left-pad", title: "pads", url: "https://x" });
const found = (...severities: string[]): string => JSON.stringify({ advisories: { ...severities.map(advisory) } });
const failed = (code: string): string => JSON.stringify({ error: { code, message: "it responded with 405" } });

describe("the audit of production dependencies", () => {
  it.each(["high", "critical"])("fails on a known vulnerability of %s severity, and names it", async (severity) => {
    const { exitCode, output } = await audit(found("low", severity), 1);
    expect(exitCode).toBe(1);
    expect(output).toBe(`audit: ${severity}: left-pad: pads https://x\n`);
  });

  it("passes with those of lower severity, which it counts, and with none", async () => {
    const ended = await audit(found("low", "moderate"), 1);
    expect(ended).toEqual({ exitCode: 0, output: "audit: no vulnerability of high severity is known, 2 of lower\n" });
    expect(await audit(found(), 0)).toMatchObject({ exitCode: 0, output: expect.stringContaining("0 of lower") });
  });

  it.each(["ERR_PNPM_AUDIT_BAD_RESPONSE", "ERR_PNPM_AUDIT_ENDPOINT_NOT_EXISTS", "ENOTFOUND"])(
    "passes and says so where the registry answers no audits: %s",
    async (code) => {
      const { exitCode, output } = await audit(failed(code), 1);
      expect(exitCode).toBe(0);
      expect(output).toBe(`audit: the registry answers no audits: ${code} it responded with 405\n`);
    },
  );

  it.each([failed("ERR_PNPM_AUDIT_NO_LOCKFILE"), "no JSON", ""])("fails if it can't be made: %j", async (answer) => {
    expect(await audit(answer, 1)).toMatchObject({ exitCode: 1, output: expect.stringContaining("pnpm audit failed") });
  });
});
