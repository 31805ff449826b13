/** Tag of a cache's index (format page, section 1). */
export const INDEX_TAG = "index.spack";

const LIMIT = 128;

/** The tag of a package in a cache (format page, section 1). */
export function packageTag(spec: { readonly name: string; readonly version: string; readonly hash: string }): string {
  const tag = `${spec.name}-${spec.version}-${spec.hash}.spack`.replace(/[^A-Za-z0-9_.-]/gu, "_");
  return tag.length <= LIMIT ? tag : tag.slice(0, LIMIT / 2) + tag.slice(-LIMIT / 2);
}

/** Whether a tag of a cache is a package's: it ends in `.spack` and is not the index. */
export function isPackageTag(tag: string): boolean {
  return tag.endsWith(".spack") && tag !== INDEX_TAG;
}

/** The DAG hash at the end of a package's tag; undefined for a tag that no package has. */
export function hashInTag(tag: string): string | undefined {
  return /-([a-z0-9]{7,64})\.spack$/.exec(tag)?.[1];
}
