import { resolve } from "node:path";
import { type CacheReport, readReport, SpkociError, writeFileAtomically } from "@spkoci/core";
import type { GlobalFlags, ReportFlags } from "../flags.js";
import { formatReported } from "../render/reported.js";
import { checkPlace } from "../report/check-place.js";
import { formatPage } from "../report/format-page.js";
import { pageDataOf } from "../report/page-data-of.js";
import { readAssets } from "../report/read-assets.js";
import { readVersion } from "../version.js";
import type { World } from "../world.js";
import { readCacheAccess } from "./cache-access.js";
import { runJob } from "./run-job.js";
import { joinSpecWords } from "./spec-words.js";

const DEFAULT_FILE = "spkoci-report.html";

/** Writes a page about a cache to a file, or to standard output for `-`. */
export async function runReport(
  source: string,
  specs: readonly string[],
  flags: ReportFlags & GlobalFlags,
  world: World,
): Promise<number> {
  return runJob(flags, world, async ({ op, finish }) => {
    const file = await chooseFile(flags, world);
    const queries = joinSpecWords(specs);
    const access = await readCacheAccess(source, flags, world, op);
    const report = await readReport({ source, queries, access, jobs: access.maxRequests }, op);
    const page = await pageOf(report, queries);
    if (file === undefined) {
      world.stdout.write(page);
      return 0;
    }
    await writeFileAtomically(file, page);
    const { indexed, totals, broken } = report;
    finish({ file, source: report.source, indexed, totals, broken }, () => formatReported(file, report));
    return 0;
  });
}

/** Undefined for standard output. */
async function chooseFile({ output, json }: ReportFlags & GlobalFlags, world: World): Promise<string | undefined> {
  if (output === "-") {
    if (!json) return undefined;
    throw new SpkociError("INVALID_ARGUMENT", "-o - and --json both want standard output", {
      hint: "Name a file for the page: -o FILE.html",
    });
  }
  const file = resolve(world.cwd, output ?? DEFAULT_FILE);
  await checkPlace(file);
  return file;
}

async function pageOf(report: CacheReport, queries: readonly string[]): Promise<string> {
  return formatPage(pageDataOf(report, queries, `spkoci ${readVersion()}`), await readAssets());
}
