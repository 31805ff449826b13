#!/usr/bin/env node
// CommonJS, because Node reads ES modules through libuv's thread pool, whose size is fixed at its first use.
"use strict";
const { existsSync } = require("node:fs");
const { availableParallelism } = require("node:os");
const { join } = require("node:path");
const { pathToFileURL } = require("node:url");

const [major, minor] = process.versions.node.split(".").map(Number);
const main = join(__dirname, "..", "dist", "main.js");

if (major < 20 || (major === 20 && minor < 19)) {
  process.stderr.write(
    `spkoci: error: Node ${process.versions.node} is too old\nhint: spkoci needs Node 20.19 or newer.\n`,
  );
  process.exitCode = 1;
} else if (!existsSync(main)) {
  process.stderr.write("spkoci: error: the program is not built; `pnpm build` makes it\n");
  process.exitCode = 1;
} else {
  process.env.UV_THREADPOOL_SIZE ??= String(Math.max(4, availableParallelism() + 2));
  import(pathToFileURL(main).href).then(({ run }) => run());
}
