// Both directions with a real Spack: it installs what spkoci pushed, spkoci installs what it pushed, and both results must be the same.
//   SPACK_ROOT=DIR node scripts/with-spack.mjs STORE
// STORE is a Spack store at the place that its database names, with the recipes that Spack keeps in its prefixes. SPACK_ROOT is a
// Spack 1.x that finds the recipes of other packages of the database (compilers, externals) by its own configuration.
import { createHash } from "node:crypto";
import { cp, mkdir, mkdtemp, readdir, readFile, readlink, rename, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, relative } from "node:path";
import { must } from "./workspace.mjs";

const [store] = process.argv.slice(2);
const { SPACK_ROOT } = process.env;
if (!store || !SPACK_ROOT) {
  console.error("usage: SPACK_ROOT=DIR node scripts/with-spack.mjs STORE");
  process.exit(2);
}
const { startDockerRegistry } = await import("@spkoci/testkit");

/** Each has its own: what describes the installation, the script that starts others, what Python compiled when it ran. */
const OWN = /(^|\/)(\.spack|\.spack-db|\.spkoci|__pycache__)(\/|$)|^bin\/sbang$/;

// Short: a root longer than the recorded one leaves no room for paths in some binaries.
const folder = await mkdtemp(join(tmpdir(), "w-"));
const registry = await startDockerRegistry({ folder });
let isSame = false;
try {
  isSame = await compareDirections();
} finally {
  await registry.close();
  await rm(folder, { recursive: true, force: true });
}
process.exitCode = isSame ? 0 : 1;

async function compareDirections() {
  const packages = await readPackages(store);
  const hashes = packages.map(({ hash }) => `/${hash}`);
  const ours = `oci+http://${registry.host}/by/spkoci`;
  const theirs = `oci+http://${registry.host}/by/spack`;
  const root = join(folder, "s");
  const recipes = await collectRecipes(packages);

  console.log(`spkoci pushes ${packages.length} packages`);
  await spkoci("push", "--all", "--store", store, ours);
  console.log("Spack pushes them");
  const push = ["buildcache", "push", "--unsigned", "--only", "package"];
  await spack({ root: store, recipes }, [...push, theirs, ...hashes]);

  console.log("Spack installs what spkoci pushed");
  // Over http Spack reads no index: it knows no hash that isn't in a file.
  const specs = packages.map(({ path }) => join(path, ".spack/spec.json"));
  const install = ["install", "--use-buildcache", "only", "--no-check-signature"];
  await spack({ root, recipes, mirror: ours }, [...install, ...specs]);
  const bySpack = join(folder, "by-spack");
  await rename(root, bySpack);

  console.log("spkoci installs what Spack pushed");
  await spkoci("install", "--root", root, theirs, ...hashes);
  return isSameTree(await describeTree(bySpack), await describeTree(root));
}

/** The packages that the store's database has as installed, externals left out. */
async function readPackages(path) {
  const { database } = JSON.parse(await readFile(join(path, ".spack-db/index.json"), "utf8"));
  return Object.entries(database.installs)
    .filter(([, { installed, spec }]) => installed && !spec.external)
    .map(([hash, install]) => ({ hash, path: install.path }));
}

/** Spack asks the recipe of each package; those in the prefixes become one repository for each namespace. */
async function collectRecipes(packages) {
  const all = join(folder, "recipes");
  for (const { path } of packages) await cp(join(path, ".spack/repos"), all, { recursive: true });
  const names = await readdir(join(all, "spack_repo"));
  return Object.fromEntries(names.map((name) => [name, join(all, "spack_repo", name)]));
}

async function spack({ root, recipes, mirror }, words) {
  const scope = await mkdtemp(join(folder, "scope-"));
  // JSON is YAML.
  const files = {
    "config.yaml": { config: { install_tree: { root } } },
    "repos.yaml": { repos: recipes },
    "mirrors.yaml": { mirrors: mirror ? { pushed: { url: mirror, signed: false } } : {} },
  };
  for (const [name, value] of Object.entries(files)) await writeFile(join(scope, name), JSON.stringify(value));
  const env = { SPACK_DISABLE_LOCAL_CONFIG: "true" };
  await must("Spack", join(SPACK_ROOT, "bin/spack"), ["-C", scope, ...words], { env, capture: true });
}

async function spkoci(command, ...words) {
  const cache = join(folder, "cache");
  await mkdir(cache, { recursive: true });
  const args = ["packages/cli/bin/spkoci.js", command, "--quiet", "--cache-dir", cache, ...words];
  await must("spkoci", process.execPath, args);
}

/** Every path below the root with what it is. Spack makes folders set-group-id, which counts only where a group may write to them. */
async function describeTree(root) {
  const tree = new Map();
  for (const entry of await readdir(root, { recursive: true, withFileTypes: true })) {
    const path = join(entry.parentPath, entry.name);
    const name = relative(root, path);
    if (OWN.test(name)) continue;
    tree.set(name, await describe(path, entry));
  }
  return tree;
}

async function describe(path, entry) {
  if (entry.isSymbolicLink()) return `-> ${await readlink(path)}`;
  const mode = ((await stat(path)).mode & 0o5777).toString(8);
  if (entry.isDirectory()) return `folder ${mode}`;
  return `file ${mode} ${createHash("sha256")
    .update(await readFile(path))
    .digest("hex")}`;
}

function isSameTree(theirs, ours) {
  const names = [...new Set([...theirs.keys(), ...ours.keys()])].sort();
  const different = names.filter((name) => theirs.get(name) !== ours.get(name));
  for (const name of different.slice(0, 20)) {
    console.log(`${name}\n  by Spack:  ${theirs.get(name) ?? "missing"}\n  by spkoci: ${ours.get(name) ?? "missing"}`);
  }
  console.log(`${names.length} paths, ${different.length} differ`);
  return names.length > 0 && different.length === 0;
}
