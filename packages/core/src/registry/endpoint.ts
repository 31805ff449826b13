import { isIPv4 } from "node:net";
import { connect } from "node:tls";
import type { RegistryAccess } from "./access.js";
import { isNotTls } from "./network-error.js";

/** The API of Docker Hub has another name than the registry. */
const API_HOSTS: Readonly<Record<string, string>> = { "docker.io": "registry-1.docker.io" };

const PROBE_TIMEOUT_MS = 10_000;

/** Whether a host name or address, as a URL has it, means this machine. */
export function isLoopback(hostname: string): boolean {
  const name = hostname.toLowerCase();
  return name === "localhost" || name === "[::1]" || (isIPv4(name) && name.startsWith("127."));
}

/**
 * Where a registry's API is: https, unless `access.plainHttp` says otherwise. A loopback host is asked once which of the two it speaks.
 */
export async function findOrigin(registry: string, access: RegistryAccess): Promise<URL> {
  const host = API_HOSTS[registry];
  if (host !== undefined) return new URL(`https://${host}`);
  if (isPlain(registry, access.plainHttp)) return new URL(`http://${registry}`);
  const secure = new URL(`https://${registry}`);
  if (!isLoopback(secure.hostname) || (await speaksTls(secure))) return secure;
  return new URL(`http://${registry}`);
}

function isPlain(registry: string, plainHttp: RegistryAccess["plainHttp"]): boolean {
  return typeof plainHttp === "object" ? plainHttp.includes(registry) : plainHttp === true;
}

/** False only if the answer to a TLS greeting is something else; whatever else is wrong shows in the first request. */
function speaksTls(url: URL): Promise<boolean> {
  const host = url.hostname.replace(/^\[|\]$/g, "");
  return new Promise((resolve) => {
    const socket = connect({ host, port: Number(url.port || 443), rejectUnauthorized: false });
    const end = (answer: boolean): void => {
      socket.destroy();
      resolve(answer);
    };
    socket.setTimeout(PROBE_TIMEOUT_MS, () => end(true));
    socket.once("secureConnect", () => end(true));
    socket.on("error", (error) => end(!isNotTls(error)));
    socket.once("close", () => end(true));
  });
}

/**
 * The URL that a Location or Link header means. Behind a proxy registries call their own host http; where https was spoken to that host
 * it stays https. Undefined for what is not an http or https URL, and for a step from https down to http.
 */
export function resolveLocation(location: string, base: URL): URL | undefined {
  if (!URL.canParse(location, base.href)) return undefined;
  const url = new URL(location, base);
  url.username = "";
  url.password = "";
  url.hash = "";
  if (base.protocol === "https:" && url.protocol === "http:") {
    if (url.hostname !== base.hostname || (url.port !== "" && url.port !== base.port)) return undefined;
    url.protocol = "https:";
    url.port = base.port;
  }
  return url.protocol === "https:" || url.protocol === "http:" ? url : undefined;
}
