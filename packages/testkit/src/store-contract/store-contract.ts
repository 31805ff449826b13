import type { Store } from "@spkoci/core";
import { afterEach, beforeEach, describe } from "vitest";
import { describeBlobs } from "./blobs.js";
import { describeDocuments } from "./documents.js";
import { describeFailures } from "./failures.js";

/** An empty store made for one test. */
export interface StoreUnderTest {
  readonly store: Store;
  /** Another Store over the same place, to see what is really there. */
  reopen(): Promise<Store>;
  /**
   * What the place holds, finished and unfinished, as names that tests compare; undefined where nobody can look.
   * A test that must leave nothing expects the same list before and after.
   */
  contents?(): Promise<readonly string[]>;
  close?(): Promise<void>;
}

/** Gives the store of the running test. */
export type CurrentStore = () => StoreUnderTest;

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
  });
}
