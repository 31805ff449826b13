// pnpm bench [NAME] [--store DIR [--sysroot DIR]] [--rounds N] [--output DIR]
// Measures spkoci beside common tools over the same files, in turn, several rounds; prints medians as Markdown and writes them as
// Markdown and JSON to the output folder. Without --store, a store is made from files of this machine.
// `index` measures the index of large caches instead, once: bench/index.mjs.
import { access, mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { arch, cpus, platform, release, tmpdir, totalmem } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { build, installDependencies, root, run } from "../scripts/workspace.mjs";
import { makeMachineStore } from "./machine-store.mjs";

const { values: options, positionals } = parseArgs({
  options: {
    store: { type: "string" },
    sysroot: { type: "string" },
    rounds: { type: "string", default: "5" },
    output: { type: "string" },
  },
  allowPositionals: true,
});

/** Each resolves to its contenders: a label and, for a round's own folder, the shell command that is measured. */
const BENCHMARKS = {
  async push({ store, sysroot }) {
    const files = join(sysroot ?? "/", store);
    const from = `${sysroot ? `--sysroot '${sysroot}' ` : ""}--store '${store}'`;
    const spkoci = `'${process.execPath}' packages/cli/bin/spkoci.js push --quiet --all ${from}`;
    const tar = `tar -C '${files}' --exclude=.spack-db -cf - .`;
    const contenders = [
      { label: "tar", command: (folder) => `${tar} > '${folder}/plain.tar'` },
      { label: "tar \\| gzip -6", command: (folder) => `${tar} | gzip -6 > '${folder}/gzip.tgz'` },
      { label: "spkoci push", command: (folder) => `${spkoci} 'oci:${folder}/cache'` },
      { label: "spkoci push again", command: (folder) => `${spkoci} 'oci:${folder}/cache'` },
    ];
    if (await hasProgram("pigz")) {
      contenders.splice(2, 0, {
        label: "tar \\| pigz -6",
        command: (folder) => `${tar} | pigz -6 > '${folder}/pigz.tgz'`,
      });
    }
    return contenders;
  },
};

const ALL = [...Object.keys(BENCHMARKS), "index"];
const names = positionals.length > 0 ? positionals : ALL;
for (const name of names) {
  if (ALL.includes(name)) continue;
  console.error(`No such benchmark: ${name}. There are: ${ALL.join(", ")}.`);
  process.exit(2);
}

await installDependencies();
await build("packages/cli", "packages/testkit");
const folder = await mkdtemp(join(tmpdir(), "spkoci-bench-"));
try {
  for (const name of names) {
    if (name === "index") await benchIndex();
    else await benchFiles(name);
  }
} finally {
  await rm(folder, { recursive: true, force: true });
}

async function benchFiles(name) {
  const given = options.store ? { store: options.store, sysroot: options.sysroot } : undefined;
  const source = given ?? { sysroot: folder, ...(await makeMachineStore(folder)) };
  const head = {
    ...(await describeMachine()),
    source: given
      ? `store ${options.store}`
      : `${source.files} files of this machine, ${(source.bytes / 1e6).toFixed(0)} MB, as a store of packages`,
    rounds: Number(options.rounds),
  };
  const results = await measure(await BENCHMARKS[name](source), join(folder, name));
  await report(name, formatMarkdown(name, head, results), { ...head, results });
}

async function benchIndex() {
  // What it uses is built only now.
  const { formatIndexTable, measureIndex } = await import("./index.mjs");
  const head = await describeMachine();
  const results = await measureIndex();
  await report("index", `${formatHead("index", head)}\n${formatIndexTable(results)}`, { ...head, results });
}

async function report(name, markdown, data) {
  console.log(`\n${markdown}`);
  if (!options.output) return;
  await mkdir(options.output, { recursive: true });
  await writeFile(join(options.output, `${name}.md`), markdown);
  await writeFile(join(options.output, `${name}.json`), `${JSON.stringify({ name, ...data }, null, 2)}\n`);
}

/**
 * Runs every contender once a round, in turn, each round in a folder of its own: deleting between rounds would slow the next one on
 * some disks. A first round that isn't counted fills the file cache.
 */
async function measure(contenders, base) {
  const rounds = Number(options.rounds);
  const samples = new Map(contenders.map(({ label }) => [label, []]));
  for (let round = 0; round <= rounds; round += 1) {
    const own = join(base, String(round));
    await mkdir(own, { recursive: true });
    for (const { label, command } of contenders) {
      console.error(`round ${round} of ${rounds}: ${label.replace("\\", "")}`);
      const sample = await time(command(own), own);
      if (round > 0) samples.get(label).push(sample);
    }
  }
  return [...samples].map(([label, list]) => ({
    label,
    seconds: median(list.map(({ seconds }) => seconds)),
    allSeconds: list.map(({ seconds }) => seconds),
    peakBytes: median(list.map(({ peakBytes }) => peakBytes)),
  }));
}

/** Wall time, and the peak memory of the largest process if GNU time is there. */
async function time(command, own) {
  const gnuTime = "/usr/bin/time";
  const hasTime = await isThere(gnuTime);
  const note = join(own, "peak");
  const args = ["bash", "-o", "pipefail", "-c", command];
  const measured = hasTime ? [gnuTime, "-f", "%M", "-o", note, ...args] : args;
  const started = performance.now();
  const { code } = await run(measured[0], measured.slice(1), { capture: true, cwd: root });
  const seconds = (performance.now() - started) / 1000;
  if (code !== 0) throw new Error(`exit code ${code}: ${command}`);
  return { seconds, peakBytes: hasTime ? Number((await readFile(note, "utf8")).trim()) * 1024 : undefined };
}

function median(list) {
  const sorted = [...list].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

async function describeMachine() {
  const version = async (program) => (await run(program, ["--version"], { capture: true })).stdout.split("\n")[0];
  return {
    date: new Date().toISOString().slice(0, 10),
    machine: `${cpus().length} × ${cpus()[0]?.model ?? arch()}, ${Math.round(totalmem() / 2 ** 30)} GiB, ${platform()} ${release()}`,
    versions: `Node ${process.version}, zlib ${process.versions.zlib}, ${await version("tar")}, ${await version("gzip")}`,
  };
}

function formatHead(name, { date, machine, versions }) {
  return `# ${name}, ${date}

- ${machine}
- ${versions}
`;
}

function formatMarkdown(name, { source, rounds, ...head }, results) {
  const rows = results.map(({ label, seconds, allSeconds, peakBytes }) => {
    const spread = `${Math.min(...allSeconds).toFixed(2)} to ${Math.max(...allSeconds).toFixed(2)}`;
    const peak = Number.isFinite(peakBytes) ? `${(peakBytes / 1e6).toFixed(0)} MB` : "";
    return `| ${label} | ${seconds.toFixed(2)} | ${spread} | ${peak} |`;
  });
  return `${formatHead(name, head)}- ${source}; medians of ${rounds} rounds after one to warm up, all in turn
- peak memory is that of the largest process

| | seconds | from, to | peak memory |
|---|---|---|---|
${rows.join("\n")}
`;
}

async function isThere(path) {
  return access(path).then(
    () => true,
    () => false,
  );
}

async function hasProgram(name) {
  const folders = (process.env.PATH ?? "").split(":").filter((path) => path !== "");
  return (await Promise.all(folders.map((path) => isThere(join(path, name))))).includes(true);
}
