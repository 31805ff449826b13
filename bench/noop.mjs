import { compare } from "./compare.mjs";
import { makeInput } from "./input.mjs";
import { roundsNote } from "./notes.mjs";
import { startRegistry } from "./registry.mjs";
import { pushWords, runSpkoci, spkoci } from "./spkoci.mjs";
import { NODE, startNode } from "./start.mjs";

const LABEL = "spkoci push, nothing to do";

/** A push of 200 packages that are all there, after one that sent them. */
export async function measure(session) {
  const input = await makeInput(session, "many");
  await session.needDisk(3 * input.bytes);
  const registry = await startRegistry(session);
  const caches = { SPKOCI_CACHE_DIR: await session.newFolder() };
  const push = pushWords(input, registry.source);
  console.error("filling a registry");
  await runSpkoci(session, push, caches);
  const { stderr } = await runSpkoci(session, push.replace("--quiet", "--json --verbose"), caches);
  const requests = countRequests(stderr);
  const { table, leftOut } = await compare(session, {
    title: `${input.packages.length} packages pushed again`,
    reference: NODE,
    contenders: [
      startNode,
      {
        label: LABEL,
        async run({ time }) {
          await time(spkoci(session, push), caches);
          return { requests };
        },
      },
    ],
    targets: [
      { row: LABEL, atMost: 1 },
      // Each package may have lost its tag to another image, and so may the index: each tag is looked at once.
      { row: LABEL, key: "requests", atMost: input.packages.length + 1 },
    ],
  });
  await registry.close();
  const about = "at most one request a package, and one for the index's tag";
  return { notes: [input.about, about, roundsNote(session)], tables: [table], leftOut };
}

/** The requests among the events that --json printed. */
function countRequests(lines) {
  return lines.split("\n").filter((line) => line.startsWith("{") && JSON.parse(line).type === "request").length;
}
