import type { Store } from "@spkoci/core";

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
