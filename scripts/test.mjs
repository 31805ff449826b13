// Passes every test: installs what is missing, builds, runs the suites, and counts what ran.
//   --all-nodes   run unit and contract on the other supported versions of Node too (with CI=true always)
//   SUITE…        only these suites
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { delimiter, dirname, join, relative } from "node:path";
import { parseArgs } from "node:util";
import { installTools, toolPath } from "./debian-tools.mjs";
import { build, installDependencies, isCi, must, run } from "./workspace.mjs";

const SUITES = ["unit", "contract", "property", "integration", "faults", "e2e"];
/** Suites that hold spkoci against other programs. */
const NEEDS_TOOLS = ["contract", "integration", "faults", "e2e"];
const OTHER_NODES = ["22", "24"];
const SUITES_ON_OTHER_NODES = ["unit", "contract"];
const SUITE_TIMEOUT_MS = 15 * 60_000;

const { values, positionals } = parseArgs({ options: { "all-nodes": { type: "boolean" } }, allowPositionals: true });
const unknown = positionals.filter((name) => !SUITES.includes(name));
if (unknown.length > 0) {
  console.error(`No such suite: ${unknown.join(", ")}. There are: ${SUITES.join(", ")}.`);
  process.exit(2);
}
const chosen = positionals.length > 0 ? SUITES.filter((name) => positionals.includes(name)) : SUITES;

await installDependencies();
await build();
const missing = chosen.some((suite) => NEEDS_TOOLS.includes(suite)) ? await installTools() : [];
if (missing.length > 0) {
  const how = `Missing programs: ${missing.join(", ")} (Debian packages of the same names)`;
  if (isCi) {
    console.error(`${how}. With CI=true every test must run.`);
    process.exit(1);
  }
  console.log(`${how}. The tests that need them are skipped.`);
}

const reports = await mkdtemp(join(tmpdir(), "spkoci-test-"));
const rows = [];
try {
  for (const suite of chosen) rows.push(await runSuite(suite, process.execPath));
  if (isCi || values["all-nodes"]) {
    for (const major of OTHER_NODES) {
      const node = await must(`Getting Node ${major}`, "npx", ["-y", `node@${major}`, "-p", "process.execPath"], {
        capture: true,
      });
      for (const suite of chosen.filter((name) => SUITES_ON_OTHER_NODES.includes(name))) {
        rows.push(await runSuite(suite, node.trim()));
      }
    }
  }
} finally {
  await rm(reports, { recursive: true, force: true });
}
printSummary(rows);

/** Runs one suite on one Node and resolves to what its report says; a suite that ran nothing or broke counts as one failure. */
async function runSuite(suite, node) {
  const version = (await must("Asking Node's version", node, ["-p", "process.version"], { capture: true })).trim();
  console.log(`\n# ${suite} on Node ${version}`);
  const report = join(reports, `${suite}-${version}.json`);
  const started = performance.now();
  const { code } = await run(
    node,
    [
      "node_modules/vitest/vitest.mjs",
      ...["run", "--project", `${suite}*`],
      ...["--reporter=default", "--reporter=json", `--outputFile.json=${report}`],
    ],
    { env: { PATH: [dirname(node), toolPath].join(delimiter) }, timeoutMs: SUITE_TIMEOUT_MS },
  );
  const seconds = (performance.now() - started) / 1000;
  const result = await readFile(report, "utf8").then(JSON.parse, () => undefined);
  const passed = result?.numPassedTests ?? 0;
  const failed = result?.numFailedTests ?? 0;
  const skipped = (result?.numPendingTests ?? 0) + (result?.numTodoTests ?? 0);
  const isBroken = failed === 0 && (code !== 0 || passed === 0);
  if (isBroken)
    console.error(`${suite} on Node ${version}: ${passed === 0 ? "no test ran" : "ended badly"} (exit code ${code})`);
  const failures = (result?.testResults ?? []).flatMap((file) =>
    file.assertionResults
      .filter(({ status }) => status === "failed")
      .map(
        ({ fullName, failureMessages }) =>
          `${relative(process.cwd(), file.name)}: ${fullName}\n    ${failureMessages[0]?.split("\n", 12).join("\n    ") ?? ""}`,
      ),
  );
  return { suite, version, passed, failed: failed + (isBroken ? 1 : 0), skipped, seconds, failures };
}

/** Prints what failed, a table and, as the last line, the sums; sets the exit code. */
function printSummary(results) {
  const sum = (key) => results.reduce((total, row) => total + row[key], 0);
  const line = (cells) => cells.map((cell, index) => (index < 2 ? cell.padEnd(12) : cell.padStart(8))).join("");
  for (const { suite, version, failures } of results) {
    for (const failure of failures) console.log(`\nFailed in ${suite} on Node ${version}: ${failure}`);
  }
  console.log(`\n${line(["suite", "node", "passed", "failed", "skipped", "seconds"])}`);
  for (const row of results) {
    const { suite, version, passed, failed, skipped, seconds } = row;
    console.log(line([suite, version, `${passed}`, `${failed}`, `${skipped}`, seconds.toFixed(1)]));
  }
  const skipped = sum("skipped");
  console.log(`\n${sum("passed")} passed, ${sum("failed")} failed${skipped > 0 ? `, ${skipped} skipped` : ""}`);
  process.exitCode = sum("failed") > 0 ? 1 : 0;
}
