import { MemoryStore } from "@spkoci/core";
import { describeStoreContract } from "@spkoci/testkit";

describeStoreContract("the memory store", async () => {
  const store = new MemoryStore();
  return { store, reopen: async () => store };
});
