// node bench/index-step.mjs STEP SOURCE COUNT
// One step of bench/index.mjs in a process of its own. Prints requests, seconds, seconds of processor, peak bytes and what came of it as JSON.
import { listCache, openRegistry, parseSpecFile, updateIndex } from "@spkoci/core";
import { addToIndex } from "../packages/core/dist/catalog/write-index.js";
import { makePackages } from "./made-up-cache.mjs";

const [step, source, count] = process.argv.slice(2);
const access = { maxRequests: 16 };
let requests = 0;
const op = {
  emit: (event) => {
    if (event.type === "request") requests += 1;
  },
};

const STEPS = {
  update: async () => (await updateIndex({ source, access }, op)).index.packages,
  full: async () => (await updateIndex({ source, access, full: true }, op)).index.packages,
  add: async () => (await addToIndex(store(), await newEntries(), op)).packages,
  list: async () =>
    (await listCache({ source, access, queries: ["python@3.11 ^sqlite@3.40.1.7"], allArch: true }, op)).packages.length,
};

function store() {
  const slash = source.indexOf("/");
  return openRegistry({ registry: source.slice(0, slash), repository: source.slice(slash + 1) }, access);
}

/** What a push of the ten packages after the first COUNT names in the index. */
async function newEntries() {
  const entries = [];
  for await (const { config, hash, tag } of makePackages(Number(count) + 10, Number(count))) {
    const { nodes } = parseSpecFile(Buffer.from(config.bytes).toString(), tag);
    for (const spec of nodes.values()) entries.push({ spec, inBuildcache: spec.hash === hash });
  }
  return entries;
}

const started = performance.now();
const before = process.cpuUsage();
const result = await STEPS[step]();
const seconds = (performance.now() - started) / 1000;
const { user, system } = process.cpuUsage(before);
const peakBytes = process.resourceUsage().maxRSS * 1024;
console.log(JSON.stringify({ step, requests, seconds, cpuSeconds: (user + system) / 1e6, peakBytes, result }));
