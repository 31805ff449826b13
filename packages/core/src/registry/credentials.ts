import { join } from "node:path";
import { rememberSecret } from "../base/secrets.js";
import type { CredentialSource, Credentials } from "./access.js";
import { credentialsIn, helperOf, readCredentialFile } from "./credential-file.js";
import { getFromHelper } from "./credential-helper.js";

/** Where credentials are looked for and kept. */
export interface CredentialPlaces {
  /**
   * The environment: DOCKER_CONFIG, REGISTRY_AUTH_FILE, XDG_RUNTIME_DIR, XDG_CONFIG_HOME, SPKOCI_USERNAME and SPKOCI_PASSWORD; and
   * what credential helpers need, such as PATH and HOME.
   */
  readonly env: Readonly<Record<string, string | undefined>>;
  /** The user's home folder. */
  readonly home: string;
  /** The registry that SPKOCI_USERNAME and SPKOCI_PASSWORD are for; without it they are not used. */
  readonly registry?: string | undefined;
}

/**
 * Looks in this order, and takes what it finds first: SPKOCI_USERNAME and SPKOCI_PASSWORD; the file REGISTRY_AUTH_FILE; docker's config.json;
 * containers/auth.json in XDG_RUNTIME_DIR and in XDG_CONFIG_HOME. Of a file: the helper it names for the registry, then its own entries.
 * Hosts must match exactly. The source throws CREDENTIALS_UNREADABLE for a broken file or helper.
 */
export function createCredentialSource(places: CredentialPlaces): CredentialSource {
  rememberSecret(places.env.SPKOCI_PASSWORD ?? "");
  return async (registry, repository) => {
    const fromEnvironment = environmentPair(places, registry);
    if (fromEnvironment) return fromEnvironment;
    for (const path of filesOf(places)) {
      const found = await lookUp(path, registry, repository, places.env);
      if (found) return found;
    }
    return undefined;
  };
}

/** The path of docker's config.json. */
export function dockerConfigPath({ env, home }: CredentialPlaces): string {
  return join(env.DOCKER_CONFIG || join(home, ".docker"), "config.json");
}

function filesOf(places: CredentialPlaces): string[] {
  const { env, home } = places;
  const folders = [env.XDG_RUNTIME_DIR, env.XDG_CONFIG_HOME || join(home, ".config")];
  return [
    ...(env.REGISTRY_AUTH_FILE ? [env.REGISTRY_AUTH_FILE] : []),
    dockerConfigPath(places),
    ...folders.flatMap((folder) => (folder ? [join(folder, "containers", "auth.json")] : [])),
  ];
}

function environmentPair({ env, registry: own }: CredentialPlaces, registry: string): Credentials | undefined {
  const { SPKOCI_USERNAME: username, SPKOCI_PASSWORD: password } = env;
  return own === registry && username && password ? { username, password } : undefined;
}

async function lookUp(
  path: string,
  registry: string,
  repository: string | undefined,
  env: CredentialPlaces["env"],
): Promise<Credentials | undefined> {
  const file = await readCredentialFile(path);
  const helper = helperOf(file, registry);
  const kept = helper === undefined ? undefined : await getFromHelper(helper, registry, env);
  return kept ?? credentialsIn(file, registry, repository);
}
