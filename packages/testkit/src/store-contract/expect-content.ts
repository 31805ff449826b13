import { buffer } from "node:stream/consumers";
import type { Store } from "@spkoci/core";
import { expect } from "vitest";
import type { CountedBlob } from "../random.js";

/** The store gives back the blob's bytes. (Comparing with toEqual takes a minute for a few MB.) */
export async function expectContent(store: Store, blob: CountedBlob): Promise<void> {
  const bytes = await buffer(await store.open(blob.descriptor));
  expect(bytes.length).toBe(blob.bytes.length);
  expect(bytes.equals(blob.bytes)).toBe(true);
}
