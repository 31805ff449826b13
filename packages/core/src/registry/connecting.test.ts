import { createServer, type IncomingMessage, type Server } from "node:http";
import { type AddressInfo, connect, createServer as createTcpServer } from "node:net";
import {
  type Certificate,
  createCertificate,
  type FakeRegistry,
  requireTool,
  seededBlob,
  startFakeRegistry,
} from "@spkoci/testkit";
import { afterEach, beforeAll, describe, expect, it } from "vitest";
import { openRegistry } from "./open-registry.js";

const ONCE = { attempts: 1, baseMs: 1, maxMs: 1 };
const USER = { username: "ann", password: "s3cret-password" };
const { descriptor } = seededBlob("x", 10);

const closers: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0)) await close();
});

async function listen(server: Server | ReturnType<typeof createTcpServer>): Promise<number> {
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  closers.push(() => new Promise((resolve) => server.close(resolve)));
  return (server.address() as AddressInfo).port;
}

async function start(...options: Parameters<typeof startFakeRegistry>): Promise<FakeRegistry> {
  const registry = await startFakeRegistry(...options);
  closers.push(() => registry.close());
  return registry;
}

const cache = (registry: string) => ({ registry, repository: "org/cache" });

describe.skipIf(!requireTool("openssl"))("TLS", () => {
  let tls: Certificate;
  beforeAll(async () => {
    tls = await createCertificate();
  });

  it("to a registry with a certificate of a given authority works", async () => {
    const { host } = await start({ tls });
    expect(await openRegistry(cache(host), { ca: tls.ca }).has(descriptor)).toBe(false);
    expect(await openRegistry(cache(host), { insecureSkipVerify: true }).has(descriptor)).toBe(false);
    expect(await openRegistry(cache(host.replace("127.0.0.1", "localhost")), { ca: tls.ca }).has(descriptor)).toBe(
      false,
    );
  });

  it("checklist 65: to an unknown authority is REGISTRY_TLS, and nothing is sent in plain", async () => {
    const { host } = await start({ tls });
    await expect(openRegistry(cache(host)).has(descriptor)).rejects.toMatchObject({
      code: "REGISTRY_TLS",
      hint: expect.stringContaining("--ca-file"),
    });
  });

  it("refuses a CA file that is none", async () => {
    for (const ca of ["", "nonsense", "-----BEGIN CERTIFICATE-----\nbm90aGluZw==\n-----END CERTIFICATE-----\n"]) {
      expect(() => openRegistry(cache("ghcr.io"), { ca })).toThrow(expect.objectContaining({ code: "INVALID_CONFIG" }));
    }
  });

  it("goes through a proxy, with its own credentials", async () => {
    const registry = await start({ tls });
    const asked: IncomingMessage[] = [];
    const proxy = createServer();
    proxy.on("connect", (request: IncomingMessage, socket) => {
      asked.push(request);
      const [, port] = registry.host.split(":");
      const upstream = connect(Number(port), "127.0.0.1", () => {
        socket.write("HTTP/1.1 200 OK\r\n\r\n");
        upstream.pipe(socket).pipe(upstream);
      });
      for (const end of [upstream, socket]) end.on("error", () => upstream.destroy());
      closers.unshift(async () => socket.destroy());
    });
    const port = await listen(proxy);
    closers.unshift(async () => proxy.closeAllConnections());
    const proxyEnv = { HTTPS_PROXY: `http://u:p@127.0.0.1:${port}` };
    const store = openRegistry(cache("registry.example"), { insecureSkipVerify: true, proxyEnv });
    expect(await store.has(descriptor)).toBe(false);
    expect(asked.map(({ url }) => url)).toEqual(["registry.example:443"]);
    expect(asked[0]?.headers["proxy-authorization"]).toBe(`Basic ${Buffer.from("u:p").toString("base64")}`);
  });
});

describe("a proxy that refuses the tunnel", () => {
  it("is not taken for the registry, and gets no credentials", async () => {
    let authorized = 0;
    const thief = createServer((request, response) => {
      if (request.headers.authorization !== undefined) authorized += 1;
      response.end('{"token":"x"}');
    });
    const thiefPort = await listen(thief);
    const proxy = createServer();
    proxy.on("connect", (_request, socket) => {
      const challenge = `Bearer realm="http://127.0.0.1:${thiefPort}/token"`;
      socket.end(`HTTP/1.1 401 Unauthorized\r\nwww-authenticate: ${challenge}\r\ncontent-length: 0\r\n\r\n`);
    });
    const proxyEnv = { HTTPS_PROXY: `http://127.0.0.1:${await listen(proxy)}` };
    const store = openRegistry(cache("registry.example"), { proxyEnv, retry: ONCE, credentials: async () => USER });
    await expect(store.has(descriptor)).rejects.toMatchObject({
      code: "REGISTRY_UNREACHABLE",
      message: expect.stringContaining("refuses the connection (401)"),
    });
    expect(authorized).toBe(0);
  });
});

describe("plain http", () => {
  it("is spoken to this machine if it doesn't speak TLS, which is found out once", async () => {
    const registry = await start();
    const store = openRegistry(cache(registry.host));
    await Promise.all([1, 2, 3].map(() => store.has(descriptor)));
    expect(registry.requests.map(({ status }) => status)).toEqual([404, 404, 404]);
  });

  it("goes through a proxy if one is set", async () => {
    const asked: (string | undefined)[] = [];
    const proxy = createServer((request, response) => {
      asked.push(request.url);
      response.writeHead(404).end();
    });
    const proxyEnv = { http_proxy: `127.0.0.1:${await listen(proxy)}` };
    closers.unshift(async () => proxy.closeAllConnections());
    const store = openRegistry(cache("registry.example:5000"), { plainHttp: true, proxyEnv });
    expect(await store.has(descriptor)).toBe(false);
    expect(asked).toEqual([`http://registry.example:5000/v2/org/cache/blobs/${descriptor.digest}`]);
  });
});

describe("a server that is no registry", () => {
  it("that closes at once is REGISTRY_UNREACHABLE, tried again first", async () => {
    let connections = 0;
    const port = await listen(
      createTcpServer((socket) => {
        connections += 1;
        socket.destroy();
      }),
    );
    const access = { plainHttp: true, retry: { attempts: 3, baseMs: 1, maxMs: 1 } };
    await expect(openRegistry(cache(`127.0.0.1:${port}`), access).has(descriptor)).rejects.toMatchObject({
      code: "REGISTRY_UNREACHABLE",
    });
    expect(connections).toBe(3);
  });

  it("that speaks something else is REGISTRY_PROTOCOL", async () => {
    const port = await listen(
      createTcpServer(
        (socket) =>
          void socket
            .on("error", () => {})
            .resume()
            .end("SSH-2.0-OpenSSH_9.6\r\n"),
      ),
    );
    await expect(openRegistry(cache(`127.0.0.1:${port}`), { plainHttp: true }).has(descriptor)).rejects.toMatchObject({
      code: "REGISTRY_PROTOCOL",
    });
  });
});
