import { setImmediate as nextTurn } from "node:timers/promises";
import { buildPackage, putPackage, type TestPackage } from "@spkoci/testkit";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Op } from "../base/op.js";
import type { Descriptor } from "../oci/descriptor.js";
import type { Document } from "../oci/document.js";
import type { WriteOptions } from "../oci/store.js";
import { tagMoved } from "../oci/tag-moved.js";
import { parseSpecFile } from "../spack/spec-file.js";
import { INDEX_TAG } from "../spack/tag.js";
import { MemoryStore } from "../store/memory.js";
import type { IndexEntry } from "./merge-index.js";
import { readIndex } from "./read-index.js";
import { changeIndex } from "./write-index.js";

/** How often a writer is interrupted at most where every order is tried; how many orders are drawn otherwise. */
const SWITCHES = 3;
const RUNS = 200;

const PATIENCE = { attempts: 50, baseMs: 0, maxMs: 0, lookAgainMs: 0 };

const [A, B, C, D] = ["a", "b", "c", "d"].map((name) => buildPackage(name)) as [
  TestPackage,
  TestPackage,
  TestPackage,
  TestPackage,
];

function entriesOf(one: TestPackage): IndexEntry[] {
  const file = parseSpecFile(Buffer.from(one.config.bytes).toString(), one.tag);
  return [...file.nodes.values()].map((spec) => ({ spec, inBuildcache: spec.hash === one.hash }));
}

/**
 * Lets writers go on one step at a time. `choose` says which: 0 is the writer that took the last step, if it waits for another, and
 * the others follow; `mayStay` tells whether 0 is that.
 */
class Scheduler {
  readonly #waiting: { readonly writer: number; readonly go: () => void }[] = [];
  readonly #choose: Choose;

  constructor(choose: Choose) {
    this.#choose = choose;
  }

