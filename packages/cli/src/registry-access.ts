import { readFile } from "node:fs/promises";
import { createCredentialSource, type RegistryAccess, SpkociError } from "@spkoci/core";
import type { Settings } from "./config/settings.js";
import { readVersion } from "./version.js";
import type { World } from "./world.js";

const MIB = 1024 * 1024;

/**
 * How registries are reached; `registry` is the one that SPKOCI_USERNAME and SPKOCI_PASSWORD are for.
 * @throws SpkociError INVALID_ARGUMENT if the file with certificates can't be read or has none
 */
export async function createRegistryAccess(
  settings: Settings,
  registry: string | undefined,
  world: World,
): Promise<RegistryAccess> {
  const { env, home } = world;
  const caFile = settings["ca-file"];
  return {
    credentials: createCredentialSource({ env, home, registry }),
    plainHttp: settings["plain-http"],
    insecureSkipVerify: settings["insecure-skip-verify"],
    ca: caFile === undefined ? undefined : await readCertificates(caFile),
    proxyEnv: env,
    userAgent: `spkoci/${readVersion()}`,
    maxRequests: settings.jobs,
    retries: settings.retries,
    chunkSize: settings["chunk-size"] === undefined ? undefined : settings["chunk-size"] * MIB,
  };
}

async function readCertificates(path: string): Promise<string> {
  const hint = "--ca-file (ca-file, SPKOCI_CA_FILE) names a file with certificates in PEM format.";
  const text = await readFile(path, "utf8").catch((cause: NodeJS.ErrnoException) => {
    throw new SpkociError("INVALID_ARGUMENT", `the certificates in ${path} can't be read: ${cause.code}`, {
      hint,
      cause,
    });
  });
  if (text.includes("-----BEGIN CERTIFICATE-----")) return text;
  throw new SpkociError("INVALID_ARGUMENT", `${path} has no certificates`, { hint });
}
