import { openRegistry } from "@spkoci/core";
import { describeStoreContract, startFakeRegistry } from "@spkoci/testkit";

describeStoreContract("a registry", async () => {
  const registry = await startFakeRegistry({ pageSize: 7 });
  const open = () => openRegistry({ registry: registry.host, repository: "org/cache" });
  const repository = registry.repository("org/cache");
  return {
    store: open(),
    reopen: async () => open(),
    // A session that nobody closed expires at the registry's own time, so it is not counted.
    contents: async () => [...repository.blobs.keys(), ...repository.manifests.keys(), ...repository.tags.keys()],
    close: () => registry.close(),
  };
});
