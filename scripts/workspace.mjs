// What the root scripts share. Built-in modules only: these scripts run before anything is installed.
import { spawn } from "node:child_process";
import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";

export const root = fileURLToPath(new URL("..", import.meta.url));
export const isCi = process.env.CI === "true";

/**
 * Runs a program and resolves to its exit code (128 for a signal), 127 if it can't be started, and what it wrote if `capture` is set.
 * Its stdin is closed. After `timeoutMs` it is killed.
 */
export function run(command, args, { capture = false, env, timeoutMs, cwd = root } = {}) {
  return new Promise((resolve) => {
    const child = spawn(command, args, {
      cwd,
      env: { ...process.env, ...env },
      stdio: ["ignore", capture ? "pipe" : "inherit", "inherit"],
      timeout: timeoutMs,
      killSignal: "SIGKILL",
    });
    let stdout = "";
    child.stdout?.setEncoding("utf8").on("data", (text) => {
      stdout += text;
    });
    child.on("error", (error) => {
      console.error(`${command}: ${error.message}`);
      resolve({ code: 127, stdout });
    });
    child.on("close", (code) => resolve({ code: code ?? 128, stdout }));
  });
}

/** Runs a step that everything after it needs; ends the script if it fails. */
export async function must(what, command, args, options) {
  const { code, stdout } = await run(command, args, options);
  if (code !== 0) {
    console.error(`${what} failed: ${command} ${args.join(" ")} (exit code ${code})`);
    process.exit(1);
  }
  return stdout;
}

/** Installs the dependencies of the lockfile, unless they are there. */
export async function installDependencies() {
  const read = (path) => readFile(new URL(`../${path}`, import.meta.url), "utf8").catch(() => undefined);
  const wanted = await read("pnpm-lock.yaml");
  if (wanted === (await read("node_modules/.pnpm/lock.yaml"))) return;
  const { packageManager } = JSON.parse(await read("package.json"));
  console.log("Installing dependencies");
  // CI=true keeps pnpm from asking questions.
  await must("Installing", "npx", ["-y", packageManager, "install", "--frozen-lockfile"], { env: { CI: "true" } });
}

/** Compiles these projects and what they refer to, all of the workspace unless named, and bundles the program; seconds if nothing changed. */
export async function build(...projects) {
  await must("The build", process.execPath, ["node_modules/typescript/bin/tsc", "-b", ...projects]);
  await must("Bundling the program", process.execPath, ["scripts/bundle.mjs"]);
}
