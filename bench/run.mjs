// pnpm bench [NAME...] [options]; see bench/options.mjs, or `pnpm bench --help`.
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { build, installDependencies } from "../scripts/workspace.mjs";
import { BENCHMARKS } from "./benchmarks.mjs";
import { describeMachine } from "./machine.mjs";
import { readOptions } from "./options.mjs";
import { missingOf } from "./programs.mjs";
import { openSession } from "./session.mjs";
import { formatReport } from "./table.mjs";
import { writeDocs } from "./write-docs.mjs";

const options = readOptions(process.argv.slice(2));
if (options.writeDocs) await writeDocs(options.writeDocs);
else await runBenchmarks();

async function runBenchmarks() {
  if (!options.noBuild) {
    await installDependencies();
    await build("packages/cli", "packages/testkit");
  }
  const session = await openSession(options);
  try {
    for (const name of options.names) await runBenchmark(name, session);
  } catch (error) {
    // What a signal interrupted ends in many ways; the session itself is closing then, and ends this process.
    if (session.isStopped()) await new Promise(() => {});
    throw error;
  } finally {
    await session.close();
  }
}

async function runBenchmark(name, session) {
  const { needs = [], load } = BENCHMARKS[name];
  const missing = await missingOf(needs);
  if (missing.length > 0) {
    console.error(`${name} is left out: no ${missing.join(", ")} here`);
    return;
  }
  console.error(`# ${name}`);
  session.benchmark = name;
  const { measure } = await load();
  const head = await describeMachine(session.folder);
  const measured = await measure(session);
  const report = { name, ...head, profiled: options.profile, ...measured };
  const markdown = formatReport(report);
  console.log(`\n${markdown}`);
  if (measured.tables?.some(({ rows }) => rows.some(({ failure }) => failure !== undefined))) process.exitCode = 1;
  if (!options.output) return;
  await mkdir(options.output, { recursive: true });
  await writeFile(join(options.output, `${name}.md`), markdown);
  await writeFile(join(options.output, `${name}.json`), `${JSON.stringify(report, null, 2)}\n`);
}
