import * as z from "zod";
import type { Digest } from "../base/digest.js";
import { isDigest } from "../base/digest.js";
import { SpkociError } from "../base/errors.js";
import { parseJson } from "../base/json.js";
import { listOf, textMap, texts, whyInvalid } from "../base/schema.js";

/** How a container starts (image-spec, config.md, `config`). */
export interface ExecutionConfig {
  readonly Env?: readonly string[] | undefined;
  readonly Entrypoint?: readonly string[] | null | undefined;
  readonly Cmd?: readonly string[] | null | undefined;
  readonly User?: string | undefined;
  readonly WorkingDir?: string | undefined;
  readonly Labels?: Readonly<Record<string, string>> | null | undefined;
  readonly [key: string]: unknown;
}

export interface HistoryEntry {
  readonly created?: string | undefined;
  readonly created_by?: string | undefined;
  readonly empty_layer?: boolean | undefined;
  readonly [key: string]: unknown;
}

/** An image's config (image-spec, config.md). Members that spkoci doesn't know are kept. */
export interface ImageConfig {
  readonly architecture: string;
  readonly os: string;
  readonly variant?: string | undefined;
  readonly created?: string | undefined;
  readonly config?: ExecutionConfig | null | undefined;
  readonly rootfs: { readonly type: "layers"; readonly diff_ids: readonly Digest[] };
  readonly history?: readonly HistoryEntry[] | null | undefined;
  readonly [key: string]: unknown;
}

const words = texts.nullish();

const configSchema = z.looseObject({
  architecture: z.string(),
  os: z.string(),
  variant: z.string().optional(),
  created: z.string().optional(),
  config: z
    .looseObject({
      Env: texts.nullish().transform((env) => env ?? undefined),
      Entrypoint: words,
      Cmd: words,
      User: z.string().optional(),
      WorkingDir: z.string().optional(),
      Labels: textMap.nullish(),
    })
    .nullish(),
  rootfs: z.looseObject({
    type: z.literal("layers"),
    diff_ids: z.custom<readonly Digest[]>(
      (value) => Array.isArray(value) && value.every((one) => typeof one === "string" && isDigest(one)),
      "expected a list of sha256 digests",
    ),
  }),
  history: listOf(
    z.looseObject({
      created: z.string().optional(),
      created_by: z.string().optional(),
      empty_layer: z.boolean().optional(),
    }),
  ).nullish(),
});

/** The largest image config that is read, bytes; a config holds a spec with all its nodes. */
export const CONFIG_LIMIT: number = 32 * 1024 * 1024;

/** @throws SpkociError DOCUMENT_INVALID that names `what`. */
export function parseImageConfig(bytes: Uint8Array, what: string): ImageConfig {
  const parsed = configSchema.safeParse(parseJson(Buffer.from(bytes).toString("utf8"), what));
  if (parsed.success) return parsed.data as ImageConfig;
  throw new SpkociError("DOCUMENT_INVALID", `${what} is malformed: ${whyInvalid(parsed.error)}`);
}
