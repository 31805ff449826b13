import { Readable } from "node:stream";
import { buffer } from "node:stream/consumers";
import { describe, expect, it } from "vitest";
import { algorithmOf, digestOf, Hasher, hexOf, isDigest, mayBeDigest, parseDigest } from "./digest.js";
import { verified, verifyBytes } from "./streams.js";

const EMPTY_512 =
  "sha512:cf83e1357eefb8bdf1542850d66d8007d620e4050b5715dc83f4a921d36ce9ce47d0d13c5d85f2b0ff8318d2877eec2f63b931bd47417a81a538327af927da3e";

describe("checklist 3: digests", () => {
  it("are of sha256, or of sha512 like another", () => {
    expect(digestOf("")).toBe("sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    const like = parseDigest(EMPTY_512);
    expect(digestOf("", like)).toBe(EMPTY_512);
    expect(new Hasher(like).digest()).toBe(EMPTY_512);
    expect([algorithmOf(like), hexOf(like)]).toEqual(["sha512", EMPTY_512.slice(7)]);
  });

  it.each([
    `sha256+b64u:LCa0a2j_xo_5m0U8HTBBNBNCLXBkg7-g-YpeiGJm564`,
    `sha384:${"a".repeat(96)}`,
    "multihash+base58:QmRZxt2b1FVZPNqd8hsiykDL3TdBDeTSPX9Kv46HmX4Gx8",
  ])("of unknown algorithms such as %s may stand in documents, and are trusted nowhere", async (text) => {
    if (!mayBeDigest(text)) return expect.unreachable();
    expect(isDigest(text)).toBe(false);
    expect(() => parseDigest(text)).toThrow(/not a digest/);
    const expected = { digest: text, size: 1 };
    expect(() => verifyBytes(Buffer.from("x"), expected, "it")).toThrow(
      /can't be verified: there is no digest algorithm/,
    );
    const stream = verified(Readable.from([Buffer.from("x")]), expected, "it");
    await expect(buffer(stream)).rejects.toMatchObject({ code: "DOCUMENT_INVALID" });
  });

  it.each([
    "",
    "sha256:",
    `sha256:${"A".repeat(64)}`,
    `sha256:${"a".repeat(63)}`,
    `sha512:${"a".repeat(64)}`,
    "../x:abc",
    "a/b:c",
    "md5:a/../../b",
    "md5:..",
    "-md5:a",
    "MD5:a",
    "md5:a\n",
    `md5:${"a".repeat(300)}`,
  ])("are nowhere such as %j", (text) => {
    expect(mayBeDigest(text)).toBe(false);
  });
});
