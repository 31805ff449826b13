import type { Readable } from "node:stream";
import { ERROR_BODY_LIMIT, parseErrorBody } from "./error-body.js";
import { type AnswerContext, answerError, type RegistryError, type RequestLabel } from "./registry-error.js";
import type { HttpResponse } from "./transport.js";

/** Reads what a refusing answer says and makes the error of it. `secrets` are blotted out of the registry's words. */
export async function readRefusal(
  label: RequestLabel,
  response: HttpResponse,
  context: AnswerContext,
  secrets: readonly string[],
): Promise<RegistryError> {
  const errors = parseErrorBody(await readStart(response.stream()), secrets);
  const { status } = response;
  return answerError(label, { status, retryAfter: response.header("retry-after") }, errors, context);
}

/** The text of a body up to the limit; whatever breaks off is as long as it got. */
async function readStart(body: Readable): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  try {
    for await (const chunk of body as AsyncIterable<Buffer>) {
      chunks.push(chunk);
      size += chunk.length;
      if (size >= ERROR_BODY_LIMIT) break;
    }
  } catch {
    // The status alone tells enough.
  }
  return Buffer.concat(chunks).subarray(0, ERROR_BODY_LIMIT).toString("utf8");
}
