import { join } from "node:path";
import { archivers, directly, PIGZ, PIGZ_AND_SKOPEO, pigzAndSkopeo } from "./archivers.mjs";
import { compare } from "./compare.mjs";
import { openInput } from "./input.mjs";
import { roundsNote } from "./notes.mjs";
import { layerBytesOf, startRegistry } from "./registry.mjs";
import { spackPush } from "./spack.mjs";
import { pushWords, spkoci } from "./spkoci.mjs";

const SPKOCI = "spkoci push";
const SPACK = "spack buildcache push";

/** Everything of a store to an empty registry, and again when it is there. */
export async function measure(session) {
  const input = await openInput(session, "mixed");
  // What is written in a round is smaller than the files, but for what can't be compressed.
  await session.needDisk(session.options.rounds * 7 * input.bytes);
  const { table, leftOut } = await compare(session, {
    title: "Push to an empty docker-registry",
    reference: PIGZ_AND_SKOPEO,
    contenders: [
      ...archivers(input),
      pigzAndSkopeo(session, input),
      ...spkociPushes(session, input),
      {
        label: "spkoci push to a layout folder",
        run: ({ time }) => time(spkoci(session, pushWords(input, "oci:layout"))),
      },
      ...spackPush(session, input, SPACK),
    ],
    targets: [
      { row: SPKOCI, of: PIGZ_AND_SKOPEO, atMost: 0.8 },
      { row: SPKOCI, of: PIGZ, key: "bytes", atMost: 1.025 },
      { row: SPKOCI, of: SPACK, atMost: 0.333 },
      { row: SPKOCI, key: "peakBytes", atMost: 200e6 },
    ],
  });
  return { notes: [input.about, roundsNote(session)], tables: [table], leftOut };
}

/** A push to an empty registry, and the same again: the second only asks what is there. `reach` is as in pigzAndSkopeo. */
export function spkociPushes(session, input, reach = directly) {
  return [
    {
      label: SPKOCI,
      async run({ folder, shared, time }) {
        shared.registry = await startRegistry(session);
        shared.way = await reach(shared.registry);
        shared.caches = { SPKOCI_CACHE_DIR: join(folder, "cache") };
        await time(spkoci(session, pushWords(input, shared.way.source)));
        return { bytes: await layerBytesOf(shared.registry) };
      },
    },
    {
      label: `${SPKOCI}, again`,
      goesOn: true,
      async run({ shared, time }) {
        await time(spkoci(session, pushWords(input, shared.way.source)), shared.caches);
        await shared.way.close();
        await shared.registry.close();
      },
    },
  ];
}
