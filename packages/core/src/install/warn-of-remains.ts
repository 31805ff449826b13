import type { Op } from "../base/op.js";
import type { RelocationReport } from "../relocate/relocate-prefix.js";
import { type ConcreteSpec, labelOf } from "../spack/concrete-spec.js";

/** Tells what still names old places: strings without room, binaries that can't be understood, and files that relocation leaves alone. */
export function warnOfRemains(
  spec: ConcreteSpec,
  { unheld, malformed }: RelocationReport,
  remains: readonly string[],
  oldRoot: string,
  op: Op,
): void {
  const lines = [
    ...unheld.map(({ file, string }) => `${file} still names ${JSON.stringify(string)}`),
    ...malformed.map(({ file, reason }) => `${file} keeps its run path: ${reason}`),
  ];
  if (remains.length > 0) {
    const named = remains.slice(0, NAMED_REMAINS).join(", ");
    const more = remains.length > NAMED_REMAINS ? ` and ${remains.length - NAMED_REMAINS} more` : "";
    lines.push(`data files and archives that are left as they are still name ${oldRoot}: ${named}${more}`);
  }
  for (const line of lines) op.emit?.({ type: "warning", message: `${labelOf(spec)}: ${line}` });
}

const NAMED_REMAINS = 3;
