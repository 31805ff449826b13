// Bundles the program into packages/cli/bundle: packages/cli/src/main.ts and all that it imports, other packages too. What a command
// alone needs is in files of its own. See docs/adr/0010-the-program-is-bundled.md.
import { readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { rolldown } from "rolldown";

const root = fileURLToPath(new URL("..", import.meta.url));
const folder = join(root, "packages/cli/bundle");

const bundle = await rolldown({
  input: { main: join(root, "packages/cli/src/main.ts") },
  platform: "node",
  resolve: {
    alias: { "@spkoci/core": join(root, "packages/core/src/index.ts") },
    extensionAlias: { ".js": [".ts", ".js"] },
  },
  plugins: [modulesByUrl()],
  onLog: refuseWarnings,
  // A slow machine is no fault of the bundle.
  checks: { bundlerTimings: false },
});
const { output } = await bundle.write({
  dir: folder,
  cleanDir: true,
  // Node loads these sooner than ES modules.
  format: "cjs",
  sourcemap: true,
  entryFileNames: "[name].js",
  chunkFileNames: "[name]-[hash].js",
});
await bundle.close();
await writeFile(join(folder, "package.json"), `${JSON.stringify({ type: "commonjs" })}\n`);
await writeFile(join(folder, "NOTICES.txt"), await formatNotices(bundledPackages(output)));

/** Modules that are named by `new URL("./x.js", import.meta.url)`, as threads are, become files of that name beside the others. */
function modulesByUrl() {
  const NAMED = /new URL\("\.\/([\w-]+)\.js", import\.meta\.url\)/g;
  return {
    name: "modules-by-url",
    async transform(code, id) {
      if (!id.startsWith(join(root, "packages/core"))) return;
      if (code.replace(NAMED, "").includes("import.meta")) throw new Error(`${id} asks for its place in another way`);
      for (const [, name] of code.matchAll(NAMED)) {
        const { id: module } = await this.resolve(`./${name}.js`, id);
        this.emitFile({ type: "chunk", id: module, name, fileName: `${name}.js` });
      }
    },
  };
}

/** What can't be resolved would only be noticed when it is needed. */
function refuseWarnings(level, log) {
  if (level === "warn") throw new Error(log.message);
}

/** The folders of the packages that the bundle has code of. */
function bundledPackages(output) {
  const inPackage = /^.*\/node_modules\/(?:@[^/]+\/)?[^/]+(?=\/)/;
  const ids = output.flatMap((file) => (file.type === "chunk" ? file.moduleIds : []));
  return [...new Set(ids.flatMap((id) => inPackage.exec(id) ?? []))];
}

/** Name, version and licence of each package, as the licences demand. */
async function formatNotices(folders) {
  const parts = await Promise.all(
    folders.map(async (path) => {
      const { name, version, license, repository } = JSON.parse(await readFile(join(path, "package.json"), "utf8"));
      const file = (await readdir(path)).find((each) => /^licen[cs]e/i.test(each));
      const text = file === undefined ? `The text is in ${repository.url}.` : await readFile(join(path, file), "utf8");
      return `${name} ${version}, ${license}\n\n${text.trim()}\n`;
    }),
  );
  return `The files of this folder have code of these packages.\n\n${parts.sort().join(`\n${"-".repeat(80)}\n\n`)}`;
}
