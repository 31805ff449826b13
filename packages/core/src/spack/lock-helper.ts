import { type ChildProcessByStdio, spawn } from "node:child_process";
import { createInterface } from "node:readline";
import type { Readable, Writable } from "node:stream";
import { unlessAborted } from "../base/concurrency.js";
import { SpkociError } from "../base/errors.js";
import { findLockPrograms } from "./lock-programs.js";
import type { Environment } from "./spack-command.js";

export type LockMode = "exclusive" | "shared";

/** An fcntl lock that another process holds for this one. */
export interface HeldLock {
  readonly state: "held";
  /** Aborted with LOCKED if the holder dies before `release`. */
  readonly lost: AbortSignal;
  /** Lets go; done when the lock is free. */
  release(): Promise<void>;
}

/** What came of asking for a lock. */
export type LockAnswer =
  | HeldLock
  /** Somebody else held it all the time. */
  | { readonly state: "busy" }
  /** The system refused, with this error code. */
  | { readonly state: "refused"; readonly code: string }
  /** No program that could hold it. */
  | { readonly state: "no-helper" };

export interface LockRequest {
  /** The lock file, absolute. It is made if it is missing. */
  readonly path: string;
  readonly mode: LockMode;
  readonly patienceMs: number;
  /** Its PATH is where python3 and perl are looked for; they run in it. */
  readonly env: Environment;
  /** Called once if somebody else holds the lock. */
  readonly onBusy: () => void;
  /** Where the process that holds the lock is left for the next request; without one it ends with the lock. */
  readonly kept?: KeptHelpers | undefined;
}

/**
 * Asks for the lock through the first of the programs on PATH that works. Node itself has no fcntl locks.
 * An abort of `signal` rejects with its reason.
 */
export async function requestLock(request: LockRequest, signal?: AbortSignal): Promise<LockAnswer> {
  signal?.throwIfAborted();
  const kept = request.kept?.take(request);
  if (kept !== undefined) {
    const answer = await ask(kept, request, signal);
    if (answer !== "unusable") return answer;
  }
  for (const [program, args] of await findLockPrograms(request.env)) {
    signal?.throwIfAborted();
    const answer = await ask(new Helper(program, args, request), request, signal);
    if (answer !== "unusable") return answer;
  }
  return { state: "no-helper" };
}

/** Runs `task` with a place for processes that held a lock, so that the next request of the same need start none; they end with it. */
export async function keepingHelpers<T>(task: (kept: KeptHelpers) => Promise<T>): Promise<T> {
  const kept = new KeptHelpers();
  try {
    return await task(kept);
  } finally {
    await kept.end();
  }
}

/** Processes that hold no lock, for requests of the same file, mode and patience. */
export class KeptHelpers {
  readonly #idle = new Map<string, Helper>();
  #hasEnded = false;

  /** One that is no longer kept, if there is one for the request. It may have been ended by somebody else. */
  take(request: LockRequest): Helper | undefined {
    const key = keyOf(request);
    const helper = this.#idle.get(key);
    this.#idle.delete(key);
    return helper;
  }

  async keep(helper: Helper, request: LockRequest): Promise<void> {
    const key = keyOf(request);
    if (this.#hasEnded || this.#idle.has(key)) await helper.end();
    else this.#idle.set(key, helper);
  }

  async end(): Promise<void> {
    this.#hasEnded = true;
    await Promise.all([...this.#idle.values()].map((helper) => helper.end()));
    this.#idle.clear();
  }
}

function keyOf({ path, mode, patienceMs }: LockRequest): string {
  return JSON.stringify([path, mode, patienceMs]);
}

/** A process that locks a file, lets go of it and locks it again, as it is told. It begins with locking. */
class Helper {
  readonly #process: ChildProcessByStdio<Writable, Readable, null>;
  /** Settles when the process is gone. */
  readonly ended: Promise<void>;
  /** What it said and nobody has taken; undefined for its end. */
  readonly #said: (string | undefined)[] = [];
  #hear: () => void = () => {};
  #isNew = true;

  constructor(program: string, args: readonly string[], { path, mode, patienceMs, env }: LockRequest) {
    const alarm = String(Math.ceil(patienceMs / 1000) + 5);
    // Modules of another perl, such as one that Spack has loaded, must not get into the system's.
    const cleanEnv = { ...env, PERL5LIB: undefined, PERL5OPT: undefined };
    const child = spawn(program, [...args, path, mode, alarm], { stdio: ["pipe", "pipe", "ignore"], env: cleanEnv });
    this.#process = child;
    // A helper that is gone can't be told anything; its exit says all there is to know.
    child.stdin.on("error", () => {});
    const say = (line: string | undefined): void => {
      this.#said.push(line);
      this.#hear();
    };
    const lines = createInterface({ input: child.stdout });
    lines.on("line", say);
    lines.once("close", () => say(undefined));
    child.once("error", () => say(undefined));
    this.ended = new Promise((fulfil) => {
      child.once("exit", () => fulfil());
      child.once("error", () => fulfil());
    });
  }

  /** Has it lock the file: the line that ends its wait; undefined if it ends without one. */
  async lock(onBusy: () => void): Promise<string | undefined> {
    if (!this.#isNew) this.#process.stdin.write("l");
    this.#isNew = false;
    let isBusy = false;
    for (;;) {
      const line = await this.#nextLine();
      if (line !== "waiting") return line;
      if (!isBusy) onBusy();
      isBusy = true;
    }
  }

  /** Has it let go of the file; false if it ended instead, which does that too. */
  async unlock(): Promise<boolean> {
    this.#process.stdin.write("u");
    return (await this.#nextLine()) === "free";
  }

  async end(): Promise<void> {
    this.#process.stdin.end();
    await this.ended;
  }

  async kill(): Promise<void> {
    this.#process.kill("SIGKILL");
    await this.ended;
  }

  /** undefined once it has ended. */
  async #nextLine(): Promise<string | undefined> {
    while (this.#said.length === 0) {
      await new Promise<void>((heard) => {
        this.#hear = heard;
      });
    }
    return this.#said[0] === undefined ? undefined : this.#said.shift();
  }
}

/** "unusable" if the program ends without an answer. */
async function ask(
  helper: Helper,
  request: LockRequest,
  signal: AbortSignal | undefined,
): Promise<LockAnswer | "unusable"> {
  const patience = AbortSignal.timeout(request.patienceMs);
  try {
    const enough = signal ? AbortSignal.any([signal, patience]) : patience;
    const answer = await unlessAborted(helper.lock(request.onBusy), enough);
    if (answer === "locked") return heldBy(helper, request);
    if (answer?.startsWith("refused ")) return { state: "refused", code: answer.slice("refused ".length) };
    return "unusable";
  } catch (error) {
    await helper.kill();
    if (patience.aborted && !signal?.aborted) return { state: "busy" };
    throw error;
  }
}

function heldBy(helper: Helper, request: LockRequest): HeldLock {
  const { path, kept } = request;
  const lost = new AbortController();
  const hint = "The helper process that held it was ended by somebody else. Run the command again.";
  helper.ended.then(() => lost.abort(new SpkociError("LOCKED", `the lock ${path} was lost`, { hint })));
  return {
    state: "held",
    lost: lost.signal,
    async release() {
      if (kept === undefined) await helper.end();
      else if (await helper.unlock()) await kept.keep(helper, request);
      else await helper.ended;
    },
  };
}
