import { openLayout, openRegistry, updateIndex } from "@spkoci/core";
import { compare } from "./compare.mjs";
import { makePackages } from "./made-up-cache.mjs";
import { roundsNote } from "./notes.mjs";
import { putImages } from "./put-images.mjs";
import { startRegistry } from "./registry.mjs";
import { quote } from "./shell.mjs";
import { spkoci } from "./spkoci.mjs";

export const NODE = "node -e 0";
const HELP = "spkoci --help";
const LIST = "spkoci list, from a registry";
const LIST_FOLDER = "spkoci list, from a layout folder";

/**
 * The targets are 120 ms and 400 ms. As ratios they are taken to be for a machine where `node -e 0` takes 40 ms: three and ten times
 * that on any other. Both are judged.
 */
const HELP_SECONDS = 0.12;
const LIST_SECONDS = 0.4;
const NODE_SECONDS = 0.04;

/** Starts within one round: they are short, and their times vary. */
const STARTS = 5;

/** The shortest program that Node runs. */
export const startNode = { label: NODE, run: ({ time }) => time(`${quote(process.execPath)} -e 0`) };

/** Starts of the program that do little. */
export async function measure(session) {
  const { rounds, scale } = session.options;
  const count = Math.max(10, Math.round(1000 * scale));
  const registry = await startRegistry(session);
  const folder = `${await session.newFolder()}/cache`;
  console.error(`filling a registry and a folder with ${count} packages`);
  await fill(openRegistry(registry.place, {}), registry.source, count);
  await fill(await openLayout(folder, { create: true }), `oci:${folder}`, count);
  const list = (source) => spkoci(session, `list --all-arch ${quote(source)}`);
  const repeated = { ...session, options: { ...session.options, rounds: rounds * STARTS } };
  const { table, leftOut } = await compare(repeated, {
    title: `Starts, and lists of ${count} packages`,
    reference: NODE,
    contenders: [
      startNode,
      { label: HELP, run: ({ time }) => time(spkoci(session, "--help")) },
      { label: LIST, run: ({ time }) => time(list(registry.source)) },
      { label: LIST_FOLDER, run: ({ time }) => time(list(`oci:${folder}`)) },
    ],
    targets: [
      ...targetsOf(HELP, HELP_SECONDS),
      ...targetsOf(LIST, LIST_SECONDS),
      ...targetsOf(LIST_FOLDER, LIST_SECONDS),
    ],
  });
  await registry.close();
  const about = `as ratios, the targets are those of a machine where \`${NODE}\` takes ${NODE_SECONDS * 1000} ms`;
  return { notes: [about, roundsNote(repeated)], tables: [table], leftOut };
}

function targetsOf(row, seconds) {
  return [
    { row, of: NODE, atMost: seconds / NODE_SECONDS },
    { row, atMost: seconds },
  ];
}

async function fill(store, source, count) {
  await putImages(store, makePackages(count), count);
  await updateIndex({ source, access: {} });
}
