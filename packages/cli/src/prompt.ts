import { createInterface } from "node:readline";
import { Writable } from "node:stream";
import { SpkociError } from "@spkoci/core";
import type { World } from "./world.js";

const SECRET_LIMIT = 64 * 1024;

/** Asks on the terminal; the answer is seen while it is typed. */
export async function askLine(question: string, world: World): Promise<string> {
  try {
    return await ask(question, world, world.stderr);
  } catch (error) {
    world.stderr.write("\n");
    throw error;
  }
}

/** Asks on the terminal without showing what is typed. */
export async function askHidden(question: string, world: World): Promise<string> {
  world.stderr.write(question);
  try {
    return await ask("", world, new Writable({ write: (_chunk, _encoding, done) => done() }));
  } finally {
    world.stderr.write("\n");
  }
}

function ask(question: string, world: World, output: NodeJS.WritableStream): Promise<string> {
  const lines = createInterface({ input: world.stdin, output, terminal: true, historySize: 0 });
  return new Promise<string>((fulfil, reject) => {
    const stopped = (): void => reject(new SpkociError("INTERRUPTED", "stopped at the prompt"));
    lines.once("SIGINT", stopped);
    lines.once("close", stopped);
    lines.question(question, fulfil);
  }).finally(() => lines.close());
}

/**
 * A secret from a stream that ends, without the line break at its end.
 * @throws SpkociError INVALID_ARGUMENT if it is larger than any password
 */
export async function readSecret(input: NodeJS.ReadableStream): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of input) {
    const bytes = Buffer.from(chunk);
    size += bytes.length;
    if (size > SECRET_LIMIT) throw new SpkociError("INVALID_ARGUMENT", "the password on standard input is too long");
    chunks.push(bytes);
  }
  return Buffer.concat(chunks)
    .toString("utf8")
    .replace(/\r?\n$/, "");
}
