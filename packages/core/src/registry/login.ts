import type { Op } from "../base/op.js";
import type { Credentials, RegistryAccess } from "./access.js";
import { parseChallenges } from "./challenge.js";
import { RegistryClient } from "./client.js";
import { readRefusal } from "./refusal.js";
import { protocolError, type RequestLabel } from "./registry-error.js";
import { secretsOf } from "./token.js";
import { discard, type HttpResponse } from "./transport.js";

/** `accepted`: the registry took the credentials; `not-needed`: it lets anybody in and didn't look at them. */
export type LoginOutcome = "accepted" | "not-needed";

/**
 * Asks a registry whether it takes these credentials; `access.credentials` is not used. With Bearer a token is the answer: some
 * registries refuse a token without a scope at `/v2/`.
 * @throws SpkociError AUTHENTICATION_REQUIRED if it refuses them, or REGISTRY_*
 */
export async function verifyLogin(
  registry: string,
  credentials: Credentials,
  access: RegistryAccess = {},
  op?: Op,
): Promise<LoginOutcome> {
  const client = new RegistryClient(registry, { ...access, credentials: async () => credentials });
  const origin = await client.origin();
  const label: RequestLabel = { step: `logging in to ${registry}`, method: "GET", url: new URL("/v2/", origin) };
  const refusal = (response: HttpResponse): Promise<Error> =>
    readRefusal(label, response, { registry, hadCredentials: true, fromTokenServer: true }, secretsOf(credentials));

  return client.retrying(
    label.step,
    async () => {
      const response = await client.transport(label, op);
      if (response.status !== 401) {
        if (response.status !== 200 && response.status !== 404) throw await refusal(response);
        discard(response);
        return "not-needed";
      }
      const header = response.header("www-authenticate") ?? "";
      discard(response);
      const authorization = await client.authorizer.answer(header, origin, [], undefined, op);
      if (authorization === undefined) {
        const schemes = parseChallenges(header).map(({ scheme }) => scheme);
        throw protocolError(label, `the registry asks for what spkoci doesn't have (${schemes.join(", ")})`, 401);
      }
      if (authorization.startsWith("Bearer ")) return "accepted";
      const second = await client.transport({ ...label, authorization }, op);
      if (second.status !== 200 && second.status !== 404) throw await refusal(second);
      discard(second);
      return "accepted";
    },
    op,
  );
}
