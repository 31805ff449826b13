import { type ChildProcess, execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir, writeFile } from "node:fs/promises";
import { request as requestHttp } from "node:http";
import { request as requestHttps } from "node:https";
import { type AddressInfo, createServer } from "node:net";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { promisify } from "node:util";
import type { Certificate } from "./certificate.js";
import { createTemporaryFolder, type TemporaryFolder } from "./temporary-folder.js";

export interface DockerRegistryOptions {
  /** Serve https with this certificate. */
  readonly tls?: Certificate;
  /** Ask for `DOCKER_REGISTRY_USER`. */
  readonly htpasswd?: boolean;
  /** Allow DELETE. False unless told, as docker-registry has it. */
  readonly deleteEnabled?: boolean;
  /** An empty folder for its data, which stays. A temporary one unless told, which `close` removes. */
  readonly folder?: string;
}

/** Who may use a registry started with `htpasswd`. */
export const DOCKER_REGISTRY_USER = { username: "spkoci", password: "s3cret-word" } as const;

/** Made by `htpasswd -nbB -C 5 spkoci s3cret-word`. */
const HTPASSWD = "spkoci:$2y$05$HhQa3czVxxGGWbn9WYYKUOGrQVxB0nfFCd0vpz9p8zzrGN9SA8z/m\n";

export interface DockerRegistry {
  /** `127.0.0.1:PORT`. */
  readonly host: string;
  /** `http://…` or `https://…`, no slash at the end. */
  readonly url: string;
  /** Removes the blobs that no manifest names, as its operator would; the names of what was removed are in what it says. */
  collectGarbage(): Promise<string>;
  close(): Promise<void>;
}

/** Starts the program `docker-registry` with an empty folder on a free port of 127.0.0.1, and waits until it answers. */
export async function startDockerRegistry(options: DockerRegistryOptions = {}): Promise<DockerRegistry> {
  const folder = options.folder === undefined ? await createTemporaryFolder() : keptFolder(options.folder);
  const port = await findFreePort();
  const host = `127.0.0.1:${port}`;
  const url = `${options.tls ? "https" : "http"}://${host}`;
  const child = await spawnRegistry(folder.path, host, options);
  const killOnExit = (): void => void child.kill("SIGKILL");
  process.once("exit", killOnExit);
  const close = async (): Promise<void> => {
    process.off("exit", killOnExit);
    await stop(child);
    await folder.remove();
  };
  try {
    await untilReady(`${url}/v2/`, child, options.tls?.ca);
  } catch (error) {
    await close();
    throw error;
  }
  const collectGarbage = async (): Promise<string> => {
    const { stdout } = await promisify(execFile)("docker-registry", [
      "garbage-collect",
      join(folder.path, "config.yml"),
    ]);
    return stdout;
  };
  return { host, url, collectGarbage, close };
}

function keptFolder(path: string): TemporaryFolder {
  return { path, remove: async () => {} };
}

async function spawnRegistry(folder: string, host: string, options: DockerRegistryOptions): Promise<ChildProcess> {
  const file = (name: string): string => join(folder, name);
  const { tls, htpasswd, deleteEnabled = false } = options;
  if (tls) await Promise.all([writeFile(file("cert.pem"), tls.cert), writeFile(file("key.pem"), tls.key)]);
  if (htpasswd) await writeFile(file("htpasswd"), HTPASSWD);
  await mkdir(file("data"));
  // JSON is YAML.
  const config = {
    version: 0.1,
    log: { level: "error", accesslog: { disabled: true } },
    storage: { filesystem: { rootdirectory: file("data") }, delete: { enabled: deleteEnabled } },
    http: {
      addr: host,
      secret: "testkit",
      ...(tls ? { tls: { certificate: file("cert.pem"), key: file("key.pem") } } : {}),
    },
    ...(htpasswd ? { auth: { htpasswd: { realm: "testkit", path: file("htpasswd") } } } : {}),
  };
  await writeFile(file("config.yml"), JSON.stringify(config));
  return spawn("docker-registry", ["serve", file("config.yml")], { stdio: ["ignore", "ignore", "pipe"] });
}

async function findFreePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

async function untilReady(url: string, child: ChildProcess, ca: string | undefined): Promise<void> {
  let said = "";
  child.stderr?.on("data", (chunk: Buffer) => {
    said = (said + chunk.toString()).slice(-2000);
  });
  let failed: unknown;
  child.once("error", (error) => {
    failed = error;
  });
  const deadline = Date.now() + 20_000;
  while (Date.now() < deadline && failed === undefined && child.exitCode === null) {
    const status = await statusOf(url, ca);
    if (status === 200 || status === 401) return;
    await sleep(25);
  }
  throw new Error(`docker-registry did not start: ${said || String(failed ?? "no answer")}`);
}

/** The status of a GET, undefined if nobody answers. */
function statusOf(url: string, ca: string | undefined): Promise<number | undefined> {
  return new Promise((resolve) => {
    const request = url.startsWith("https:")
      ? requestHttps(url, { ca, agent: false })
      : requestHttp(url, { agent: false });
    request.once("response", (response) => {
      response.resume();
      resolve(response.statusCode);
    });
    request.once("error", () => resolve(undefined));
    request.end();
  });
}

async function stop(child: ChildProcess): Promise<void> {
  if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
  const exited = once(child, "exit");
  child.kill("SIGTERM");
  const late = setTimeout(() => child.kill("SIGKILL"), 5000);
  await exited;
  clearTimeout(late);
}
