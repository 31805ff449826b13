import { resolve } from "node:path";
import { type InstallResult, install, makeView, type Op, planInstall, type ViewResult } from "@spkoci/core";
import type { GlobalFlags, InstallFlags } from "../flags.js";
import { cleanText } from "../render/clean-text.js";
import { formatInstallPlan } from "../render/install-plan.js";
import { formatInstallSummary } from "../render/install-summary.js";
import type { World } from "../world.js";
import { setEngineOptions } from "./engine-options.js";
import { readInstallOptions } from "./install-options.js";
import { reportFailures, runJob } from "./run-job.js";

/**
 * How far V8 lets its heap grow before it collects, percent of what is alive. V8's own choice takes about 40 MB more with thousands of packages,
 * in about the same time; 100 takes up to a tenth more time with Node 24.
 */
const HEAP_GROWTH = 150;

/** @returns the exit code: 0, or 10 if packages failed */
export async function runInstall(
  source: string,
  specs: readonly string[],
  flags: InstallFlags & GlobalFlags,
  world: World,
): Promise<number> {
  setEngineOptions({ heapGrowth: HEAP_GROWTH });
  return runJob(flags, world, async ({ op, finish }) => {
    const options = await readInstallOptions(source, specs, flags, world, op);
    if (flags.dryRun) {
      const plan = await planInstall(options, op);
      finish(plan, (colors) => formatInstallPlan(plan, colors));
      return 0;
    }
    const result = await install(options, op);
    const view = await viewOf(result, flags, world, op);
    finish({ ...result, ...view }, (colors) => formatInstallSummary(result, colors) + formatView(view?.view));
    return reportFailures(result.packages, flags, world);
  });
}

/** The view that was asked for, of all packages of the run; none if packages failed. */
async function viewOf(
  { root, packages, totals }: InstallResult,
  flags: InstallFlags,
  world: World,
  op: Op,
): Promise<{ view: ViewResult } | undefined> {
  if (flags.view === undefined || totals.failed > 0) return undefined;
  const specs = packages.map(({ hash }) => `/${hash}`);
  const view = await makeView({ root, specs, dir: resolve(world.cwd, flags.view) }, op);
  for (const { path, kept, left } of view.conflicts) {
    op.emit?.({ type: "warning", message: `${path} of the view is ${kept}, not ${left}` });
  }
  return { view };
}

function formatView(view: ViewResult | undefined): string {
  return view === undefined ? "" : `${view.links} links in ${cleanText(view.dir)}\n`;
}
