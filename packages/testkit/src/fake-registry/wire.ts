import type { IncomingMessage, ServerResponse } from "node:http";
import type { FakeReply } from "./exchange.js";
import type { Fault } from "./faults.js";

/**
 * The request's whole body; `whole` is false if the client broke off, or `limit` bytes were wanted only. `onBytes` hears how many have
 * come and is awaited before more are read.
 */
export async function readBody(
  request: IncomingMessage,
  limit: number = Number.POSITIVE_INFINITY,
  onBytes: (bytes: number) => Promise<void> | void = () => {},
): Promise<{ readonly body: Buffer; readonly whole: boolean }> {
  const chunks: Buffer[] = [];
  let size = 0;
  if (size >= limit) return { body: Buffer.alloc(0), whole: false };
  try {
    // Leaving the loop must not destroy the connection: an answer may still go out.
    for await (const chunk of request.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
      chunks.push(chunk);
      size += chunk.length;
      await onBytes(size);
      if (size >= limit) return { body: Buffer.concat(chunks).subarray(0, limit), whole: false };
    }
  } catch {
    return { body: Buffer.concat(chunks), whole: false };
  }
  return { body: Buffer.concat(chunks), whole: true };
}

/** Sends a reply, damaged as the fault says. */
export function sendReply(response: ServerResponse, reply: FakeReply, fault: Fault = {}): void {
  const body = fault.corrupt ? damaged(reply.body) : (reply.body ?? Buffer.alloc(0));
  const headers = mergeHeaders(reply, fault);
  if (!("content-length" in headers) && reply.status !== 204) headers["content-length"] = String(body.length);
  response.writeHead(reply.status, headers);
  if (fault.cutAfter === undefined) {
    response.end(body);
    return;
  }
  response.flushHeaders();
  response.write(body.subarray(0, fault.cutAfter), () => response.socket?.destroySoon());
}

function mergeHeaders(reply: FakeReply, fault: Fault): Record<string, string | string[]> {
  const headers: Record<string, string | string[]> = { ...reply.headers };
  for (const [name, value] of Object.entries(fault.headers ?? {})) {
    if (value === null) delete headers[name.toLowerCase()];
    else headers[name.toLowerCase()] = typeof value === "string" ? value : [...value];
  }
  return headers;
}

function damaged(body: Buffer | undefined): Buffer {
  const copy = Buffer.from(body ?? Buffer.alloc(0));
  const middle = copy.length >> 1;
  if (copy.length > 0) copy.writeUInt8(copy.readUInt8(middle) ^ 1, middle);
  return copy;
}

/** The answer that a fault puts in the place of the true one. */
export function faultReply(fault: Fault): FakeReply | undefined {
  if (fault.status === undefined) return undefined;
  const { body } = fault;
  if (body === undefined) return { status: fault.status };
  if (typeof body === "string") return { status: fault.status, body: Buffer.from(body) };
  return {
    status: fault.status,
    headers: { "content-type": "application/json" },
    body: Buffer.from(JSON.stringify(body)),
  };
}
