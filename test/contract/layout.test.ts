import { readdir } from "node:fs/promises";
import { openLayout } from "@spkoci/core";
import { createTemporaryFolder, describeStoreContract } from "@spkoci/testkit";

describeStoreContract("an image-layout folder", async () => {
  const folder = await createTemporaryFolder();
  return {
    store: await openLayout(folder.path, { create: true }),
    reopen: () => openLayout(folder.path),
    contents: async () => (await readdir(folder.path, { recursive: true })).sort(),
    close: folder.remove,
  };
});
