import { SpkociError } from "../base/errors.js";
import { isLoopback } from "./endpoint.js";

const DEFAULT_PORTS: Readonly<Record<string, string>> = { "http:": "80", "https:": "443" };

/**
 * The proxy for a URL by the variables HTTP_PROXY, HTTPS_PROXY, ALL_PROXY and NO_PROXY, lower case first; undefined to connect directly.
 * Loopback hosts are never proxied. NO_PROXY lists hosts (with their subdomains), `host:port`, or `*`.
 * @throws SpkociError INVALID_CONFIG for a proxy that is not an http or https URL
 */
export function proxyFor(url: URL, env: Readonly<Record<string, string | undefined>>): URL | undefined {
  if (isLoopback(url.hostname) || isExempt(url, read(env, "no_proxy"))) return undefined;
  const name = url.protocol === "https:" ? "https_proxy" : "http_proxy";
  const text = read(env, name) || read(env, "all_proxy");
  return text === "" ? undefined : parseProxy(text);
}

function read(env: Readonly<Record<string, string | undefined>>, name: string): string {
  return (env[name] || env[name.toUpperCase()] || "").trim();
}

function isExempt(url: URL, noProxy: string): boolean {
  const port = url.port || DEFAULT_PORTS[url.protocol];
  return noProxy
    .toLowerCase()
    .split(/[\s,]+/)
    .some((entry) => {
      if (entry === "*") return true;
      const [, host, entryPort] = /^(\[.*\]|[^:]*)(?::(\d+))?$/.exec(entry) ?? [];
      if (!host || (entryPort !== undefined && entryPort !== port)) return false;
      const name = host.replace(/^\*?\./, "");
      return url.hostname === name || url.hostname.endsWith(`.${name}`);
    });
}

function parseProxy(text: string): URL {
  const full = text.includes("://") ? text : `http://${text}`;
  const url = URL.canParse(full) ? new URL(full) : undefined;
  if (url && (url.protocol === "http:" || url.protocol === "https:")) return url;
  throw new SpkociError("INVALID_CONFIG", "the proxy in the environment is not an http or https URL", {
    hint: "Check HTTP_PROXY, HTTPS_PROXY and ALL_PROXY.",
  });
}
