import { digestOf, jsonDocument, OCI_INDEX, OCI_MANIFEST } from "@spkoci/core";
import { describe, expect, it } from "vitest";
import type { Abilities, Answer, RulesScene } from "./scene.js";

/** What the distribution-spec says of listing tags and referrers. */
export function describeLists(scene: RulesScene, abilities: Abilities): void {
  const { at, send, codesOf, putManifest } = scene;

  describe("tags", () => {
    const read = (answer: Answer) => (JSON.parse(answer.bytes.toString()) as { tags: string[] }).tags;

    it("are all listed", async () => {
      const base = at();
      for (const tag of ["c", "a", "b"]) await putManifest(base, tag);
      expect(read(await send("GET", `${base}/tags/list`)).sort()).toEqual(["a", "b", "c"]);
    });

    it.runIf(abilities.tagPages)("are listed in order, in pages with a Link, or after one of them", async () => {
      const base = at();
      for (const tag of ["c", "a", "e", "b", "d"]) await putManifest(base, tag);
      expect(read(await send("GET", `${base}/tags/list`))).toEqual(["a", "b", "c", "d", "e"]);
      expect(read(await send("GET", `${base}/tags/list?n=2&last=b`))).toEqual(["c", "d"]);
      const pages: string[][] = [];
      let next: string | undefined = `${base}/tags/list?n=2`;
      while (next !== undefined) {
        const page: Answer = await send("GET", next);
        pages.push(read(page));
        const [, link] = /<(.+)>; rel="next"/.exec(page.header("link") ?? "") ?? [];
        next = link && new URL(link, scene.url).href;
      }
      expect(pages).toEqual([["a", "b"], ["c", "d"], ["e"]]);
    });

    it.runIf(abilities.tagPages)("are all on one page that has room for them, and none of no length", async () => {
      const base = at();
      for (const tag of ["a", "b"]) await putManifest(base, tag);
      for (const [query, tags] of [
        ["n=2", ["a", "b"]],
        ["n=100", ["a", "b"]],
        ["n=0", []],
        ["n=2&last=b", []],
        ["last=aa", ["b"]],
      ] as const) {
        const answer = await send("GET", `${base}/tags/list?${query}`);
        expect([query, read(answer), answer.header("link")]).toEqual([query, tags, null]);
      }
    });

    it("of an unknown repository are 404 with NAME_UNKNOWN", async () => {
      const answer = await send("GET", `${at()}/tags/list`);
      expect([answer.status, codesOf(answer)]).toEqual([404, ["NAME_UNKNOWN"]]);
    });
  });

  describe.runIf(abilities.referrers)("referrers", () => {
    const list = async (base: string, digest: string, query = "") => {
      const answer = await send("GET", `${base}/referrers/${digest}${query}`);
      expect([answer.status, answer.header("content-type")]).toEqual([200, OCI_INDEX]);
      const body = JSON.parse(answer.bytes.toString()) as { mediaType: string; manifests: object[] };
      expect(body).toMatchObject({ schemaVersion: 2, mediaType: OCI_INDEX });
      return { ...body, filters: answer.header("oci-filters-applied") };
    };

    it("are none of what nothing refers to, and of what isn't there", async () => {
      const base = at();
      const { document } = await putManifest(base, "v1");
      expect((await list(base, document.descriptor.digest)).manifests).toEqual([]);
      expect((await list(base, digestOf("not there"))).manifests).toEqual([]);
    });

    it("are listed with type and annotations, before and after their subject is there", async () => {
      const base = at();
      const subject = { mediaType: OCI_MANIFEST, digest: digestOf("comes later"), size: 11 };
      const annotations = { "org.example": "yes" };
      const { document, put } = await putManifest(base, undefined, { subject, artifactType: "text/a", annotations });
      expect([put.status, put.header("oci-subject")]).toEqual([201, subject.digest]);
      const { digest, size } = document.descriptor;
      expect((await list(base, subject.digest)).manifests).toEqual([
        { mediaType: OCI_MANIFEST, digest, size, artifactType: "text/a", annotations },
      ]);
    });

    it("may be indexes, listed by their own type", async () => {
      const base = at();
      const subject = { mediaType: OCI_MANIFEST, digest: digestOf("of an index"), size: 11 };
      const body = { schemaVersion: 2, mediaType: OCI_INDEX, artifactType: "text/i", manifests: [], subject };
      const index = jsonDocument(OCI_INDEX, body);
      const target = `${base}/manifests/${index.descriptor.digest}`;
      const put = await send("PUT", target, { "content-type": OCI_INDEX }, index.bytes);
      expect([put.status, put.header("oci-subject")]).toEqual([201, subject.digest]);
      const { digest, size } = index.descriptor;
      const listed = { mediaType: OCI_INDEX, digest, size, artifactType: "text/i" };
      expect((await list(base, subject.digest)).manifests).toEqual([listed]);
    });

    it("are filtered by type where that is asked, and say so; without a type the config's counts", async () => {
      const base = at();
      const subject = { mediaType: OCI_MANIFEST, digest: digestOf("subject"), size: 7 };
      await putManifest(base, undefined, { subject, artifactType: "text/a" });
      await putManifest(base, undefined, { subject });
      const found = await list(base, subject.digest, "?artifactType=text/a");
      expect([found.manifests.length, found.filters]).toEqual([1, "artifactType"]);
      const others = await list(base, subject.digest, "?artifactType=application/vnd.oci.empty.v1%2Bjson");
      expect(others.manifests).toHaveLength(1);
    });

    it("are gone when they are deleted", async () => {
      const base = at();
      const subject = { mediaType: OCI_MANIFEST, digest: digestOf("subject"), size: 7 };
      const { document } = await putManifest(base, undefined, { subject, artifactType: "text/a" });
      await send("DELETE", `${base}/manifests/${document.descriptor.digest}`);
      expect((await list(base, subject.digest)).manifests).toEqual([]);
    });
  });
}
