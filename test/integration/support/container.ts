import { execFile } from "node:child_process";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";

const run = promisify(execFile);

interface RuntimeConfig {
  process: { terminal?: boolean; args: string[]; env: string[]; cwd: string };
  linux: { namespaces: { type: string }[] };
  root: { path: string };
}

/** Unpacks an image of an OCI layout with umoci into a bundle: a root file system and a runtime configuration. */
export async function unpackImage(layout: string, tag: string, bundle: string): Promise<void> {
  await run("umoci", ["unpack", "--image", `${layout}:${tag}`, bundle]);
}

/** What the image's own command and environment are, as umoci translates them for a runtime. */
export async function readProcess(bundle: string): Promise<RuntimeConfig["process"]> {
  return (JSON.parse(await readFile(join(bundle, "config.json"), "utf8")) as RuntimeConfig).process;
}

/** Runs a command in the bundle with runc, with the environment of the image's config, and returns what it printed. */
export async function runInContainer(bundle: string, args: readonly string[], name: string): Promise<string> {
  const path = join(bundle, "config.json");
  const config = JSON.parse(await readFile(path, "utf8")) as RuntimeConfig;
  config.process.terminal = false;
  config.process.args = [...args];
  await writeFile(path, JSON.stringify(config));
  const { stdout } = await run("runc", ["--root", `${bundle}.state`, "run", "--bundle", bundle, name]);
  return stdout;
}
