import { buffer } from "node:stream/consumers";
import {
  blobOf,
  documentOf,
  OCI_LAYER_GZIP,
  OCI_MANIFEST,
  openRegistry,
  SpkociError,
  type SpkociEvent,
  type Store,
  verifyLogin,
} from "@spkoci/core";
import fc from "fast-check";
import { afterAll, beforeAll, expect, it } from "vitest";
import { fuzzing, hostileHeader, hostileValue, survivingLater } from "./support/fuzz.js";
import { type RawServer, rawAnswer, startRawServer } from "./support/raw-server.js";

const PASSWORD = "Pa55-w0rd/+secret";
const IDENTITY = "identity~token~secret";
const SECRETS = [
  PASSWORD,
  encodeURIComponent(PASSWORD),
  IDENTITY,
  Buffer.from(`ann:${PASSWORD}`).toString("base64"),
  "t0ken-of-the-server",
];

let registry: RawServer;
let elsewhere: RawServer;
beforeAll(async () => {
  registry = await startRawServer();
  elsewhere = await startRawServer();
});
afterAll(async () => {
  await registry.close();
  await elsewhere.close();
});

const blob = documentOf(OCI_LAYER_GZIP, Buffer.from("a layer"));
const manifest = documentOf(OCI_MANIFEST, Buffer.from('{"schemaVersion":2}'));

const OPERATIONS: readonly ((store: Store, op: { emit: (event: SpkociEvent) => void }) => Promise<unknown>)[] = [
  (store, op) => store.resolve("tag", op),
  (store, op) => store.read("tag", op),
  (store, op) => store.read(manifest.descriptor.digest, op),
  async (store, op) => {
    const tags = [];
    for await (const tag of store.tags(op)) tags.push(tag);
    return tags;
  },
  (store, op) => store.has(blob.descriptor, op),
  async (store, op) => buffer(await store.open(blob.descriptor, op)),
  (store, op) => store.put(blobOf(blob), op),
  (store, op) => store.write(manifest, { tag: "tag" }, op),
  async (store, op) => store.mount?.(blob.descriptor, "org/other", op),
  (store, op) => store.referrers(manifest.descriptor.digest, op),
  (store, op) => store.delete("tag", op),
  (_store, op) =>
    verifyLogin(registry.host, { username: "ann", password: PASSWORD }, { plainHttp: true, retry: FAST }, op),
];

const FAST = { attempts: 2, baseMs: 1, maxMs: 2 };

/** A header that a registry could send, good or bad; `ELSEWHERE` and `HERE` stand for servers. */
const header: fc.Arbitrary<readonly [string, string]> = fc.oneof(
  fc.tuple(
    fc.constant("Location"),
    fc.oneof(
      fc.constantFrom(
        "http://ELSEWHERE/x",
        "//ELSEWHERE/x?y",
        "http://user:pass@ELSEWHERE/",
        "http://HERE/v2/",
        "/v2/",
        "",
        "?",
        "ftp://ELSEWHERE/",
        "file:///etc/passwd",
        "http://[",
        "\\\\ELSEWHERE\\x",
        "http://HERE/v2/org/cache/blobs/uploads/1?_state=x",
        "HTTP://ELSEWHERE:/",
      ),
      hostileHeader,
    ),
  ),
  fc.tuple(
    fc.constant("WWW-Authenticate"),
    fc.oneof(
      fc.constantFrom(
        'Basic realm="x"',
        'Bearer realm="http://HERE/token",service="s",scope="repository:org/cache:pull"',
        'Bearer realm="http://HERE/token", Basic',
        'Bearer realm=""',
        'Bearer realm="file:///etc/passwd"',
        'Bearer scope="x"',
        'Bearer realm="http://HERE/token",error="insufficient_scope"',
        "Negotiate",
        'Digest realm="x",nonce="y"',
      ),
      hostileHeader.map((text) => `Bearer realm="http://HERE/token",scope="${text.replaceAll('"', "")}"`),
    ),
  ),
  fc.tuple(
    fc.constant("Link"),
    fc.oneof(
      fc.constantFrom(
        '<http://ELSEWHERE/v2/x>; rel="next"',
        '</v2/org/cache/tags/list?last=a>; rel="next"',
        "<http://user:pass@HERE/>; rel=next",
      ),
      hostileHeader,
    ),
  ),
  // Waits that would be obeyed are those of up to five minutes.
  fc.tuple(
    fc.constant("Retry-After"),
    fc.constantFrom(
      "-1",
      "99999999999999999999",
      "1e400",
      "NaN",
      "Thu, 01 Jan 1970 00:00:00 GMT",
      "Fri, 31 Dec 9999 23:59:59 GMT",
      "0",
      " ",
    ),
  ),
  fc.tuple(
    fc.constant("Content-Type"),
    fc.oneof(
      fc.constantFrom(
        OCI_MANIFEST,
        "application/json",
        "text/html",
        "application/vnd.oci.image.index.v1+json; charset=utf-8",
      ),
      hostileHeader,
    ),
  ),
  fc.tuple(
    fc.constant("Docker-Content-Digest"),
    fc.oneof(fc.constantFrom(manifest.descriptor.digest, `sha256:${"0".repeat(64)}`, "sha256:../.."), hostileHeader),
  ),
  fc.tuple(
    fc.constantFrom(
      "Warning",
      "OCI-Subject",
      "ETag",
      "Content-Range",
      "Range",
      "Content-Encoding",
      "OCI-Chunk-Min-Length",
      "Transfer-Encoding",
      "Set-Cookie",
      "X-Other",
    ),
    hostileHeader,
  ),
);

