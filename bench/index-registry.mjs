// node bench/index-registry.mjs COUNT
// A fake registry with a cache of COUNT packages and no index, for bench/index.mjs. Prints its host when it is ready; ends with its input.
import { startFakeRegistry } from "@spkoci/testkit";
import { makePackages, SHARED_LAYER } from "./made-up-cache.mjs";

const registry = await startFakeRegistry();
const repository = registry.repository("org/cache");
repository.addBlob(SHARED_LAYER.bytes);
for await (const { config, manifest, tag } of makePackages(Number(process.argv[2]))) {
  repository.addBlob(config.bytes);
  repository.addManifest(manifest, tag);
}
// What was recorded of requests would fill the memory.
const clearing = setInterval(() => registry.clearRequests(), 500);
console.log(registry.host);
process.stdin.resume().on("end", async () => {
  clearInterval(clearing);
  await registry.close();
});
