// Installs packages from a cache into a store and prints where each is:
//   node install.mjs SOURCE ROOT SPEC...
// such as
//   node install.mjs oci:./cache "$HOME/store" zlib
// ALIAS_DIR may name a short folder for links to prefixes that are too long for strings in binaries.
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { install, SpkociError } from "@spkoci/core";

const [source, root, ...specs] = process.argv.slice(2);

try {
  const result = await install({
    sources: [source],
    specs,
    root: resolve(root),
    cacheDir: join(tmpdir(), "spkoci-example"),
    aliasDir: process.env.ALIAS_DIR,
    env: process.env,
  });
  for (const { name, version, outcome, prefix, error } of result.packages) {
    console.log(`${outcome} ${name}@${version} ${error?.message ?? prefix}`);
  }
  process.exitCode = result.totals.failed > 0 ? 10 : 0;
} catch (error) {
  if (!(error instanceof SpkociError)) throw error;
  console.error(`${error.code}: ${error.message}\n${error.hint ?? ""}`);
  process.exitCode = error.exitCode;
}
