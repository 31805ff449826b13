import { readdir, readFile } from "node:fs/promises";
import { fixturePath } from "@spkoci/testkit";
import { describe, expect, it } from "vitest";
import { RawJson } from "../base/json.js";
import { computeDagHash, hasComputableHash, verifyDagHashes } from "./dag-hash.js";
import { parseDatabase } from "./database.js";
import { parseLosslessJson } from "./lossless-json.js";
import { parseSpecFile } from "./spec-file.js";
import { parseSpecNode } from "./spec-node.js";

async function nodesOf(database: string) {
  const text = await readFile(fixturePath(`${database}/store-index.json`), "utf8");
  return [...parseDatabase(text, database).records.values()].map(({ spec }) => spec);
}

function nodeOf(json: string, version = 5) {
  const { value, text } = parseLosslessJson(json, "node");
  return parseSpecNode(value, text, { version, what: "node", code: "SPEC_INVALID" });
}

const zlib = '"name":"zlib","version":"1.3","arch":{"platform":"linux","platform_os":"debian12","target":"x86_64"}';

describe("computeDagHash", () => {
  it.each(["small", "python"])("gives the hash of every node of the %s database", async (database) => {
    const nodes = await nodesOf(database);
    expect(nodes.length).toBeGreaterThan(8);
    for (const spec of nodes) expect(computeDagHash(spec.node)).toBe(spec.hash);
  });

  it("gives the hash of every node of the specs in real configs", async () => {
    const folder = fixturePath("python/configs");
    for (const name of await readdir(folder)) {
      const file = parseSpecFile(await readFile(`${folder}/${name}`, "utf8"), name);
      for (const spec of file.nodes.values()) expect(computeDagHash(spec.node)).toBe(spec.hash);
    }
  });

  it("hashes what Python's json would write: ASCII, lower-case escapes", () => {
    // python3: base64.b32encode(hashlib.sha1(json.dumps({"name": "\u00fc\x7f\"\\/\n\U0001f600"}, separators=(",", ":")).encode()).digest())
    const expected = "pfw42zebejg7rltc37mln2j2ljk5whvm";
    expect(computeDagHash(new RawJson('{"name":"\u00fc\u007f\\"\\\\/\\n\u{1f600}"}'))).toBe(expected);
    expect(computeDagHash(new RawJson('{"name":"\\u00FC\\u007f\\u0022\\\\\\/\\u000a\\ud83d\\uDE00"}'))).toBe(expected);
  });

  it("leaves out the hash wherever it stands, but no hash further down", () => {
    const expected = computeDagHash(new RawJson('{"a":1,"b":{"hash":"x"}}'));
    expect(computeDagHash(new RawJson('{"a":1,"hash":"abc","b":{"hash":"x"}}'))).toBe(expected);
    expect(computeDagHash(new RawJson('{"a":1,"b":{}}'))).not.toBe(expected);
  });

  it("keeps the order of keys and the form of numbers", () => {
    expect(computeDagHash(new RawJson('{"10":1.0,"2":1}'))).not.toBe(computeDagHash(new RawJson('{"2":1,"10":1.0}')));
    expect(computeDagHash(new RawJson('{"a":1.0}'))).not.toBe(computeDagHash(new RawJson('{"a":1}')));
  });

  it("ends the hash of a spliced node with the end of its build spec's", () => {
    const plain = computeDagHash(new RawJson(`{${zlib}}`));
    const spliced = computeDagHash(new RawJson(`{${zlib}}`), "aaaaaaaaaaaaaaaaaaaaaaaaabcdefgh");
    expect(spliced).toBe(`${plain.slice(0, 25)}bcdefgh`);
  });
});

describe("verifyDagHashes", () => {
  it("accepts real nodes", async () => {
    const nodes = await nodesOf("python");
    expect(() => verifyDagHashes(nodes)).not.toThrow();
  });

  it("names the package whose node was changed", async () => {
    const nodes = await nodesOf("small");
    const changed = nodes.map((spec) =>
      spec.name === "greeter" ? { ...spec, node: new RawJson(spec.node.text.replace('"2.1"', '"2.2"')) } : spec,
    );
    expect(() => verifyDagHashes(changed)).toThrow(
      expect.objectContaining({ code: "DAG_HASH_MISMATCH", message: expect.stringContaining("greeter@2.1") }),
    );
  });

  it("checks nodes of version 4, and none that can't be checked", () => {
    const wrong = `{${zlib},"hash":"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"}`;
    expect(() => verifyDagHashes([nodeOf(wrong, 4)])).toThrow(expect.objectContaining({ code: "DAG_HASH_MISMATCH" }));
    expect(() => verifyDagHashes([nodeOf(wrong, 3)])).not.toThrow();
    const external = nodeOf(`{${zlib},"external":{"path":"/usr"},"hash":"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"}`);
    expect(() => verifyDagHashes([external])).not.toThrow();
    const rewritten = `{${zlib},"annotations":{"original_specfile_version":4},"hash":"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"}`;
    expect(hasComputableHash(nodeOf(rewritten))).toBe(false);
    expect(() => verifyDagHashes([nodeOf(rewritten)])).not.toThrow();
  });
});
