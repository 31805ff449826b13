import { randomBytes } from "node:crypto";
import { errorReply, type FakeReply, type FakeRequest, jsonReply } from "./exchange.js";

/** Every request needs this name and password. */
export interface FakeBasicAuth {
  readonly type: "basic";
  readonly username: string;
  readonly password: string;
}

/** Requests need a token of the fake's own token endpoint (distribution, token specification). */
export interface FakeBearerAuth {
  readonly type: "bearer";
  /** Who may push and pull. Without a name and password every token gets all it asks for. */
  readonly username?: string;
  readonly password?: string;
  /** Taken with grant_type=refresh_token in place of name and password. */
  readonly identityToken?: string;
  /** Tokens without credentials may pull. False unless told. */
  readonly anonymousPull?: boolean;
  /** The member that carries the token. `token` unless told. */
  readonly tokenField?: "token" | "access_token";
  /** Announced as expires_in, s. Not announced unless told. */
  readonly expiresIn?: number;
  /** After so many requests a token is refused as expired. */
  readonly usesPerToken?: number;
  /** The challenge names no scope (Artifactory). */
  readonly omitScope?: boolean;
  /** The token endpoint answers POST with this status (Harbor: 405). */
  readonly postStatus?: number;
  /** The actions granted of those a valid user asks for; all unless told. */
  readonly grant?: (repository: string, actions: readonly string[]) => readonly string[];
}

export type FakeAuth = FakeBasicAuth | FakeBearerAuth;

/** Actions on a repository, as in `repository:NAME:pull,push`. */
export interface Need {
  readonly repository: string;
  readonly actions: readonly string[];
}

interface IssuedToken {
  readonly granted: ReadonlyMap<string, ReadonlySet<string>>;
  uses: number;
}

/** Decides who may do what, and issues tokens. */
export class Guard {
  readonly #auth: FakeAuth | undefined;
  readonly #realm: string;
  readonly #tokens = new Map<string, IssuedToken>();

  /** `realm` is the token endpoint's URL. */
  constructor(auth: FakeAuth | undefined, realm: string) {
    this.#auth = auth;
    this.#realm = realm;
  }

  /** The refusal of a request, or undefined if it may go on. */
  refuse(request: FakeRequest, needs: readonly Need[]): FakeReply | undefined {
    const auth = this.#auth;
    if (!auth) return undefined;
    if (auth.type === "basic") {
      return isBasic(request, auth) ? undefined : challenge('Basic realm="fake registry"', "authentication required");
    }
    return this.#refuseBearer(request, needs, auth);
  }

  #refuseBearer(request: FakeRequest, needs: readonly Need[], auth: FakeBearerAuth): FakeReply | undefined {
    const presented = /^bearer (.+)$/i.exec(request.headers.authorization ?? "")?.[1];
    const token = presented === undefined ? undefined : this.#tokens.get(presented);
    const scope = auth.omitScope ? "" : scopeOf(needs);
    const base = `Bearer realm="${this.#realm}",service="fake registry"${scope}`;
    if (!token)
      return challenge(presented === undefined ? base : `${base},error="invalid_token"`, "authentication required");
    token.uses += 1;
    if (token.uses > (auth.usesPerToken ?? Number.POSITIVE_INFINITY)) {
      return challenge(`${base},error="invalid_token"`, "the token has expired");
    }
    const enough = needs.every(({ repository, actions }) =>
      actions.every((action) => token.granted.get(repository)?.has(action)),
    );
    return enough ? undefined : challenge(`${base},error="insufficient_scope"`, "the token does not allow this");
  }

  /** The token endpoint: GET with scope parameters, or an OAuth2 POST. */
  answerToken(request: FakeRequest): FakeReply {
    const auth = this.#auth;
    if (auth?.type !== "bearer") return errorReply(404, "UNSUPPORTED", "there is no token endpoint");
    if (request.method === "POST") return this.#answerPost(request, auth);
    const scopes = request.query.getAll("scope");
    if (request.headers.authorization !== undefined && !isUser(request, auth)) {
      return errorReply(401, "UNAUTHORIZED", "incorrect username or password");
    }
    return this.#issue(scopes, isUser(request, auth), auth);
  }

  #answerPost(request: FakeRequest, auth: FakeBearerAuth): FakeReply {
    if (auth.postStatus !== undefined) return { status: auth.postStatus };
    const form = new URLSearchParams(request.body.toString("utf8"));
    const complete = form.has("grant_type") && form.has("service") && form.has("client_id");
    if (!complete) return jsonReplyWith(400, { error: "invalid_request" });
    const valid =
      form.get("grant_type") === "refresh_token"
        ? auth.identityToken !== undefined && form.get("refresh_token") === auth.identityToken
        : form.get("username") === auth.username && form.get("password") === auth.password;
    if (!valid) return jsonReplyWith(401, { error: "invalid_grant" });
    return this.#issue((form.get("scope") ?? "").split(" "), true, { ...auth, tokenField: "access_token" });
  }

  #issue(scopes: readonly string[], isUser: boolean, auth: FakeBearerAuth): FakeReply {
    const granted = new Map<string, ReadonlySet<string>>();
    for (const scope of scopes) {
      const [, repository, actions] = /^repository:(.+):([^:]+)$/.exec(scope) ?? [];
      if (repository === undefined || actions === undefined) continue;
      const asked = actions.split(",");
      const open = auth.username === undefined && auth.identityToken === undefined;
      const allowed = isUser || open ? asked : asked.filter((action) => action === "pull" && auth.anonymousPull);
      const given = auth.grant ? auth.grant(repository, allowed) : allowed;
      granted.set(repository, new Set([...(granted.get(repository) ?? []), ...given]));
    }
    const token = randomBytes(16).toString("hex");
    this.#tokens.set(token, { granted, uses: 0 });
    const expiry = auth.expiresIn === undefined ? {} : { expires_in: auth.expiresIn };
    return jsonReply({ [auth.tokenField ?? "token"]: token, ...expiry });
  }
}

function challenge(header: string, message: string): FakeReply {
  const reply = errorReply(401, "UNAUTHORIZED", message);
  return { ...reply, headers: { ...reply.headers, "www-authenticate": header } };
}

function scopeOf(needs: readonly Need[]): string {
  if (needs.length === 0) return "";
  const scopes = needs.map(({ repository, actions }) => `repository:${repository}:${actions.join(",")}`);
  return `,scope="${scopes.join(" ")}"`;
}

function isUser(request: FakeRequest, auth: FakeBearerAuth): boolean {
  const { username, password } = auth;
  return username !== undefined && password !== undefined && isBasic(request, { username, password });
}

function isBasic(request: FakeRequest, user: { readonly username: string; readonly password: string }): boolean {
  const presented = /^basic (.+)$/i.exec(request.headers.authorization ?? "")?.[1] ?? "";
  return Buffer.from(presented, "base64").toString("utf8") === `${user.username}:${user.password}`;
}

function jsonReplyWith(status: number, body: object): FakeReply {
  return { ...jsonReply(body), status };
}
