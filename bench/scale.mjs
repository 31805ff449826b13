import { compare } from "./compare.mjs";
import { makePlannedInput } from "./input.mjs";
import { roundsNote } from "./notes.mjs";
import { startRegistry } from "./registry.mjs";
import { installWords, pushWords, spkoci } from "./spkoci.mjs";

const COUNTS = [200, 500, 1000, 2000];
const LEAST = COUNTS[0];
const MOST = COUNTS.at(-1);
/** Bytes of small files in each package. */
const BYTES = 10_000;

const JOBS = { push: "spkoci push", install: "spkoci install" };
const labelOf = (job, count) => `${job}, ${count.toLocaleString("en")} packages`;

/** Pushes and installs of ever more small packages. */
export async function measure(session) {
  const { rounds, scale } = session.options;
  await session.needDisk((rounds + 1) * COUNTS.reduce((sum, count) => sum + count * scale, 0) * 10 * BYTES);
  const inputs = new Map();
  for (const count of COUNTS) {
    console.error(`making a store: ${count} packages`);
    const plan = Array.from({ length: Math.max(2, Math.round(count * scale)) }, () => ({ small: BYTES }));
    inputs.set(count, await makePlannedInput(session, plan));
  }
  const counts = [...inputs];
  const { table, leftOut } = await compare(session, {
    title: "Push to an empty docker-registry, and install from it",
    contenders: counts.flatMap(([count, input]) => pushAndInstall(session, input, count)),
    targets: Object.values(JOBS).flatMap((job) => [
      { row: labelOf(job, MOST), of: labelOf(job, LEAST), atMost: MOST / LEAST },
      { row: labelOf(job, MOST), of: labelOf(job, LEAST), key: "cpuSeconds", atMost: MOST / LEAST },
      { row: labelOf(job, MOST), key: "peakBytes", atMost: job === JOBS.push ? 200e6 : 250e6 },
    ]),
  });
  const about = `stores of ${counts.map(([, input]) => input.packages.length).join(", ")} packages, each of ${BYTES / 1000} kB in small files`;
  return { notes: [about, roundsNote(session), ...table.rows.flatMap(eachOf)], tables: [table], leftOut };
}

/** A push to a new registry, and an install of all that from it. */
function pushAndInstall(session, input, count) {
  return [
    {
      label: labelOf(JOBS.push, count),
      async run({ shared, time }) {
        shared.registry = await startRegistry(session);
        await time(spkoci(session, pushWords(input, shared.registry.source)));
        return { packages: input.packages.length };
      },
    },
    {
      label: labelOf(JOBS.install, count),
      goesOn: true,
      async run({ shared, time }) {
        await time(spkoci(session, installWords(input, shared.registry.source, await session.newFolder())));
        await shared.registry.close();
        return { packages: input.packages.length };
      },
    },
  ];
}

/** What a package took, as text. */
function eachOf({ label, samples, median }) {
  if (median === undefined) return [];
  const [{ packages }] = samples;
  const milliseconds = (seconds) => `${((seconds / packages) * 1000).toFixed(1)} ms`;
  const processor = median.cpuSeconds === undefined ? "" : `, ${milliseconds(median.cpuSeconds)} of processor`;
  return [`${label}: a package took ${milliseconds(median.seconds)}${processor}`];
}
