import { describe, expect, it } from "vitest";
import { digestOf } from "../base/digest.js";
import type { Descriptor } from "../oci/descriptor.js";
import { OCI_LAYER_GZIP } from "../oci/media-type.js";
import { formatPathOffsets, isPathOffsets, PATH_OFFSETS_LIMIT, pathOffsetsOf } from "./path-offsets.js";

const diffId = digestOf("plain");
const lists = { binaries: ["bin/a", "lib/b.so", "lib/c.so"], textFiles: ["bin/sh"] };
const offsets = new Map([
  ["bin/a", [100, 188, 300]],
  ["lib/c.so", []],
  ["bin/sh", [0, 2]],
]);

function layerWith(text: string | undefined, of: string = diffId): Descriptor {
  const annotations = {
    "dev.spkoci.layer.diff-id": of,
    ...(text !== undefined && { "dev.spkoci.layer.path-offsets": text }),
  };
  return { mediaType: OCI_LAYER_GZIP, digest: digestOf("packed"), size: 6, annotations };
}

describe("formatPathOffsets", () => {
  it("writes distances, for each file of the lists in their order", () => {
    expect(formatPathOffsets(lists, offsets)).toBe('{"binaries":[[100,88,112],null,[]],"textFiles":[[0,2]]}');
  });

  it("writes nothing if it would be too long, or nothing is known", () => {
    const many = Array.from({ length: PATH_OFFSETS_LIMIT / 2 }, (_, i) => i);
    expect(formatPathOffsets(lists, new Map([["bin/a", many]]))).toBeUndefined();
    expect(formatPathOffsets(lists, new Map())).toBeUndefined();
  });
});

describe("pathOffsetsOf", () => {
  it("reads back what was written", () => {
    const text = formatPathOffsets(lists, offsets);
    expect(isPathOffsets(text)).toBe(true);
    expect(pathOffsetsOf(layerWith(text), diffId, lists)).toEqual(offsets);
  });

  it.each([
    ["no text", undefined],
    ["no JSON", "{"],
    ["no object", "null"],
    ["a list", "[]"],
    ["a list that is missing", '{"binaries":[[1],null,[]]}'],
    ["a list of something else", '{"binaries":[[1],"",[]],"textFiles":[[0,2]]}'],
    ["something else in a file's list", '{"binaries":[["1"],null,[]],"textFiles":[[0,2]]}'],
    ["a negative offset", '{"binaries":[[-1],null,[]],"textFiles":[[0,2]]}'],
    ["the same offset twice", '{"binaries":[[1,0],null,[]],"textFiles":[[0,2]]}'],
    ["a fraction", '{"binaries":[[1.5],null,[]],"textFiles":[[0,2]]}'],
    ["an offset that no number holds exactly", '{"binaries":[[9007199254740992],null,[]],"textFiles":[[0,2]]}'],
    ["a text that is too long", `${" ".repeat(PATH_OFFSETS_LIMIT)}${formatPathOffsets(lists, offsets)}`],
    ["lists nested deeply", `{"binaries":${"[".repeat(20_000)}`],
  ])("takes nothing from %s", (_what, text) => {
    expect(isPathOffsets(text)).toBe(false);
    expect(pathOffsetsOf(layerWith(text), diffId, lists)).toEqual(new Map());
  });

  it("takes nothing from a text that is of other lists, or of another layer", () => {
    const text = formatPathOffsets(lists, offsets);
    expect(pathOffsetsOf(layerWith(text), diffId, { ...lists, textFiles: [] })).toEqual(new Map());
    expect(pathOffsetsOf(layerWith(text), diffId, { ...lists, binaries: ["a"] })).toEqual(new Map());
    expect(pathOffsetsOf(layerWith(text, digestOf("other")), diffId, lists)).toEqual(new Map());
    expect(pathOffsetsOf({ ...layerWith(text), annotations: undefined }, diffId, lists)).toEqual(new Map());
  });
});
