#!/usr/bin/env sh
":" //; MALLOC_ARENA_MAX="${MALLOC_ARENA_MAX-02}" exec node --max-semi-space-size=1 "$0" "$@"
// For a shell the line above is a command, for Node a string: V8's and malloc's options can only be given where it starts (docs/adr/0013).
// CommonJS, as the bundle is, because Node reads ES modules through libuv's thread pool, whose size is fixed at its first use.
"use strict";
const { existsSync, statSync } = require("node:fs");
const { availableParallelism } = require("node:os");
const { join } = require("node:path");
const { pathToFileURL } = require("node:url");

const home = join(__dirname, "..");
const whenMade = (file) => statSync(join(home, file), { throwIfNoEntry: false })?.mtimeMs ?? 0;

// A checkout whose modules were compiled after the last bundle runs these.
const isBundled = whenMade("bundle/main.js") >= whenMade("tsconfig.tsbuildinfo");
const main = join(home, isBundled ? "bundle/main.js" : "dist/main.js");
const [major, minor] = process.versions.node.split(".").map(Number);

if (major < 20 || (major === 20 && minor < 19)) {
  process.stderr.write(
    `spkoci: error: Node ${process.versions.node} is too old\nhint: spkoci needs Node 20.19 or newer.\n`,
  );
  process.exitCode = 1;
} else if (!existsSync(main)) {
  process.stderr.write("spkoci: error: the program is not built; `pnpm build` makes it\n");
  process.exitCode = 1;
} else {
  // V8 has made its heap; with an option of its own set it would not take Node's modules from the code that Node carries compiled.
  if (process.execArgv.includes("--max-semi-space-size=1")) {
    require("node:v8").setFlagsFromString("--max-semi-space-size=0");
  }
  // Set above, and for this process alone: nobody else writes 2 like that.
  if (process.env.MALLOC_ARENA_MAX === "02") delete process.env.MALLOC_ARENA_MAX;
  process.env.UV_THREADPOOL_SIZE ??= String(Math.max(4, availableParallelism() + 2));
  // Stacks with the names and lines of the sources.
  if (process.argv.includes("--debug")) process.setSourceMapsEnabled(true);
  if (isBundled) require(main).run();
  else import(pathToFileURL(main).href).then(({ run }) => run());
}
