import { linkTo, putIndexText } from "@spkoci/testkit";
import { describe, expect, it } from "vitest";
import { jsonDocument } from "../oci/document.js";
import { OCI_CONFIG, OCI_MANIFEST } from "../oci/media-type.js";
import { INDEX_TAG } from "../spack/tag.js";
import { MemoryStore } from "../store/memory.js";
import { INDEX_LIMIT } from "./index-document.js";
import { readIndex } from "./read-index.js";

describe("readIndex", () => {
  it("is empty where there is none", async () => {
    const { index, digest } = await readIndex(new MemoryStore());
    expect(index.installs.size).toBe(0);
    expect(digest).toBeUndefined();
  });

  it("does not open an index that is too large", async () => {
    const store = new MemoryStore();
    await putIndexText(store, "{}", INDEX_LIMIT + 1);
    await expect(readIndex(store)).rejects.toMatchObject({ code: "DOCUMENT_TOO_LARGE" });
  });

  it("says what to do about an index whose content is lost or damaged", async () => {
    const store = new MemoryStore();
    await putIndexText(store, "{}", 3);
    await expect(readIndex(store)).rejects.toMatchObject({
      code: "SIZE_MISMATCH",
      message: expect.stringMatching(/^the index of memory can't be read: /),
      hint: expect.stringContaining("spkoci update-index --full"),
    });
  });

  it("refuses an index without content", async () => {
    const store = new MemoryStore();
    const manifest = { schemaVersion: 2, config: linkTo(jsonDocument(OCI_CONFIG, {})), layers: [] };
    await store.write(jsonDocument(OCI_MANIFEST, manifest), { tag: INDEX_TAG });
    await expect(readIndex(store)).rejects.toMatchObject({ code: "DOCUMENT_INVALID" });
  });
});
