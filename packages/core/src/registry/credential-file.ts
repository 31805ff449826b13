import { readFile } from "node:fs/promises";
import { SpkociError, systemCodeOf } from "../base/errors.js";
import type { Credentials } from "./access.js";

/** What docker's config.json and podman's auth.json hold about credentials. */
export interface CredentialFile {
  readonly path: string;
  /** The whole document as it was read; empty if there is no file. */
  readonly content: Readonly<Record<string, unknown>>;
}

/** How docker and its kin call Docker Hub in these files and to helpers. */
const DOCKER_HUB_KEY = "https://index.docker.io/v1/";

/** The user name that stands for an identity token in its password's place. */
export const TOKEN_USER = "<token>";

/** Of a helper. File systems take names of 255 bytes, `docker-credential-` before it included. */
const HELPER_NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,236}$/;

/** @throws SpkociError CREDENTIALS_UNREADABLE that names the file; a file that isn't there is empty. */
export async function readCredentialFile(path: string): Promise<CredentialFile> {
  let text: string;
  try {
    text = await readFile(path, "utf8");
  } catch (error) {
    const code = systemCodeOf(error);
    if (code === "ENOENT" || code === "ENOTDIR") return { path, content: {} };
    throw unreadable(path, `can't be read (${code ?? "unknown reason"})`);
  }
  if (text.trim() === "") return { path, content: {} };
  const content = parseObject(text);
  if (!content) throw unreadable(path, "is not a JSON object");
  return { path, content };
}

/** The helper that a file names for a registry: the one in credHelpers, else credsStore. */
export function helperOf(file: CredentialFile, registry: string): string | undefined {
  const own = objectOf(file.content.credHelpers)[helperKey(registry)] ?? objectOf(file.content.credHelpers)[registry];
  const named = own ?? file.content.credsStore;
  if (named === undefined || named === "") return undefined;
  if (typeof named === "string" && HELPER_NAME.test(named)) return named;
  throw unreadable(file.path, "names a credential helper that can't be one");
}

/** What helpers and docker's file call a registry. */
export function helperKey(registry: string): string {
  return registry === "docker.io" ? DOCKER_HUB_KEY : registry;
}

/**
 * The file's own credentials for a registry: of the longest key that is the repository, a part of its path, or the host exactly.
 * @throws SpkociError CREDENTIALS_UNREADABLE if the entry is malformed
 */
export function credentialsIn(
  file: CredentialFile,
  registry: string,
  repository: string | undefined,
): Credentials | undefined {
  const entries = Object.entries(objectOf(file.content.auths));
  for (const name of namesOf(registry, repository)) {
    for (const [key, entry] of entries) {
      const credentials = normaliseKey(key) === name ? parseEntry(entry, file.path, key) : undefined;
      if (credentials) return credentials;
    }
  }
  return undefined;
}

/** The keys of a file's `auths` that are a registry's as a whole. */
export function keysOf(file: CredentialFile, registry: string): string[] {
  return Object.keys(objectOf(file.content.auths)).filter((key) => normaliseKey(key) === registry);
}

/** `value` if it is an object, else an empty one. */
export function objectOf(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value) ? (value as Record<string, unknown>) : {};
}

/** `host/a/b`, `host/a`, `host`. */
function namesOf(registry: string, repository: string | undefined): string[] {
  const parts = repository === undefined ? [] : repository.split("/");
  return [...parts.map((_part, index) => [registry, ...parts.slice(0, parts.length - index)].join("/")), registry];
}

/** Older tools wrote URLs: `https://ghcr.io`, `https://registry.example/v2/`. */
function normaliseKey(key: string): string {
  const name = key.replace(/^https?:\/\//i, "").replace(/\/+$/, "");
  const host = name.replace(/\/v[12]$/, "").replace(/^[^/]+/, (part) => part.toLowerCase());
  return host === "index.docker.io" || host === "registry-1.docker.io" ? "docker.io" : host;
}

/** Docker leaves entries empty whose credentials a helper keeps. */
function parseEntry(entry: unknown, path: string, key: string): Credentials | undefined {
  const { auth, identitytoken, username, password } = objectOf(entry);
  if (typeof identitytoken === "string" && identitytoken !== "") return { identityToken: identitytoken };
  if (typeof auth === "string" && auth !== "") return parseAuth(auth, path, key);
  if (typeof username !== "string" || username === "" || typeof password !== "string") return undefined;
  return credentialsOf(username, password);
}

function parseAuth(auth: string, path: string, key: string): Credentials {
  const text = Buffer.from(auth, "base64").toString("utf8").replace(/\0+$/, "");
  const colon = text.indexOf(":");
  if (colon > 0) return credentialsOf(text.slice(0, colon), text.slice(colon + 1));
  throw unreadable(path, `has a malformed entry for ${JSON.stringify(key.slice(0, 200))}`);
}

/** A name and password as files and helpers keep them; one name marks identity tokens. */
export function credentialsOf(username: string, password: string): Credentials {
  return username === TOKEN_USER ? { identityToken: password } : { username, password };
}

function parseObject(text: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(text, (key, member: unknown) => (key === "__proto__" ? undefined : member));
    return typeof value === "object" && value !== null && !Array.isArray(value)
      ? (value as Record<string, unknown>)
      : undefined;
  } catch {
    return undefined;
  }
}

/** Without a cause: what a parser says quotes the content. */
function unreadable(path: string, why: string): SpkociError {
  return new SpkociError("CREDENTIALS_UNREADABLE", `the credential file ${path} ${why}`, {
    hint: "Correct the file, or move it away and log in again.",
  });
}