  async step(writer: number): Promise<void> {
    await new Promise<void>((go) => this.#waiting.push({ writer, go }));
  }

  /** Runs the writers to their ends. Each waits for one step at most. */
  async run(writers: readonly (() => Promise<unknown>)[]): Promise<void> {
    let running = writers.length;
    const ends = writers.map((writer) =>
      writer().finally(() => {
        running -= 1;
      }),
    );
    let last = -1;
    for (;;) {
      while (this.#waiting.length < running) await nextTurn();
      if (running === 0) break;
      const order = (writer: number): number => (writer === last ? -1 : writer);
      this.#waiting.sort((a, b) => order(a.writer) - order(b.writer));
      const choice = this.#choose(this.#waiting.length, this.#waiting[0]?.writer === last);
      const [next] = this.#waiting.splice(choice, 1);
      if (next === undefined) throw new Error("no such step");
      last = next.writer;
      next.go();
      await nextTurn();
    }
    await Promise.all(ends);
  }
}

type Choose = (count: number, mayStay: boolean) => number;

/** A registry as one writer sees it: every call about tags is a step of its own, and nothing is compared when a tag moves. */
class RegistryModel extends MemoryStore {
  override readonly comparesTags = false;
  readonly #shared: MemoryStore;
  readonly #step: () => Promise<void>;

  constructor(shared: MemoryStore, step: () => Promise<void>) {
    super();
    this.#shared = shared;
    this.#step = step;
  }

  override async read(reference: string, op?: Op): Promise<Document | undefined> {
    if (reference === INDEX_TAG) await this.#step();
    return this.#shared.read(reference, op);
  }

  override async resolve(reference: string, op?: Op): Promise<Descriptor | undefined> {
    if (reference === INDEX_TAG) await this.#step();
    return this.#shared.resolve(reference, op);
  }

  override async write(document: Document, { tag, from }: WriteOptions = {}): Promise<void> {
    if (tag !== undefined && from !== undefined && ((await this.resolve(tag))?.digest ?? "nothing") !== from) {
      throw tagMoved(this.name, tag);
    }
    await this.#step();
    await this.#shared.write(document, tag === undefined ? {} : { tag });
  }

  override async delete(reference: string): Promise<boolean> {
    await this.#step();
    return this.#shared.delete(reference);
  }

  override async *tags(): AsyncIterable<string> {
    await this.#step();
    yield* this.#shared.tags();
  }

  override has(...args: Parameters<MemoryStore["has"]>): Promise<boolean> {
    return this.#shared.has(...args);
  }
  override open(...args: Parameters<MemoryStore["open"]>): ReturnType<MemoryStore["open"]> {
    return this.#shared.open(...args);
  }
  override put(...args: Parameters<MemoryStore["put"]>): Promise<void> {
    return this.#shared.put(...args);
  }
}

type Writer = (store: RegistryModel) => Promise<unknown>;

const push =
  (one: TestPackage): Writer =>
  async (store) => {
    await putPackage(store, one);
    await changeIndex(store, { add: entriesOf(one) }, {}, PATIENCE);
  };

const prune =
  (one: TestPackage): Writer =>
  async (store) => {
    await changeIndex(store, { remove: [one.hash] }, {}, PATIENCE);
    await store.delete(one.tag);
    await changeIndex(store, { remove: [one.hash] }, {}, PATIENCE);
  };

/** Runs the writers over a store that `before` were pushed to. @returns the names that the index has in the end */
async function runWriters(writers: readonly Writer[], before: readonly TestPackage[], choose: Choose): Promise<string> {
  const shared = new MemoryStore();
  for (const one of before) await putPackage(shared, one);
  await changeIndex(shared, { add: before.flatMap(entriesOf) }, {}, PATIENCE);
  const scheduler = new Scheduler(choose);
  await scheduler.run(writers.map((writer, at) => () => writer(new RegistryModel(shared, () => scheduler.step(at)))));
  const { index } = await readIndex(shared);
  return [A, B, C, D]
    .filter(({ hash }) => index.installs.get(hash)?.inBuildcache)
    .map(({ name }) => name)
    .join("");
}

/**
 * Every order in which the steps of the writers can come, if a writer is interrupted by others at most `switches` times in all.
 * @returns the outcomes, and how many orders there are
 */
async function everyOrder(
  writers: readonly Writer[],
  before: readonly TestPackage[],
  switches: number,
): Promise<{ readonly outcomes: Set<string>; readonly orders: number }> {
  const outcomes = new Set<string>();
  let prefix: number[] | undefined = [];
  let orders = 0;
  for (; prefix !== undefined; orders += 1) {
    const taken: { readonly choice: number; readonly count: number }[] = [];
    const planned: readonly number[] = prefix;
    let left = switches;
    outcomes.add(
      await runWriters(writers, before, (count, mayStay) => {
        const choice = planned[taken.length] ?? 0;
        taken.push({ choice, count: mayStay && left === 0 ? 1 : count });
        if (mayStay && choice > 0) left -= 1;
        return choice;
      }),
    );
    const last = taken.findLastIndex(({ choice, count }) => choice + 1 < count);
    const next = taken[last];
    prefix = next && [...taken.slice(0, last).map(({ choice }) => choice), next.choice + 1];
  }
  return { outcomes, orders };
}

/** Orders drawn at random. */
const order = fc.array(fc.nat(2), { minLength: 20, maxLength: 60 });

function following(drawn: readonly number[]): Choose {
  let at = 0;
  return (count) => (drawn[at++ % drawn.length] ?? 0) % count;
}

describe("the index without compare-and-swap", () => {
  it("has both packages, in whatever order the steps of two pushes come", async () => {
    const { outcomes, orders } = await everyOrder([push(A), push(B)], [D], SWITCHES);
    expect([...outcomes]).toEqual(["abd"]);
    expect(orders).toBeGreaterThan(300);
  });

  it("has all packages, in any order of the steps of three pushes", async () => {
    await fc.assert(
      fc.asyncProperty(order, async (drawn) => {
        expect(await runWriters([push(A), push(B), push(C)], [D], following(drawn))).toBe("abcd");
      }),
      { numRuns: RUNS },
    );
  });

  it("loses nothing else when a package is removed, and has that again only if a push replaces the index at the very end", async () => {
    const { outcomes } = await everyOrder([push(A), prune(D)], [C, D], SWITCHES - 1);

    expect([...outcomes].filter((names) => names !== "ac" && names !== "acd")).toEqual([]);
    expect(await runWriters([push(A), prune(D)], [C, D], () => 0)).toBe("ac");
  });
});