const body = fc.oneof(
  fc.constantFrom(
    "",
    "a layer",
    '{"schemaVersion":2}',
    '{"token":"t0ken-of-the-server"}',
    '{"access_token":"t0ken-of-the-server","expires_in":1e400}',
    '{"token":"a\\nb"}',
    '{"tags":["a","../b",1,null,"\\u001b[2J"]}',
    '{"errors":[{"code":"DENIED","message":"\\u001b[2J"}]}',
    "<html>",
    "\0\0",
  ),
  hostileValue.map((value) => JSON.stringify(value)),
);

const answer = fc.oneof(
  {
    weight: 9,
    arbitrary: fc.record({
      status: fc.oneof(
        fc.constantFrom(200, 201, 202, 206, 301, 303, 307, 308, 401, 403, 404, 416, 429, 500),
        fc.integer({ min: 100, max: 999 }),
      ),
      headers: fc.array(header, { maxLength: 4 }),
      body,
    }),
  },
  { weight: 1, arbitrary: fc.uint8Array({ maxLength: 60 }) },
);

function bytesOf(
  said: { status: number; headers: readonly (readonly [string, string])[]; body: string } | Uint8Array,
): Buffer {
  if (said instanceof Uint8Array) return Buffer.from(said);
  const fill = (text: string): string => text.replaceAll("ELSEWHERE", elsewhere.host).replaceAll("HERE", registry.host);
  return rawAnswer(
    said.status,
    said.headers.map(([name, value]) => [name, fill(value)] as const),
    Buffer.from(fill(said.body)),
  );
}

it("no answer of a registry breaks anything, or gets credentials sent elsewhere", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom(...OPERATIONS),
      fc.array(answer, { minLength: 1, maxLength: 5 }),
      fc.array(answer, { minLength: 1, maxLength: 2 }),
      fc.boolean(),
      async (operation, answers, othersAnswers, isIdentity) => {
        registry.answers = answers.map(bytesOf);
        elsewhere.answers = othersAnswers.map(bytesOf);
        elsewhere.received.length = 0;
        const credentials = isIdentity ? { identityToken: IDENTITY } : { username: "ann", password: PASSWORD };
        const access = { credentials: async () => credentials, plainHttp: true, retry: FAST, idleTimeoutMs: 300 };
        const store = await openRegistry({ registry: registry.host, repository: "org/cache" }, access);
        const events: SpkociEvent[] = [];
        const result = await survivingLater(() => operation(store, { emit: (event) => events.push(event) }));
        const shown =
          JSON.stringify(events) + (result instanceof SpkociError ? result.message + (result.hint ?? "") : "");
        for (const secret of SECRETS) {
          expect(shown).not.toContain(secret);
          expect(elsewhere.received.join("\n")).not.toContain(secret);
        }
        expect(elsewhere.received.join("\n")).not.toMatch(/^authorization:/im);
      },
    ),
    fuzzing("answers", 500),
  );
});

it("a redirect to another server takes no token along, even to the same host", async () => {
  registry.answers = [rawAnswer(307, [["Location", `http://${elsewhere.host}/x`]], Buffer.alloc(0))];
  elsewhere.answers = [rawAnswer(401, [["WWW-Authenticate", 'Basic realm="please"']], Buffer.alloc(0))];
  elsewhere.received.length = 0;
  const access = { credentials: async () => ({ username: "ann", password: PASSWORD }), plainHttp: true, retry: FAST };
  const store = await openRegistry({ registry: registry.host, repository: "org/cache" }, access);
  await survivingLater(() => store.read("tag"));
  expect(elsewhere.received.length).toBeGreaterThan(0);
  expect(elsewhere.received.join("")).not.toMatch(/authorization/i);
});
