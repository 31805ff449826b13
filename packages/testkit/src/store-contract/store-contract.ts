import { afterEach, beforeEach, describe } from "vitest";
import { describeBlobs } from "./blobs.js";
import { describeChanges } from "./changes.js";
import { describeDocuments } from "./documents.js";
import { describeFailures } from "./failures.js";
import type { StoreUnderTest } from "./store-under-test.js";

/** Every promise of core's `Store`, as a suite over the stores that `makeStore` makes, one for each test. */
export function describeStoreContract(name: string, makeStore: () => Promise<StoreUnderTest>): void {
  describe(`${name} keeps the contract of a store`, () => {
    let current: StoreUnderTest;
    beforeEach(async () => {
      current = await makeStore();
    });
    afterEach(() => current?.close?.());
    describeBlobs(() => current);
    describeFailures(() => current);
    describeDocuments(() => current);
    describeChanges(() => current);
  });
}
