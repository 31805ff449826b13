import { describe, expect, it } from "vitest";
import { digestOf } from "../base/digest.js";
import { documentOf } from "../oci/document.js";
import { blobOf } from "../oci/store.js";
import { MemoryStore } from "../store/memory.js";
import { changeSeenTags, NOTHING_SEEN, readSeenTags, SEEN_TAGS, type SeenTags, seenTagsDocument } from "./seen-tags.js";

const [one, two] = [digestOf("one"), digestOf("two")];

async function readBack(text: string | Uint8Array): Promise<SeenTags> {
  const store = new MemoryStore();
  const document = documentOf(SEEN_TAGS, Buffer.from(text));
  await store.put(blobOf(document));
  return readSeenTags(store, [document.descriptor]);
}

describe("readSeenTags", () => {
  it("reads what is written, in the same bytes whatever order it came in", async () => {
    const seen: SeenTags = {
      tags: new Map([
        ["b", two],
        ["a", one],
      ]),
      rebuilding: true,
    };
    const document = seenTagsDocument(seen);
    expect(Buffer.from(document.bytes).toString()).toBe(
      `{"version":1,"rebuilding":true,"tags":{"a":"${one}","b":"${two}"}}`,
    );
    expect(await readBack(document.bytes)).toEqual(seen);
  });

  it.each([
    ["no JSON", "<html>"],
    ["another version", '{"version":2,"tags":{}}'],
    ["no tags", '{"version":1}'],
    ["a bare value", "null"],
  ])("remembers nothing of %s", async (_what, text) => {
    expect(await readBack(text)).toEqual(NOTHING_SEEN);
  });

  it("passes over what is no digest", async () => {
    const { tags } = await readBack(`{"version":1,"tags":{"a":7,"__proto__":"x","b":"${two}"}}`);
    expect([...tags]).toEqual([["b", two]]);
  });

  it("remembers nothing where the layer is missing or there is none", async () => {
    const { descriptor } = documentOf(SEEN_TAGS, Buffer.from("{}"));
    expect(await readSeenTags(new MemoryStore(), [descriptor])).toEqual(NOTHING_SEEN);
    expect(await readSeenTags(new MemoryStore(), [])).toEqual(NOTHING_SEEN);
  });
});

describe("changeSeenTags", () => {
  const before: SeenTags = { tags: new Map([["a", one]]), rebuilding: false };

  it("gives back the same where nothing changes", () => {
    expect(
      changeSeenTags(before, {
        tags: new Map([
          ["a", one],
          ["x", undefined],
        ]),
        rebuilding: false,
      }),
    ).toBe(before);
  });

  it("adds, replaces and forgets", () => {
    const after = changeSeenTags(before, {
      tags: new Map([
        ["a", undefined],
        ["b", two],
      ]),
      rebuilding: true,
    });
    expect(after).toEqual({ tags: new Map([["b", two]]), rebuilding: true });
    expect(changeSeenTags(before, { tags: new Map([["a", two]]) }).tags.get("a")).toBe(two);
  });
});
