import { cp, readdir, readFile } from "node:fs/promises";
import { join } from "node:path";

const SHOWN = 12;

/**
 * Where the seconds of processor of a contender went that ran under the profiler in `folder`, as Markdown: by kind of thread, and the
 * functions that took most, over all threads that run JavaScript. Undefined if none ran there. With --output the profiles are kept.
 */
export async function profileOf({ options, benchmark }, folder, label) {
  const profiles = join(folder, "profile");
  const names = await readdir(profiles).catch(() => []);
  if (names.length === 0) return undefined;
  if (options.output) {
    await cp(profiles, join(options.output, "profiles", benchmark, label.replaceAll(/\W+/g, "-")), { recursive: true });
  }
  const read = async (pattern) =>
    Promise.all(
      names
        .filter((name) => pattern.test(name))
        .map(async (name) => JSON.parse(await readFile(join(profiles, name), "utf8"))),
    );
  const threads = sumUp(await read(/^threads-/), Object.entries);
  const functions = sumUp(await read(/\.cpuprofile$/), selfTimes);
  return `${formatSums("threads", threads)}\n${formatSums("functions, themselves alone", functions.slice(0, SHOWN))}`;
}

/** Adds up what `entriesOf` gives for each of the list; the largest sums first. */
function sumUp(list, entriesOf) {
  const sums = new Map();
  for (const one of list) {
    for (const [name, seconds] of entriesOf(one)) sums.set(name, (sums.get(name) ?? 0) + seconds);
  }
  return [...sums].sort(([, a], [, b]) => b - a);
}

/** Seconds of each function of a V8 profile, without those of what it calls; idle time left out. */
function* selfTimes({ nodes, samples, timeDeltas }) {
  const names = new Map(nodes.map(({ id, callFrame }) => [id, nameOf(callFrame)]));
  for (const [index, id] of samples.entries()) {
    const name = names.get(id);
    if (name !== "(idle)") yield [name, timeDeltas[index] / 1e6];
  }
}

/** `function file:line`, the file without the way to it. */
function nameOf({ functionName, url, lineNumber }) {
  const file = url.replace(/^.*\/(packages|node_modules)\//, "");
  return file ? `${functionName || "(anonymous)"} ${file}:${lineNumber + 1}` : functionName;
}

function formatSums(title, sums) {
  const lines = sums.map(([name, seconds]) => `| ${name.replaceAll("|", "\\|")} | ${seconds.toFixed(2)} |`);
  return `| ${title} | seconds |\n|---|---|\n${lines.join("\n")}\n`;
}
