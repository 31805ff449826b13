import { describe, expect, it } from "vitest";
import type { Abilities, RulesScene } from "./scene.js";

/** What the distribution-spec says of content management. */
export function describeDeletes(scene: RulesScene, abilities: Abilities): void {
  const { at, send, putBlob, putManifest } = scene;

  describe("deletes", () => {
    it("take a manifest with every tag that names it", async () => {
      const base = at();
      const { document } = await putManifest(base, "v1");
      const target = `${base}/manifests/${document.descriptor.digest}`;
      expect((await send("DELETE", target)).status).toBe(202);
      expect((await send("GET", target)).status).toBe(404);
      expect((await send("GET", `${base}/manifests/v1`)).status).toBe(404);
      const tags = await send("GET", `${base}/tags/list`);
      const listed = JSON.parse(tags.bytes.toString()) as { tags?: string[] | null };
      expect(listed.tags ?? []).not.toContain("v1");
      expect((await send("DELETE", target)).status).toBe(404);
    });

    it("take a blob", async () => {
      const base = at();
      const target = `${base}/blobs/${await putBlob(base, Buffer.from("gone"))}`;
      expect((await send("DELETE", target)).status).toBe(202);
      expect((await send("GET", target)).status).toBe(404);
      expect((await send("DELETE", target)).status).toBe(404);
    });

    it.runIf(abilities.tagDeletes)("take a tag, and leave what it names", async () => {
      const base = at();
      const { document } = await putManifest(base, "v1");
      expect((await send("DELETE", `${base}/manifests/v1`)).status).toBe(202);
      expect((await send("GET", `${base}/manifests/v1`)).status).toBe(404);
      expect((await send("GET", `${base}/manifests/${document.descriptor.digest}`)).status).toBe(200);
      expect((await send("DELETE", `${base}/manifests/v1`)).status).toBe(404);
    });
  });
}
