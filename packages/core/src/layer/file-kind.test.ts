import { describe, expect, it } from "vitest";
import { type FileKind, KindDetector } from "./file-kind.js";

function kindOf(...chunks: (string | Buffer)[]): FileKind {
  const kind = new KindDetector();
  for (const chunk of chunks) kind.update(typeof chunk === "string" ? Buffer.from(chunk) : chunk);
  return kind.finish();
}

const hex = (digits: string): Buffer => Buffer.from(digits, "hex");
const latin1 = (text: string): Buffer => Buffer.from(text, "latin1");

describe("KindDetector", () => {
  it.each([
    ["ELF", "7f454c46020101000000"],
    ["Mach-O, 64 bit, little-endian", "cffaedfe07000001"],
    ["Mach-O, 64 bit, big-endian", "feedfacf01000007"],
    ["Mach-O, 32 bit, little-endian", "cefaedfe07000000"],
    ["Mach-O, 32 bit, big-endian", "feedface00000007"],
    ["Mach-O of two architectures", "cafebabe00000002ff"],
    ["Mach-O of two architectures, little-endian", "bebafeca02000000ff"],
  ])("knows %s", (_, digits) => expect(kindOf(hex(digits))).toBe("binary"));

  it("takes no Java class for Mach-O", () => {
    expect(kindOf(hex("cafebabe00000034ff00"))).toBe("other");
  });

  it("knows a magic that comes in pieces", () => {
    expect(kindOf(hex("7f45"), hex("4c46"), hex("02010100ff00"))).toBe("binary");
  });

  it.each([
    ["ASCII", "#!/bin/sh\n"],
    ["UTF-8", "grüße, 日本 \u{1f600}"],
    ["UTF-8 with NUL", "some\0text"],
    ["UTF-8 with control characters", "\u0001\u007f\u0080 text"],
    ["ISO 8859-1", latin1("gr\xfc\xdfe aus M\xfcnchen\x01")],
  ])("takes %s for text", (_, content) => expect(kindOf(content)).toBe("text"));

  it.each([
    ["bytes that are neither", latin1("\xff\xfe text \x80")],
    ["ISO 8859-1 with NUL", latin1("gr\xfc\xdfe \0 text")],
    ["ISO 8859-1 with DEL", latin1("gr\xfc\xdfe \x7f text")],
    ["an overlong UTF-8 sequence", hex("61616161616161c080")],
    ["a surrogate in UTF-8", hex("6161616161616161eda080")],
    ["a sequence that the end of the file cuts off", hex("6161616161616161f09f98")],
  ])("takes %s for neither", (_, content) => expect(kindOf(content)).toBe("other"));

  it("takes files under 8 bytes for neither", () => {
    expect(kindOf("")).toBe("other");
    expect(kindOf("1234567")).toBe("other");
    expect(kindOf("12345678")).toBe("text");
    expect(kindOf(hex("7f454c46"))).toBe("other");
  });

  it("reads UTF-8 sequences over the ends of chunks", () => {
    const text = Buffer.from("12345678 \u{1f600} 日 ü \u{1f600}");
    const bytes = [...text].map((byte) => Buffer.of(byte));
    expect(kindOf(...bytes)).toBe("text");
    for (let at = 1; at < text.length; at += 1) expect(kindOf(text.subarray(0, at), text.subarray(at))).toBe("text");
  });

  it("decides by the whole file", () => {
    expect(kindOf("a".repeat(100_000), hex("ff00"))).toBe("other");
    expect(kindOf("12345678\0", latin1("\xfc"))).toBe("other");
  });

  it("says when the rest of the file can't change the answer", () => {
    const kind = new KindDetector();
    kind.update(Buffer.from("12345678"));
    expect(kind.open).toBe(true);
    kind.update(latin1("\xfc"));
    expect(kind.open).toBe(true);
    kind.update(latin1("\0 text"));
    expect(kind.open).toBe(false);
  });
});
