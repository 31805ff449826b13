import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { buffer } from "node:stream/consumers";
import { fileURLToPath } from "node:url";
import { openLayout, parseImageIndex } from "@spkoci/core";
import { withTemporaryFolder } from "@spkoci/testkit";
import { describe, expect, it } from "vitest";

/** Writes COUNT blobs and indexes with tags PREFIX-0, PREFIX-1, … into FOLDER and says so after each. Runs the built library. */
const WRITER = `
import { blobOf, documentOf, jsonDocument, OCI_INDEX, openLayout } from "@spkoci/core";
const [folder, prefix, count] = process.argv.slice(1);
const store = await openLayout(folder, { create: true });
for (let at = 0; at < Number(count); at += 1) {
  const tag = prefix + "-" + at;
  const blob = documentOf("text/plain", Buffer.alloc(300000, tag));
  await store.put(blobOf(blob));
  const annotations = { blob: blob.descriptor.digest };
  await store.write(jsonDocument(OCI_INDEX, { schemaVersion: 2, manifests: [], annotations }), { tag });
  process.stdout.write(tag + "\\n");
}
`;

function startWriter(folder: string, prefix: string, count: number): ChildProcess {
  const args = ["--input-type=module", "-e", WRITER, folder, prefix, String(count)];
  const cwd = fileURLToPath(new URL("../..", import.meta.url));
  return spawn(process.execPath, args, { cwd, stdio: ["ignore", "pipe", "inherit"] });
}

/** Every tag, each checked to lead to its whole blob. */
async function readAll(folder: string): Promise<string[]> {
  const store = await openLayout(folder);
  const found: string[] = [];
  for await (const tag of store.tags()) {
    const document = await store.read(tag);
    if (!document) throw new Error(`${tag} is incomplete`);
    const digest = parseImageIndex(document, tag).annotations?.blob as typeof document.descriptor.digest;
    await buffer(await store.open({ mediaType: "text/plain", digest, size: 300000 }));
    found.push(tag);
  }
  return found.sort();
}

describe("processes that write to one layout folder", () => {
  it("lose nothing of each other, from the making of the folder on", () =>
    withTemporaryFolder(async (folder) => {
      const prefixes = ["a", "b", "c"];
      const writers = prefixes.map((prefix) => startWriter(folder, prefix, 15));
      for (const [code] of await Promise.all(writers.map((writer) => once(writer, "exit")))) expect(code).toBe(0);
      const all = prefixes.flatMap((prefix) => Array.from({ length: 15 }, (_, at) => `${prefix}-${at}`));
      expect(await readAll(folder)).toEqual(all.sort());
    }));

  it("leave a valid layout when they are killed, in which the next goes on", () =>
    withTemporaryFolder(async (folder) => {
      for (const prefix of ["a", "b", "c", "d"]) {
        const writer = startWriter(folder, prefix, 1000);
        const exited = once(writer, "exit");
        let said = "";
        writer.stdout?.on("data", (chunk: Buffer) => {
          said += chunk.toString();
          if (said.split("\n").length > 4) writer.kill("SIGKILL");
        });
        expect(await exited).toEqual([null, "SIGKILL"]);
        const finished = said.split("\n").slice(0, -1);
        expect(await readAll(folder)).toEqual(expect.arrayContaining(finished));
      }
    }));
});
