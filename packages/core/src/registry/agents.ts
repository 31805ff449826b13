import { X509Certificate } from "node:crypto";
import { type Agent, type AgentOptions, type ClientRequest, Agent as HttpAgent } from "node:http";
import { Agent as HttpsAgent } from "node:https";
import type { Socket } from "node:net";
import * as tls from "node:tls";
import { HttpProxyAgent } from "http-proxy-agent";
import { HttpsProxyAgent } from "https-proxy-agent";
import { SpkociError } from "../base/errors.js";
import type { RegistryAccess } from "./access.js";
import { proxyFor } from "./proxy.js";

/** Chooses the agent, and with it connections, TLS settings and proxy, for a URL. */
export type AgentChooser = (url: URL) => Agent;

const KEEP_ALIVE: AgentOptions = { keepAlive: true, maxSockets: Number.POSITIVE_INFINITY };

/**
 * Agents that keep connections open and share them.
 * @throws SpkociError INVALID_CONFIG if the certificates of `access.ca` can't be read; the chooser, for a malformed proxy
 */
export function createAgents(access: RegistryAccess): AgentChooser {
  const trust = trustOf(access);
  const http = new HttpAgent(KEEP_ALIVE);
  const https = new HttpsAgent({ ...KEEP_ALIVE, ...trust });
  const proxied = new Map<string, Agent>();
  return (url) => {
    const proxy = proxyFor(url, access.proxyEnv ?? {});
    const secure = url.protocol === "https:";
    if (!proxy) return secure ? https : http;
    const key = `${url.protocol} ${proxy.href}`;
    const known = proxied.get(key);
    if (known) return known;
    const options = { ...KEEP_ALIVE, ...trust };
    const agent = secure ? new TunnelAgent(proxy, options) : new HttpProxyAgent(proxy, options);
    proxied.set(key, agent);
    return agent;
  };
}

interface Trust {
  readonly secureContext?: tls.SecureContext;
  readonly rejectUnauthorized?: boolean;
}

function trustOf({ ca, insecureSkipVerify }: RegistryAccess): Trust {
  if (insecureSkipVerify) return { rejectUnauthorized: false };
  if (ca === undefined) return {};
  const own = ca.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? [];
  if (own.length === 0) throw unreadable();
  try {
    for (const certificate of own) new X509Certificate(certificate);
    return { secureContext: tls.createSecureContext({ ca: [...systemCertificates(), ...own] }) };
  } catch (error) {
    throw unreadable(error);
  }
}

function unreadable(cause?: unknown): SpkociError {
  return new SpkociError("INVALID_CONFIG", "the CA file holds no certificate that can be read", {
    cause,
    hint: "It must be PEM: -----BEGIN CERTIFICATE----- and so on.",
  });
}

/** What Node trusts unless told; newer ones also tell what NODE_EXTRA_CA_CERTS adds. */
function systemCertificates(): readonly string[] {
  const { getCACertificates } = tls as { getCACertificates?: (type: "default") => string[] };
  return getCACertificates?.("default") ?? tls.rootCertificates;
}

type TunnelOptions = Parameters<HttpsProxyAgent<string>["connect"]>[1];

/**
 * A tunnel through a proxy. What a proxy answers when it refuses the tunnel is not taken for the registry's answer: it could ask for
 * credentials in the registry's name.
 */
class TunnelAgent extends HttpsProxyAgent<string> {
  readonly #trust: Trust;

  constructor(proxy: URL, options: AgentOptions & Trust) {
    super(proxy.href, options);
    const { secureContext, rejectUnauthorized } = options;
    this.#trust = {
      ...(secureContext && { secureContext }),
      ...(rejectUnauthorized === undefined ? {} : { rejectUnauthorized }),
    };
  }

  override async connect(request: ClientRequest, options: TunnelOptions): Promise<Socket> {
    let status: number | undefined;
    request.once("proxyConnect", (answer: { readonly statusCode: number }) => {
      status = answer.statusCode;
    });
    const socket = await super.connect(request, { ...options, ...this.#trust });
    if (status === 200) return socket;
    socket.destroy();
    throw new Error(`the proxy ${this.proxy.host} refuses the connection (${status})`);
  }
}
