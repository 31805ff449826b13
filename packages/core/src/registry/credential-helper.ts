import { execFile } from "node:child_process";
import { SpkociError, systemCodeOf } from "../base/errors.js";
import type { Credentials } from "./access.js";
import { credentialsOf, helperKey, TOKEN_USER } from "./credential-file.js";

type Environment = Readonly<Record<string, string | undefined>>;

/** A helper may ask the user to unlock something, ms. */
const TIMEOUT_MS = 120_000;
const OUTPUT_LIMIT = 1024 * 1024;

/** The program of a helper's name, as found on PATH. */
export function helperProgram(name: string): string {
  return `docker-credential-${name}`;
}

/** What a helper keeps for a registry; undefined if it has nothing. @throws SpkociError CREDENTIALS_UNREADABLE */
export async function getFromHelper(
  name: string,
  registry: string,
  env: Environment,
): Promise<Credentials | undefined> {
  const run = await runHelper(name, "get", helperKey(registry), env);
  if (run.failed && isAbsence(run.output)) return undefined;
  if (run.failed) throw helperFailed(name, registry, run.failed);
  const parsed = parseAnswer(run.output);
  if (!parsed) throw helperFailed(name, registry, "its answer is malformed");
  return parsed.Username === "" && parsed.Secret === "" ? undefined : credentialsOf(parsed.Username, parsed.Secret);
}

/** @throws SpkociError CREDENTIALS_UNREADABLE */
export async function storeInHelper(
  name: string,
  registry: string,
  credentials: Credentials,
  env: Environment,
): Promise<void> {
  const [username, secret] =
    "identityToken" in credentials
      ? [TOKEN_USER, credentials.identityToken]
      : [credentials.username, credentials.password];
  const input = JSON.stringify({ ServerURL: helperKey(registry), Username: username, Secret: secret });
  const run = await runHelper(name, "store", input, env);
  if (run.failed) throw helperFailed(name, registry, run.failed);
}

/** Whether there was something to erase. @throws SpkociError CREDENTIALS_UNREADABLE */
export async function eraseFromHelper(name: string, registry: string, env: Environment): Promise<boolean> {
  if (!(await getFromHelper(name, registry, env))) return false;
  const run = await runHelper(name, "erase", helperKey(registry), env);
  if (run.failed) throw helperFailed(name, registry, run.failed);
  return true;
}

interface HelperRun {
  readonly output: string;
  /** Why it failed, if it did; never what it wrote. */
  readonly failed: string | undefined;
}

/** The protocol of docker's credential helpers: an action as argument, the rest over stdin and stdout. */
function runHelper(name: string, action: string, input: string, env: Environment): Promise<HelperRun> {
  return new Promise((resolve) => {
    // The password that spkoci was given is no business of a helper.
    const { SPKOCI_PASSWORD: _password, ...others } = env;
    const options = { env: others, timeout: TIMEOUT_MS, maxBuffer: OUTPUT_LIMIT, windowsHide: true };
    try {
      const child = execFile(helperProgram(name), [action], options, (error, stdout) => {
        resolve({ output: stdout, failed: error ? reasonOf(error) : undefined });
      });
      child.stdin?.on("error", () => {});
      child.stdin?.end(input);
    } catch (error) {
      // Node throws some reasons for which no process was made, and tells others later.
      resolve({ output: "", failed: reasonOf(error as Failure) });
    }
  });
}

interface Failure extends Error {
  readonly killed?: boolean;
  readonly signal?: NodeJS.Signals | null;
  readonly code?: unknown;
}

function reasonOf(error: Failure): string {
  if (systemCodeOf(error) === "ENOENT") return "it is not on PATH";
  if (error.killed) return "it took too long or wrote too much";
  if (error.signal) return `it was ended by ${error.signal}`;
  return typeof error.code === "number" ? `exit code ${error.code}` : `it can't be run (${String(error.code)})`;
}

function isAbsence(output: string): boolean {
  return /credentials not found|no credentials|credentials server URL|could not be found/i.test(output.slice(0, 1000));
}

function parseAnswer(output: string): { readonly Username: string; readonly Secret: string } | undefined {
  try {
    const { Username, Secret } = JSON.parse(output) as { readonly Username?: unknown; readonly Secret?: unknown };
    return typeof Username === "string" && typeof Secret === "string" ? { Username, Secret } : undefined;
  } catch {
    return undefined;
  }
}

function helperFailed(name: string, registry: string, why: string): SpkociError {
  const program = helperProgram(name);
  return new SpkociError("CREDENTIALS_UNREADABLE", `the credential helper ${program} failed for ${registry}: ${why}`, {
    hint: `Try it: echo ${helperKey(registry)} | ${program} get`,
  });
}
