import { digestOf, jsonDocument, OCI_INDEX, OCI_MANIFEST } from "@spkoci/core";
import { describe, expect, it } from "vitest";
import type { Abilities, RulesScene } from "./scene.js";

/** What the distribution-spec says of pushing manifests. */
export function describePushOfManifests(scene: RulesScene, abilities: Abilities): void {
  const { at, send, locationOf, codesOf, putManifest } = scene;

  describe("push of manifests", () => {
    it("takes one by tag and by digest, with 201 and a Location", async () => {
      const base = at();
      for (const reference of ["v1", undefined]) {
        const { document, put } = await putManifest(base, reference);
        expect(put.status).toBe(201);
        expect(put.header("docker-content-digest")).toBe(document.descriptor.digest);
        expect((await send("GET", locationOf(put).href, { accept: OCI_MANIFEST })).bytes.equals(document.bytes)).toBe(
          true,
        );
      }
    });

    it("moves a tag, and keeps what it named", async () => {
      const base = at();
      const [old, young] = [await putManifest(base, "v1"), await putManifest(base, "v1", { annotations: { n: "2" } })];
      const now = await send("HEAD", `${base}/manifests/v1`, { accept: OCI_MANIFEST });
      expect(now.header("docker-content-digest")).toBe(young.document.descriptor.digest);
      const before = `${base}/manifests/${old.document.descriptor.digest}`;
      expect((await send("HEAD", before, { accept: OCI_MANIFEST })).status).toBe(200);
    });

    it("refuses one whose blobs it doesn't have, naming them", async () => {
      const base = at();
      const missing = { mediaType: "text/plain", digest: digestOf("missing"), size: 7 };
      const { put } = await putManifest(base, "v1", { layers: [missing] });
      expect([400, 404]).toContain(put.status);
      expect(codesOf(put)).toContain("MANIFEST_BLOB_UNKNOWN");
      expect(put.bytes.toString()).toContain(missing.digest);
      expect((await send("HEAD", `${base}/manifests/v1`)).status).toBe(404);
    });

    it("refuses one under another digest, and what is none", async () => {
      const base = at();
      expect((await putManifest(base, digestOf("another"))).put.status).toBe(400);
      const nonsense = await send("PUT", `${base}/manifests/v1`, { "content-type": OCI_MANIFEST }, Buffer.from("{"));
      expect(nonsense.status).toBe(400);
    });

    it.runIf(abilities.manifestLimit)("takes 4 MiB, and answers 413 to more", async () => {
      const base = at();
      const frame = (await putManifest(base, "v1", { annotations: { n: "" } })).document.bytes.length;
      const room = 4 * 1024 * 1024 - frame;
      expect((await putManifest(base, "v1", { annotations: { n: "x".repeat(room) } })).put.status).toBe(201);
      expect((await putManifest(base, "v1", { annotations: { n: "x".repeat(room + 1) } })).put.status).toBe(413);
    });

    it("takes members and media types that nobody knows", async () => {
      const base = at();
      const config = { mediaType: "application/vnd.example.unknown", digest: digestOf("{}"), size: 2 };
      const { document, put } = await putManifest(base, "v1", { config, "org.example.member": [1] });
      expect(put.status).toBe(201);
      const got = await send("GET", `${base}/manifests/v1`, { accept: OCI_MANIFEST });
      expect(got.bytes.equals(document.bytes)).toBe(true);
    });

    it("takes an index of what it has", async () => {
      const base = at();
      const { document } = await putManifest(base, undefined);
      const entry = { ...document.descriptor, platform: { os: "linux", architecture: "amd64" } };
      const index = jsonDocument(OCI_INDEX, { schemaVersion: 2, mediaType: OCI_INDEX, manifests: [entry] });
      const put = await send("PUT", `${base}/manifests/all`, { "content-type": OCI_INDEX }, index.bytes);
      expect(put.status).toBe(201);
      const got = await send("GET", `${base}/manifests/all`, { accept: OCI_INDEX });
      expect([got.header("content-type"), got.bytes.equals(index.bytes)]).toEqual([OCI_INDEX, true]);
    });
  });
}
