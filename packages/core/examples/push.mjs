// Pushes packages of a Spack store and prints one line for each:
//   node push.mjs STORE TARGET SPEC...
// such as
//   node push.mjs /opt/spack/opt/spack oci:./cache zlib
import { tmpdir } from "node:os";
import { join } from "node:path";
import { push, SpkociError } from "@spkoci/core";

const [store, target, ...specs] = process.argv.slice(2);
const stop = new AbortController();
process.once("SIGINT", () => stop.abort(new Error("stopped by the user")));

try {
  const result = await push(
    { store, target, specs, sysroot: process.env.SYSROOT, cacheDir: join(tmpdir(), "spkoci-example") },
    {
      signal: stop.signal,
      emit(event) {
        if (event.type === "warning") console.error(`warning: ${event.message}`);
      },
    },
  );
  for (const { name, version, outcome, image, error } of result.packages) {
    console.log(`${outcome} ${name}@${version} ${error?.message ?? image}`);
  }
  process.exitCode = result.totals.failed > 0 ? 10 : 0;
} catch (error) {
  if (!(error instanceof SpkociError)) throw error;
  console.error(`${error.code}: ${error.message}\n${error.hint ?? ""}`);
  process.exitCode = error.exitCode;
}
