import { execFile } from "node:child_process";
import { cp, mkdir, mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

const root = fileURLToPath(new URL("../..", import.meta.url));
const core = "packages/core/src";

/** Files that break a rule, and the rule. */
const refused: readonly (readonly [file: string, source: string, rule: string])[] = [
  [`${core}/base/a.ts`, 'export * from "../oci/x.js";', "noRestrictedImports"],
  [`${core}/oci/a.ts`, 'export * from "../spack/x.js";', "noRestrictedImports"],
  [`${core}/spack/a.ts`, 'export * from "../oci/x.js";', "noRestrictedImports"],
  [`${core}/layer/a.ts`, 'export * from "../store/x.js";', "noRestrictedImports"],
  [`${core}/store/a.ts`, 'export * from "../registry/x.js";', "noRestrictedImports"],
  [`${core}/registry/a.ts`, 'export * from "../layer/x.js";', "noRestrictedImports"],
  [`${core}/relocate/a.ts`, 'export * from "../layer/x.js";', "noRestrictedImports"],
  [`${core}/image/a.ts`, 'export * from "../location/x.js";', "noRestrictedImports"],
  [`${core}/location/a.ts`, 'export * from "../catalog/x.js";', "noRestrictedImports"],
  [`${core}/catalog/a.ts`, 'export * from "../push/x.js";', "noRestrictedImports"],
  [`${core}/push/a.ts`, 'export * from "../index.js";', "noRestrictedImports"],
  [`${core}/install/a.ts`, 'export * from "../push/x.js";', "noRestrictedImports"],
  [`${core}/use/a.ts`, 'export * from "../install/x.js";', "noRestrictedImports"],
  [`${core}/inspect/a.ts`, 'export * from "../install/x.js";', "noRestrictedImports"],
  [`${core}/reindex/a.ts`, 'export * from "../install/x.js";', "noRestrictedImports"],
  [`${core}/check/a.ts`, 'export * from "../install/x.js";', "noRestrictedImports"],
  [`${core}/copy/a.ts`, 'export * from "../install/x.js";', "noRestrictedImports"],
  [`${core}/prune/a.ts`, 'export * from "../install/x.js";', "noRestrictedImports"],
  [`${core}/manage/a.ts`, 'export * from "../install/x.js";', "noRestrictedImports"],
  [`${core}/unlisted/a.ts`, 'export * from "../base/x.js";', "noRestrictedImports"],
  [`${core}/layer/tar.ts`, 'export * from "tar-stream";', "noRestrictedImports"],
  [`${core}/registry/fetch.ts`, 'export * from "node-fetch";', "noRestrictedImports"],
  [`${core}/registry/dynamic.ts`, 'export const f = await import("node-fetch");', "noRestrictedImports"],
  [`${core}/base/hash.ts`, 'export * from "ssri";', "noRestrictedImports"],
  [`${core}/push/limit.ts`, 'export * from "p-limit";', "noRestrictedImports"],
  [`${core}/push/process.ts`, 'export { env } from "node:process";', "noRestrictedImports"],
  [`${core}/push/env.ts`, "export const home = process.env.HOME;", "noRestrictedGlobals"],
  [`${core}/push/fetch.ts`, 'export const page = fetch("http://a");', "noRestrictedGlobals"],
  [`${core}/push/print.ts`, 'console.error("x");', "noConsole"],
  ["packages/cli/src/a.ts", 'export * from "../../core/src/push/x.js";', "noRestrictedImports"],
  ["packages/cli/src/b.ts", 'export * from "@spkoci/core/dist/x.js";', "noRestrictedImports"],
  ["packages/cli/src/c.ts", 'export * from "@spkoci/testkit";', "noRestrictedImports"],
  ["packages/testkit/src/a.ts", 'export * from "spkoci";', "noRestrictedImports"],
];

/** Files that look alike and are fine. */
const accepted: readonly (readonly [file: string, source: string])[] = [
  [`${core}/push/ok.ts`, 'export * from "../base/x.js";\nexport * from "../registry/x.js";\nexport * from "./x.js";'],
  [`${core}/relocate/ok.ts`, 'export * from "../spack/x.js";'],
  [`${core}/store/ok.ts`, 'export * from "tar-stream";'],
  [`${core}/registry/transport.ts`, 'export * from "node-fetch";\nexport * from "../oci/x.js";'],
  [`${core}/base/digest.ts`, 'export * from "ssri";'],
  [`${core}/base/concurrency.ts`, 'export * from "p-limit";'],
  [`${core}/store/x.test.ts`, 'export * from "../registry/x.js";'],
  ["packages/cli/src/ok.ts", 'export * from "@spkoci/core";\nexport const home = process.env.HOME;'],
];

interface Finding {
  readonly file: string;
  readonly rule: string;
}

let folder: string;
let findings: readonly Finding[];

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "spkoci-import-rules-"));
  await cp(join(root, "biome.json"), join(folder, "biome.json"));
  await cp(join(root, ".gitignore"), join(folder, ".gitignore"));
  await symlink(join(root, "node_modules"), join(folder, "node_modules"));
  for (const [file, source] of [...refused, ...accepted]) {
    await mkdir(dirname(join(folder, file)), { recursive: true });
    await writeFile(join(folder, file), `${source}\n`);
  }
  const biome = join(root, "node_modules/.bin/biome");
  const rules = ["style/noRestrictedImports", "style/noRestrictedGlobals", "suspicious/noConsole"];
  const run = promisify(execFile)(
    biome,
    ["lint", "--reporter=github", "--max-diagnostics=none", ...rules.map((rule) => `--only=${rule}`), "packages"],
    { cwd: folder },
  );
  const { stdout } = await run.catch((error: { stdout: string }) => error);
  findings = [...stdout.matchAll(/^::error title=lint\/\w+\/(\w+),file=(\S+?),line/gm)].map(
    ([, rule = "", file = ""]) => ({
      rule,
      file: file.slice(file.indexOf("packages/")),
    }),
  );
});

afterAll(() => rm(folder, { recursive: true, force: true }));

describe("import rules", () => {
  it.each(refused)("refuse %s: %s", (file, _source, rule) => {
    expect(findings).toContainEqual({ file, rule });
  });

  it.each(accepted)("allow %s", (file) => {
    expect(findings.filter((finding) => finding.file === file)).toEqual([]);
  });
});
