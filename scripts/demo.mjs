// The main job with no server: unpacks a real Spack store, pushes `greeter` and what it needs into an OCI layout folder,
// shows what was written there, installs it back into a store of its own, and runs it. Everything lands in demo-output/.
import { mkdir, mkdtemp, readdir, readFile, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, relative } from "node:path";
import { build, installDependencies, must, root } from "./workspace.mjs";

const output = join(root, "demo-output");
const sysroot = join(output, "sysroot");
const layout = join(output, "cache");

await installDependencies();
await build("packages/cli");

await rm(output, { recursive: true, force: true });
await mkdir(sysroot, { recursive: true });
await must("Unpacking the store", "tar", ["-xzf", join(root, "fixtures/small/store.tar.gz"), "-C", sysroot]);

const spkoci = async (what, words) => {
  console.log(`$ spkoci ${words.join(" ")}`);
  await must(what, process.execPath, ["packages/cli/bin/spkoci.js", ...words]);
};
await spkoci("The push", [
  "push",
  "--sysroot",
  "demo-output/sysroot",
  "--store",
  "/opt/spack/opt/spack",
  "oci:demo-output/cache",
  "greeter",
]);

const blobPath = (digest) => join(layout, "blobs", ...digest.split(":"));
const readBlob = async (digest) => JSON.parse(await readFile(blobPath(digest), "utf8"));
const short = (digest) => digest.slice("sha256:".length).slice(0, 12);

const index = JSON.parse(await readFile(join(layout, "index.json"), "utf8"));
const images = new Map();
/** What each blob is, for the listing. */
const meaning = new Map();
for (const { digest, annotations } of index.manifests) {
  const tag = annotations["org.opencontainers.image.ref.name"];
  const manifest = await readBlob(digest);
  images.set(tag, manifest);
  meaning.set(digest, `manifest of ${tag}`);
  meaning.set(manifest.config.digest, `config of ${tag}`);
  meaning.set(manifest.layers.at(-1).digest, tag === "index.spack" ? "the cache's index" : `layer of ${tag}`);
}

console.log("\nThe folder demo-output/cache");
for (const name of (await readdir(layout)).filter((name) => name !== "blobs").sort()) {
  console.log(`  ${name.padEnd(27)}${size((await stat(join(layout, name))).size)}`);
}
for (const name of (await readdir(join(layout, "blobs/sha256"))).sort()) {
  const digest = `sha256:${name}`;
  const bytes = (await stat(blobPath(digest))).size;
  console.log(`  blobs/sha256/${short(digest)}… ${size(bytes)}  ${meaning.get(digest) ?? ""}`);
}

const [tag, greeter] = [...images].find(([name]) => name.startsWith("greeter-"));
const config = await readBlob(greeter.config.digest);
console.log(`\nThe image ${tag}\n  layers, the package's own last:`);
for (const layer of greeter.layers) {
  console.log(`    ${short(layer.digest)}… ${size(layer.size)}  ${layer.mediaType}`);
}
console.log("  environment:");
for (const variable of config.config.Env) console.log(`    ${variable}`);
const [node] = config.spec.nodes;
console.log(`  and Spack's own description of the package: ${node.name}@${node.version}/${node.hash.slice(0, 7)}`);

// Strings in binaries have room for so much; a checkout that lies deep needs a short folder for links elsewhere.
const ROOM = 64;
const store = join(output, "store");
const aliases = store.length <= ROOM ? [] : ["--alias-dir", await mkdtemp(join(tmpdir(), "s-"))];
console.log("\nThe way back, into a store of its own");
await spkoci("The install", [
  "install",
  "oci:demo-output/cache",
  `/${node.hash.slice(0, 7)}`,
  "--root",
  "demo-output/store",
  ...aliases,
]);
const program = join(
  store,
  `${node.arch.platform}-${node.arch.target}`,
  `${node.name}-${node.version}-${node.hash}`,
  "bin/greeter",
);
// The package is built for Linux on x86-64; it is installed on any machine, and runs there.
if (process.platform === "linux" && process.arch === "x64") {
  console.log(`\n$ ${relative(root, program)} Ada`);
  await must("The installed program", program, ["Ada"]);
}

function size(bytes) {
  return `${bytes.toLocaleString("en-US").padStart(9)} B`;
}
