import { realpath } from "node:fs/promises";
import { writeFileAtomically } from "../base/atomic-file.js";
import { systemCodeOf } from "../base/errors.js";
import type { Credentials } from "./access.js";
import {
  type CredentialFile,
  helperKey,
  helperOf,
  keysOf,
  objectOf,
  readCredentialFile,
  TOKEN_USER,
} from "./credential-file.js";
import { eraseFromHelper, helperProgram, storeInHelper } from "./credential-helper.js";
import { type CredentialPlaces, dockerConfigPath } from "./credentials.js";

/** Where credentials are kept: in a file, unencrypted, or by a helper. */
export interface SavedPlace {
  readonly kind: "file" | "helper";
  /** The file's path or the helper's program. */
  readonly name: string;
}

/**
 * Keeps credentials for a registry, replacing older ones: in the helper that docker's config.json names for it, else in that file, which
 * only its owner can then read and whose other members stay as they are.
 * @throws SpkociError CREDENTIALS_UNREADABLE, NO_SPACE, STORAGE_FAILED
 */
export async function saveCredentials(
  registry: string,
  credentials: Credentials,
  places: CredentialPlaces,
): Promise<SavedPlace> {
  const file = await readCredentialFile(dockerConfigPath(places));
  const helper = helperOf(file, registry);
  const entry = helper === undefined ? entryOf(credentials) : {};
  if (helper !== undefined) await storeInHelper(helper, registry, credentials, places.env);
  await writeAuths(file, { ...withoutRegistry(file, registry), [helperKey(registry)]: entry });
  return helper === undefined ? { kind: "file", name: file.path } : { kind: "helper", name: helperProgram(helper) };
}

/**
 * Forgets what `saveCredentials` kept; undefined if there was nothing.
 * @throws SpkociError CREDENTIALS_UNREADABLE, NO_SPACE, STORAGE_FAILED
 */
export async function eraseCredentials(registry: string, places: CredentialPlaces): Promise<SavedPlace | undefined> {
  const file = await readCredentialFile(dockerConfigPath(places));
  const helper = helperOf(file, registry);
  const erased = helper !== undefined && (await eraseFromHelper(helper, registry, places.env));
  const listed = keysOf(file, registry).length > 0;
  if (listed) await writeAuths(file, withoutRegistry(file, registry));
  if (helper !== undefined && erased) return { kind: "helper", name: helperProgram(helper) };
  return listed ? { kind: "file", name: file.path } : undefined;
}

function entryOf(credentials: Credentials): Record<string, string> {
  const [username, password] =
    "identityToken" in credentials ? [TOKEN_USER, ""] : [credentials.username, credentials.password];
  const auth = Buffer.from(`${username}:${password}`).toString("base64");
  return "identityToken" in credentials ? { auth, identitytoken: credentials.identityToken } : { auth };
}

function withoutRegistry(file: CredentialFile, registry: string): Record<string, unknown> {
  const own = new Set(keysOf(file, registry));
  return Object.fromEntries(Object.entries(objectOf(file.content.auths)).filter(([key]) => !own.has(key)));
}

/** Docker indents with tabs. A link to the file stays a link. */
async function writeAuths(file: CredentialFile, auths: Readonly<Record<string, unknown>>): Promise<void> {
  const text = `${JSON.stringify({ ...file.content, auths }, undefined, "\t")}\n`;
  await writeFileAtomically(await targetOf(file.path), text, { mode: 0o600 });
}

async function targetOf(path: string): Promise<string> {
  try {
    return await realpath(path);
  } catch (error) {
    if (systemCodeOf(error) === "ENOENT") return path;
    throw error;
  }
}
