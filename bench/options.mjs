import { resolve } from "node:path";
import { parseArgs } from "node:util";
import { BENCHMARKS } from "./benchmarks.mjs";

const HELP = `Usage: pnpm bench [NAME...] [options]

Measures spkoci beside other programs over the same files, all in turn within a round, several rounds.
The table (Markdown) goes to stdout, progress to stderr. All benchmarks but index run unless some are named.

${Object.entries(BENCHMARKS)
  .map(([name, { about }]) => `  ${name.padEnd(10)} ${about}`)
  .join("\n")}

Options:
  --rounds N        rounds that count (5)
  --store DIR       root of a Spack store, as Spack records it, for push, install and network;
                    one is made from files of this machine unless given
  --sysroot DIR     the store lies under this folder
  --scale FACTOR    how large the made stores are, 1 unless given; the smallest for trying: 0.01
  --folder DIR      work below this folder instead of the system's temporary one; a short path, see docs/performance.md
  --output DIR      write NAME.md and NAME.json there
  --profile         run spkoci under V8's profiler and print where its seconds of processor went; the profiles go to
                    DIR/profiles of --output
  --no-build        measure what is built already
  --write-docs DIR  measure nothing, but put the tables that --output DIR wrote into docs/performance.md

$SPACK_ROOT names a Spack to measure beside; programs that are missing are left out and named.
To measure with another Node: npx -y node@24 bench/run.mjs NAME`;

/** What the command line says. Prints the help, or what is wrong, and ends the process. */
export function readOptions(words) {
  const { values, positionals } = parse(words);
  if (values.help) {
    console.log(HELP);
    process.exit(0);
  }
  const unknown = positionals.filter((name) => !Object.hasOwn(BENCHMARKS, name));
  if (unknown.length > 0) {
    refuse(`No such benchmark: ${unknown.join(", ")}. There are: ${Object.keys(BENCHMARKS).join(", ")}.`);
  }
  const all = Object.keys(BENCHMARKS).filter((name) => name !== "index");
  return {
    names: positionals.length > 0 ? positionals : all,
    rounds: positive("rounds", values.rounds),
    scale: positive("scale", values.scale),
    profile: values.profile,
    noBuild: values["no-build"],
    store: values.store,
    sysroot: values.sysroot && resolve(values.sysroot),
    folder: values.folder && resolve(values.folder),
    output: values.output && resolve(values.output),
    writeDocs: values["write-docs"] && resolve(values["write-docs"]),
  };
}

function parse(args) {
  try {
    return parseArgs({
      args,
      allowPositionals: true,
      options: {
        help: { type: "boolean", short: "h", default: false },
        rounds: { type: "string", default: "5" },
        scale: { type: "string", default: "1" },
        store: { type: "string" },
        sysroot: { type: "string" },
        folder: { type: "string" },
        output: { type: "string" },
        profile: { type: "boolean", default: false },
        "no-build": { type: "boolean", default: false },
        "write-docs": { type: "string" },
      },
    });
  } catch (error) {
    return refuse(error.message);
  }
}

function positive(name, text) {
  const number = Number(text);
  if (!(number > 0)) refuse(`--${name} ${text}: not a number above 0`);
  return number;
}

function refuse(message) {
  console.error(message);
  return process.exit(2);
}
