import { execFile } from "node:child_process";
import { readFile } from "node:fs/promises";
import { arch, cpus, platform, release, totalmem } from "node:os";
import { join } from "node:path";
import { root } from "../scripts/workspace.mjs";

const PROGRAMS = ["docker-registry", "skopeo", "umoci", "curl", "pigz", "zstd", "tar", "gzip"];

/** What stands above every table: the day, the machine, the file system of the folder, and the versions of everything that is measured. */
export async function describeMachine(folder) {
  const versions = [`spkoci ${await spkociVersion()}`, `Node ${process.versions.node}`];
  for (const program of PROGRAMS) {
    const version = await versionOf(program);
    if (version) versions.push(`${program} ${version}`);
  }
  const spack = process.env.SPACK_ROOT && (await versionOf(join(process.env.SPACK_ROOT, "bin/spack")));
  if (spack) versions.push(`Spack ${spack}`);
  return {
    date: new Date().toISOString().slice(0, 10),
    machine: [
      `${cpus().length} × ${cpus()[0]?.model.trim() || arch()}`,
      `${Math.round(totalmem() / 2 ** 30)} GiB`,
      `${platform()} ${release()}`,
      await fileSystemOf(folder),
    ].join(", "),
    versions: versions.join(", "),
  };
}

async function spkociVersion() {
  const { version } = JSON.parse(await readFile(join(root, "packages/cli/package.json"), "utf8"));
  const commit = await outputOf("git", ["-C", root, "describe", "--always", "--dirty"]);
  return commit ? `${version} (${commit.trim()})` : version;
}

async function versionOf(program) {
  return /\d+\.\d[\w.+-]*/.exec(await outputOf(program, ["--version"]))?.[0];
}

/** What a program prints; nothing if it is not there or fails. */
function outputOf(program, args) {
  return new Promise((resolve) => {
    execFile(program, args, (error, stdout, stderr) => resolve(error ? "" : stdout || stderr));
  });
}

/** The type of the file system, and whether what is deleted is discarded on the disk, which slows what comes after. */
async function fileSystemOf(folder) {
  const mounts = await readFile("/proc/mounts", "utf8").catch(() => "");
  const around = mounts
    .split("\n")
    .map((line) => line.split(" "))
    .filter(([, place]) => place === "/" || folder === place || folder.startsWith(`${place}/`))
    .sort(([, a], [, b]) => a.length - b.length);
  const [, , type, settings] = around.at(-1) ?? [];
  if (type === undefined) return "unknown file system";
  return settings.split(",").includes("discard") ? `${type} with discard` : type;
}
