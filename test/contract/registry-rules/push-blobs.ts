import { digestOf } from "@spkoci/core";
import { seededBytes } from "@spkoci/testkit";
import { describe, expect, it } from "vitest";
import type { Abilities, RulesScene } from "./scene.js";

/** What the distribution-spec says of pushing blobs. */
export function describePushOfBlobs(scene: RulesScene, abilities: Abilities): void {
  const { at, send, locationOf, closing, codesOf, begin, octets, putBlob } = scene;

  describe("push of blobs", () => {
    it("ends a POST and PUT with 201 and a Location that has the blob", async () => {
      const base = at();
      const bytes = seededBytes("monolithic", 500);
      const put = await send("PUT", closing(await begin(base), digestOf(bytes)), octets, bytes);
      expect(put.status).toBe(201);
      expect((await send("GET", locationOf(put).href)).bytes.equals(bytes)).toBe(true);
    });

    it("checklist 27: ends a POST with the digest and the content, or begins an upload for it", async () => {
      const base = at();
      const bytes = seededBytes("single", 500);
      const digest = digestOf(bytes);
      const posted = await send("POST", `${base}/blobs/uploads/?digest=${digest}`, octets, bytes);
      expect([201, 202]).toContain(posted.status);
      if (posted.status === 202) {
        expect((await send("PUT", closing(posted, digest), octets, bytes)).status).toBe(201);
      }
      expect((await send("HEAD", `${base}/blobs/${digest}`)).status).toBe(200);
    });

    it("takes chunks in order, each at the Location of the answer before, and tells how far it is", async () => {
      const base = at();
      const bytes = seededBytes("chunks", 300);
      const first = await send(
        "PATCH",
        locationOf(await begin(base)).href,
        { ...octets, "content-range": "0-99" },
        bytes.subarray(0, 100),
      );
      expect([first.status, first.header("range")]).toEqual([202, "0-99"]);
      const progress = await send("GET", locationOf(first).href);
      expect([progress.status, progress.header("range")]).toEqual([204, "0-99"]);
      const headers = { ...octets, "content-range": "100-299" };
      const second = await send("PATCH", locationOf(progress).href, headers, bytes.subarray(100));
      expect([second.status, second.header("range")]).toEqual([202, "0-299"]);
      expect((await send("PUT", closing(second, digestOf(bytes)))).status).toBe(201);
      expect((await send("GET", `${base}/blobs/${digestOf(bytes)}`)).bytes.equals(bytes)).toBe(true);
    });

    it("takes one PATCH of any length, without a Content-Range", async () => {
      const base = at();
      const bytes = seededBytes("streamed", 300);
      const sent = await send("PATCH", locationOf(await begin(base)).href, octets, bytes);
      expect([sent.status, sent.header("range")]).toEqual([202, "0-299"]);
      expect((await send("PUT", closing(sent, digestOf(bytes)))).status).toBe(201);
      expect((await send("GET", `${base}/blobs/${digestOf(bytes)}`)).bytes.equals(bytes)).toBe(true);
    });

    it.runIf(abilities.contentRange)("answers 416 to a first chunk that doesn't begin at 0", async () => {
      const base = at();
      const headers = { ...octets, "content-range": "1-100" };
      const sent = await send("PATCH", locationOf(await begin(base)).href, headers, seededBytes("late", 100));
      expect(sent.status).toBe(416);
    });

    it.runIf(abilities.uploadState)("refuses a chunk at the Location before the last", async () => {
      const begun = await begin(at());
      expect((await send("PATCH", locationOf(begun).href, octets, Buffer.from("first"))).status).toBe(202);
      const again = await send("PATCH", locationOf(begun).href, octets, Buffer.from("second"));
      expect([again.status, codesOf(again)]).toEqual([400, ["BLOB_UPLOAD_INVALID"]]);
    });

    it("refuses an end without a digest, with a malformed one, and of an upload that it doesn't know", async () => {
      const base = at();
      const begun = await begin(base);
      const end = await send("PUT", locationOf(begun).href, octets, Buffer.from("x"));
      expect([end.status, codesOf(end)]).toEqual([400, ["DIGEST_INVALID"]]);
      const malformed = await send("PUT", closing(await begin(base), "sha256:short"), octets, Buffer.from("x"));
      expect([malformed.status, codesOf(malformed)]).toEqual([400, ["DIGEST_INVALID"]]);
      const unknown = await begin(base);
      await send("DELETE", locationOf(unknown).href);
      for (const method of ["PUT", "PATCH", "DELETE"]) {
        const url = method === "PUT" ? closing(unknown, digestOf("x")) : locationOf(unknown).href;
        const body = method === "DELETE" ? undefined : Buffer.from("x");
        const answer = await send(method, url, octets, body);
        expect([method, answer.status, codesOf(answer)]).toEqual([method, 404, ["BLOB_UPLOAD_UNKNOWN"]]);
      }
    });

    it("takes the last chunk with the PUT", async () => {
      const base = at();
      const bytes = seededBytes("last chunk", 300);
      const headers = { ...octets, "content-range": "0-99" };
      const first = await send("PATCH", locationOf(await begin(base)).href, headers, bytes.subarray(0, 100));
      const last = { ...octets, "content-range": "100-299" };
      expect((await send("PUT", closing(first, digestOf(bytes)), last, bytes.subarray(100))).status).toBe(201);
    });

    it.runIf(abilities.contentRange)("answers 416 to a chunk out of order, and goes on from where it is", async () => {
      const base = at();
      const bytes = seededBytes("out of order", 200);
      const headers = { ...octets, "content-range": "0-99" };
      const first = await send("PATCH", locationOf(await begin(base)).href, headers, bytes.subarray(0, 100));
      const again = await send("PATCH", locationOf(first).href, headers, bytes.subarray(0, 100));
      expect(again.status).toBe(416);
      const progress = await send("GET", locationOf(first).href);
      expect(progress.header("range")).toBe("0-99");
    });

    it("refuses content with another digest and keeps nothing", async () => {
      const base = at();
      const other = digestOf("other");
      const put = await send("PUT", closing(await begin(base), other), octets, Buffer.from("content"));
      expect([put.status, codesOf(put)]).toEqual([400, ["DIGEST_INVALID"]]);
      expect((await send("HEAD", `${base}/blobs/${other}`)).status).toBe(404);
      expect((await send("HEAD", `${base}/blobs/${digestOf("content")}`)).status).toBe(404);
    });

    it("takes a blob without bytes, and one that is there already", async () => {
      const base = at();
      for (const bytes of [Buffer.alloc(0), Buffer.from("twice"), Buffer.from("twice")]) {
        const digest = await putBlob(base, bytes);
        expect((await send("HEAD", `${base}/blobs/${digest}`)).header("content-length")).toBe(String(bytes.length));
      }
    });

    it("forgets an upload that is given up", async () => {
      const location = locationOf(await begin(at())).href;
      expect((await send("DELETE", location)).status).toBe(204);
      const gone = await send("GET", location);
      expect([gone.status, codesOf(gone)]).toEqual([404, ["BLOB_UPLOAD_UNKNOWN"]]);
    });

    it("mounts what another repository has, and begins an upload for what it hasn't", async () => {
      const [from, to] = [at(), at()];
      const digest = await putBlob(from, Buffer.from("mounted"));
      const name = from.split("/v2/")[1] ?? "";
      const mount = (what: string) => send("POST", `${to}/blobs/uploads/?mount=${what}&from=${name}`);
      expect((await mount(digest)).status).toBe(201);
      expect((await send("GET", `${to}/blobs/${digest}`)).bytes.toString()).toBe("mounted");
      const withoutFrom = await send("POST", `${to}/blobs/uploads/?mount=${digestOf("elsewhere")}`);
      expect(withoutFrom.status).toBe(202);
      const begun = await mount(digestOf("nowhere"));
      expect(begun.status).toBe(202);
      expect((await send("PUT", closing(begun, digestOf("nowhere")), octets, Buffer.from("nowhere"))).status).toBe(201);
    });
  });
}
