import { digestOf, OCI_MANIFEST } from "@spkoci/core";
import { seededBytes } from "@spkoci/testkit";
import { describe, expect, it } from "vitest";
import type { Abilities, RulesScene } from "./scene.js";

/** What the distribution-spec says of pulling. */
export function describePull(scene: RulesScene, abilities: Abilities): void {
  const { at, send, codesOf, putBlob, putManifest } = scene;

  it("answers at /v2/", async () => {
    expect((await send("GET", `${scene.url}/v2/`)).status).toBe(200);
  });

  describe("pull", () => {
    it("gives a manifest by tag and by digest, with type, digest and length, to GET and HEAD", async () => {
      const base = at();
      const { document } = await putManifest(base, "v1");
      for (const reference of ["v1", document.descriptor.digest]) {
        const got = await send("GET", `${base}/manifests/${reference}`, { accept: OCI_MANIFEST });
        const head = await send("HEAD", `${base}/manifests/${reference}`, { accept: OCI_MANIFEST });
        expect(got.bytes.equals(document.bytes)).toBe(true);
        expect(head.bytes).toHaveLength(0);
        for (const answer of [got, head]) {
          expect(answer.status).toBe(200);
          expect(answer.header("content-type")).toBe(OCI_MANIFEST);
          expect(answer.header("docker-content-digest")).toBe(document.descriptor.digest);
          expect(answer.header("content-length")).toBe(String(document.bytes.length));
        }
      }
    });

    it("answers 404 with a code for what it doesn't have", async () => {
      const base = at();
      await putManifest(base, "v1");
      const unknown = digestOf("unknown");
      for (const path of ["manifests/v2", `manifests/${unknown}`, `blobs/${unknown}`]) {
        const answer = await send("GET", `${base}/${path}`);
        expect(answer.status).toBe(404);
        expect(codesOf(answer)[0]).toMatch(/^(?:MANIFEST|BLOB)_UNKNOWN$/);
        expect((await send("HEAD", `${base}/${path}`)).status).toBe(404);
      }
    });

    it("gives blobs whole and in parts", async () => {
      const base = at();
      const bytes = seededBytes("pull", 1000);
      const blob = `${base}/blobs/${await putBlob(base, bytes)}`;
      expect((await send("GET", blob)).bytes.equals(bytes)).toBe(true);
      const head = await send("HEAD", blob);
      expect([head.status, head.header("content-length"), head.bytes.length]).toEqual([200, "1000", 0]);
      expect(head.header("docker-content-digest")).toBe(digestOf(bytes));
      const middle = await send("GET", blob, { range: "bytes=100-199" });
      expect([middle.status, middle.header("content-range")]).toEqual([206, "bytes 100-199/1000"]);
      expect(middle.bytes.equals(bytes.subarray(100, 200))).toBe(true);
      const part = await send("GET", blob, { range: "bytes=900-" });
      expect([part.status, part.header("content-range")]).toEqual([206, "bytes 900-999/1000"]);
      expect(part.bytes.equals(bytes.subarray(900))).toBe(true);
    });

    it.runIf(abilities.lateRange)("answers 416 to a part beyond the end", async () => {
      const base = at();
      const blob = `${base}/blobs/${await putBlob(base, seededBytes("pull", 1000))}`;
      const late = await send("GET", blob, { range: "bytes=5000-" });
      expect([late.status, late.header("content-range")]).toEqual([416, "bytes */1000"]);
    });
  });
}
