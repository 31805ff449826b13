import { SpkociError } from "../base/errors.js";
import { parseJson } from "../base/json.js";

/** What the `oci-layout` file of a layout says (image-spec, image-layout.md). */
export const LAYOUT_MARKER = '{"imageLayoutVersion":"1.0.0"}';

/** @throws SpkociError DOCUMENT_INVALID if `text` is the `oci-layout` file of another version; `place` is the layout */
export function checkMarker(place: string, text: string): void {
  const marker = parseJson(text, `${place}/oci-layout`) as { imageLayoutVersion?: unknown } | null;
  const version = marker?.imageLayoutVersion;
  if (version === "1.0.0") return;
  throw new SpkociError(
    "DOCUMENT_INVALID",
    `${place} is an image layout of version ${JSON.stringify(version)}, not "1.0.0"`,
  );
}
