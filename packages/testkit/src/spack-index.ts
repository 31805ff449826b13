import {
  blobOf,
  documentOf,
  INDEX_TAG,
  jsonDocument,
  OCI_CONFIG,
  OCI_LAYER_GZIP,
  OCI_MANIFEST,
  type Store,
} from "@spkoci/core";
import { linkTo } from "./link-to.js";
import type { TestPackage } from "./spack-package.js";

/**
 * Writes an index that names the packages as in the cache, and what they depend on as not in it, as Spack does.
 * @param version of the database: 8, or 7 for packages of spec file version 4
 */
export async function putIndex(store: Store, packages: readonly TestPackage[], version: 7 | 8 = 8): Promise<void> {
  const there = new Set(packages.map(({ hash }) => hash));
  const records = new Map<string, string>();
  for (const text of packages.flatMap(({ nodes }) => nodes)) {
    const { hash } = JSON.parse(text) as { hash: string };
    records.set(hash, `"${hash}":{"spec":${text},"ref_count":0,"in_buildcache":${there.has(hash)}}`);
  }
  const text = `{"database":{"version":"${version}","installs":{${[...records.values()].join(",")}}}}`;
  await putIndexText(store, text);
}

/**
 * Writes an index of that content, whatever it is.
 * @param size what the manifest says of it, bytes
 */
export async function putIndexText(store: Store, text: string, size?: number): Promise<void> {
  const config = jsonDocument(OCI_CONFIG, {});
  const layer = documentOf(OCI_LAYER_GZIP, Buffer.from(text));
  for (const one of [config, layer]) await store.put(blobOf(one));
  const layers = [{ ...linkTo(layer), ...(size !== undefined && { size }) }];
  const members = { schemaVersion: 2, mediaType: OCI_MANIFEST, config: linkTo(config), layers };
  await store.write(jsonDocument(OCI_MANIFEST, members), { tag: INDEX_TAG });
}
