// Fails if a production dependency has a known vulnerability of high or critical severity. Where the registry of packages answers no
// audits, or can't be reached, it says so and passes: then nobody knows more than before.
import { readFile } from "node:fs/promises";
import { root, run } from "./workspace.mjs";

const TIMEOUT_MS = 60_000;
const GRAVE = ["high", "critical"];
/** What pnpm calls it when the registry gives no answer. */
const NO_ANSWER =
  /^ERR_PNPM_(?:AUDIT_(?:BAD_RESPONSE|ENDPOINT_NOT_EXISTS)|META_FETCH_FAIL|FETCH_\d+)$|^E(?:NOTFOUND|AI_AGAIN|CONNREFUSED|CONNRESET|TIMEDOUT)$/;

const { packageManager } = JSON.parse(await readFile(`${root}package.json`, "utf8"));
const { code, stdout } = await run("npx", ["-y", packageManager, "audit", "--prod", "--json"], {
  capture: true,
  timeoutMs: TIMEOUT_MS,
});
const answer = parse(stdout);
if (code === 128 && answer === undefined)
  console.log(`audit: the registry gave no answer within ${TIMEOUT_MS / 1000} s`);
else if (NO_ANSWER.test(answer?.error?.code ?? "")) {
  console.log(`audit: the registry answers no audits: ${answer.error.code} ${answer.error.message}`);
} else if (answer?.advisories === undefined)
  fail(`audit: pnpm audit failed (exit code ${code}): ${stdout.slice(0, 1000)}`);
else judge(Object.values(answer.advisories));

function judge(advisories) {
  const grave = advisories.filter(({ severity }) => GRAVE.includes(severity));
  for (const { severity, module_name, title, url } of grave)
    fail(`audit: ${severity}: ${module_name}: ${title} ${url}`);
  const others = advisories.length - grave.length;
  if (grave.length === 0) console.log(`audit: no vulnerability of high severity is known, ${others} of lower`);
}

function fail(message) {
  console.error(message);
  process.exitCode = 1;
}

function parse(text) {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
