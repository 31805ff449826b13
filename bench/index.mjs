// The index of large caches: made from nothing, made again, made right, added to, and listed from; in docker-registry, and at a fake
// registry for numbers of packages that show how time and memory grow.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { openRegistry } from "@spkoci/core";
import { requireTool, startDockerRegistry } from "@spkoci/testkit";
import { run } from "../scripts/workspace.mjs";
import { makePackages } from "./made-up-cache.mjs";
import { putImages } from "./put-images.mjs";

const REAL = 10_000;
const SIMULATED = [10_000, 30_000, 100_000];
/** Packages of a page of tags, as spkoci asks for them. */
const PAGE = 1_000;

const STEPS = [
  { step: "update", label: "made from the tags", peers: (n) => pages(n) + 2 * n },
  { step: "update", label: "nothing to do", peers: (n) => pages(n) + 2 * n },
  { step: "full", label: "made again, all read", peers: (n) => pages(n) + 2 * n },
  { step: "list", label: "list with a query", peers: () => 2 },
  { step: "add", label: "10 packages added by a push", peers: (n) => pages(n) + 2 * (n + 10) },
];

function pages(count) {
  return Math.ceil(count / PAGE);
}

/** Measures all steps, for each cache in turn. */
export async function measure() {
  const measured = [];
  if (requireTool("docker-registry")) measured.push(...(await measureInDockerRegistry(REAL)));
  for (const count of SIMULATED) measured.push(...(await measureAtFakeRegistry(count)));
  const notes = [
    "docker-registry, or the fake registry, and spkoci on the same machine; seconds of processor are those of spkoci alone",
  ];
  return { notes, text: formatIndexTable(measured), results: measured };
}

async function measureInDockerRegistry(count) {
  const registry = await startDockerRegistry();
  try {
    const source = `${registry.host}/org/cache`;
    const store = openRegistry({ registry: registry.host, repository: "org/cache" }, { maxRequests: 16 });
    await putImages(store, makePackages(count), count);
    return await runSteps("docker-registry", source, count, () =>
      putImages(store, makePackages(count + 10, count), 10),
    );
  } finally {
    await registry.close();
  }
}

async function measureAtFakeRegistry(count) {
  const child = spawn(process.execPath, ["bench/index-registry.mjs", String(count)], {
    stdio: ["pipe", "pipe", "inherit"],
  });
  const exited = once(child, "exit");
  try {
    const [host] = await once(createInterface({ input: child.stdout }), "line");
    const store = openRegistry({ registry: host, repository: "org/cache" }, {});
    return await runSteps("fake registry", `${host}/org/cache`, count, () =>
      putImages(store, makePackages(count + 10, count), 10),
    );
  } finally {
    child.stdin.end();
    await exited;
  }
}

async function runSteps(place, source, count, putMore) {
  const measured = [];
  for (const { step, label, peers } of STEPS) {
    if (step === "add") await putMore();
    const { code, stdout, stderr } = await run(
      process.execPath,
      ["bench/index-step.mjs", step, source, String(count)],
      { capture: true },
    );
    if (code !== 0) throw new Error(`${step}: ${stderr}`);
    const result = { place, count, label, ...JSON.parse(stdout), peers: peers(count) };
    console.error(`${place}, ${count}: ${label}: ${result.seconds.toFixed(1)} s, ${result.requests} requests`);
    measured.push(result);
  }
  return measured;
}

function formatIndexTable(measured) {
  const rows = measured.map(({ place, count, label, requests, peers, seconds, cpuSeconds, peakBytes }) => {
    const cells = [place, count.toLocaleString("en"), label, requests.toLocaleString("en"), peers.toLocaleString("en")];
    return `| ${cells.join(" | ")} | ${seconds.toFixed(1)} | ${cpuSeconds.toFixed(1)} | ${(peakBytes / 1e6).toFixed(0)} MB |`;
  });
  return `| cache | packages | | requests | Spack's | seconds | of processor | peak memory |
|---|---|---|---|---|---|---|---|
${rows.join("\n")}
`;
}
