import { openRegistry, type RegistryAccess, type Store } from "@spkoci/core";
import { afterEach, expect } from "vitest";
import type { FakeRepository } from "./fake-registry/content.js";
import type { FakeRegistryOptions } from "./fake-registry/options.js";
import { type FakeRegistry, startFakeRegistry } from "./fake-registry/server.js";
import type { CountedBlob } from "./random.js";

/** Tries a request three times, with next to no wait between them. */
export const FAST_RETRY: { readonly attempts: number; readonly baseMs: number; readonly maxMs: number } = {
  attempts: 3,
  baseMs: 1,
  maxMs: 2,
};

/** A fake registry, new for each test, and the repository `org/cache` in it. */
export class RegistryScene {
  #registry: FakeRegistry | undefined;

  constructor() {
    afterEach(this.close);
  }

  /** The one that was started last. */
  get registry(): FakeRegistry {
    if (this.#registry === undefined) throw new Error("no registry was started");
    return this.#registry;
  }

  get repository(): FakeRepository {
    return this.registry.repository("org/cache");
  }

  readonly start = async (options: FakeRegistryOptions = {}): Promise<FakeRegistry> => {
    this.#registry = await startFakeRegistry(options);
    return this.#registry;
  };

  readonly close = async (): Promise<void> => {
    await this.#registry?.close();
    this.#registry = undefined;
  };

  /** Starts the registry, and opens the repository, with `FAST_RETRY` unless told. */
  readonly open = async (options: FakeRegistryOptions = {}, access: RegistryAccess = {}): Promise<Store> => {
    const { host } = await this.start(options);
    return openRegistry({ registry: host, repository: "org/cache" }, { retry: FAST_RETRY, ...access });
  };

  /** The repository has the blob's bytes. (toEqual takes a minute for a few MB.) */
  readonly expectStored = (blob: CountedBlob): void => {
    expect(this.repository.blobs.get(blob.descriptor.digest)?.equals(blob.bytes)).toBe(true);
  };
}
