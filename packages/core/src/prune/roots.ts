import { countOf } from "../base/count-of.js";
import type { Digest } from "../base/digest.js";
import { SpkociError } from "../base/errors.js";
import { nearestNames } from "../base/nearest.js";
import type { Op } from "../base/op.js";
import type { ConcreteSpec } from "../spack/concrete-spec.js";
import { readEnvironmentLock } from "../spack/environment-lock.js";
import { matchesQuery } from "../spack/match-spec-query.js";
import { parseSpecQuery } from "../spack/parse-spec-query.js";
import { INDEX_TAG, isPackageTag } from "../spack/tag.js";
import type { Roots } from "./decide.js";
import type { PruneOptions } from "./options.js";
import type { KeepReason } from "./result.js";
import type { Survey } from "./survey.js";

/** Tags that a message names at most. */
const LISTED = 5;

/** Roots, and nodes that they need which the cache doesn't know. */
export interface FoundRoots extends Roots {
  readonly specs: ReadonlyMap<string, ConcreteSpec>;
}

/** @throws SpkociError INVALID_ARGUMENT for options that name no root, or can't be parsed */
export function checkOptions(options: PruneOptions): void {
  for (const text of options.keep ?? []) parseSpecQuery(text);
  const named = [options.keep, options.keepEnvironments, options.keepTags].some((list) => (list ?? []).length > 0);
  if (named || options.newerThanMs !== undefined) return;
  throw new SpkociError("INVALID_ARGUMENT", "nothing says what is to stay, so everything would be removed", {
    hint: "Say --keep SPEC, --keep-env DIR, --keep-tag TAG or --newer-than AGE.",
  });
}

/**
 * What the options name, and what stays in any case: the index, images that can't be read, and unless `allTags` is set, those under
 * tags that aren't packages'.
 * @throws SpkociError SPEC_NOT_FOUND or IMAGE_NOT_FOUND for a name that matches nothing, DOCUMENT_INVALID where what it may match can't be
 *   read, ENVIRONMENT_INVALID, INVALID_ARGUMENT
 */
export async function findRoots(options: PruneOptions, survey: Survey, op: Op): Promise<FoundRoots> {
  const hashes = new Map<string, KeepReason>();
  const present = packagesOf(survey);
  for (const text of options.keep ?? []) {
    for (const { hash } of matching(text, present, survey)) setOnce(hashes, hash, "query");
  }
  const specs = new Map(survey.specs);
  for (const path of options.keepEnvironments ?? []) {
    const lock = await readEnvironmentLock(path, op);
    for (const [hash, spec] of lock.specs) if (!specs.has(hash)) specs.set(hash, spec);
    for (const { hash } of lock.roots) setOnce(hashes, hash, "environment");
    if (!present.some(({ hash }) => lock.specs.has(hash)) && !lock.roots.some(({ hash }) => survey.indexed.has(hash))) {
      throw new SpkociError("SPEC_NOT_FOUND", `the cache has no package of the environment ${path}`, {
        hint: "Check that this is the right environment, and the right cache.",
      });
    }
  }
  const images = new Map<Digest, KeepReason>();
  for (const pattern of options.keepTags ?? []) {
    for (const digest of taggedLike(pattern, survey)) setOnce(images, digest, "tag");
  }
  keepOthers(survey, options.allTags ?? false, images);
  return { hashes, images, specs };
}

/** The packages that have an image, once each. */
function packagesOf(survey: Survey): ConcreteSpec[] {
  const hashes = [...survey.images.values()].flatMap((image) => (image.role === "package" ? image.hashes : []));
  return [...new Set(hashes)].flatMap((hash) => survey.specs.get(hash) ?? []);
}

function matching(text: string, present: readonly ConcreteSpec[], survey: Survey): ConcreteSpec[] {
  const query = parseSpecQuery(text);
  const found = present.filter((spec) => matchesQuery(spec, query, (hash) => survey.specs.get(hash)));
  if (found.length > 0) return found;
  const unread = unreadTags(survey).filter((tag) => query.name === undefined || tag.startsWith(`${query.name}-`));
  if (unread.length > 0) {
    const listed = unread.slice(0, LISTED).join(", ") + (unread.length > LISTED ? ", …" : "");
    throw new SpkociError(
      "DOCUMENT_INVALID",
      `${text} is to be kept, but ${countOf(unread.length, "image")} of the cache that it may match can't be read: ${listed}`,
      { hint: "`spkoci check` tells what is wrong there." },
    );
  }
  const nearest = nearestNames(
    query.name ?? "",
    present.map(({ name }) => name),
  ).filter((name) => name !== query.name);
  const versions = present.filter(({ name }) => name === query.name).map(({ version }) => version);
  const has =
    versions.length > 0 ? `The cache has ${query.name} ${[...new Set(versions)].slice(0, 10).join(", ")}.` : "";
  const hint = has || (nearest.length > 0 ? `Did you mean ${nearest.join(" or ")}?` : undefined);
  throw new SpkociError("SPEC_NOT_FOUND", `no package of the cache matches ${text}, which is to be kept`, {
    hint: hint ?? `The cache has ${present.length} packages; \`spkoci list\` names them.`,
  });
}

/** Tags of packages whose image can't be read. */
function unreadTags(survey: Survey): string[] {
  const unreadable = (digest: Digest): boolean => survey.images.get(digest)?.role === "unreadable";
  const tags = [...survey.tags].filter(
    ([tag, digest]) => isPackageTag(tag) && (digest === undefined || unreadable(digest)),
  );
  return tags.map(([tag]) => tag).sort();
}

function taggedLike(pattern: string, survey: Survey): Digest[] {
  const matches = new RegExp(`^${pattern.replace(/[^\w]/g, escapeOrWild)}$`, "s");
  const found = [...survey.tags].flatMap(([tag, digest]) =>
    digest !== undefined && tag !== INDEX_TAG && matches.test(tag) ? [digest] : [],
  );
  if (found.length > 0) return found;
  const nearest = nearestNames(pattern, survey.tags.keys());
  throw new SpkociError("IMAGE_NOT_FOUND", `no tag of the cache is like ${pattern}, which is to be kept`, {
    hint:
      nearest.length > 0
        ? `Did you mean ${nearest.join(" or ")}?`
        : "`*` in it stands for any characters, `?` for one.",
  });
}

function escapeOrWild(character: string): string {
  if (character === "*") return ".*";
  return character === "?" ? "." : `\\${character}`;
}

function keepOthers(survey: Survey, allTags: boolean, images: Map<Digest, KeepReason>): void {
  for (const { role, digest, tags, subject } of survey.images.values()) {
    if (role === "index") setOnce(images, digest, "part");
    if (role === "unreadable") setOnce(images, digest, "unreadable");
    if (role === "referrer" || role === "part") continue;
    if (allTags || subject !== undefined) continue;
    const hasOther = tags.some((tag) => tag !== INDEX_TAG && !isPackageTag(tag));
    if (role === "other" || hasOther) setOnce(images, digest, "other-tag");
  }
}

function setOnce<K, V>(map: Map<K, V>, key: K, value: V): void {
  if (!map.has(key)) map.set(key, value);
}
