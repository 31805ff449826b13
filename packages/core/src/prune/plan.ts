import type { Digest } from "../base/digest.js";
import type { ConcreteSpec } from "../spack/concrete-spec.js";
import { INDEX_TAG, isPackageTag } from "../spack/tag.js";
import type { Decision } from "./decide.js";
import type { BlobCount, KeptPackage, PrunedImage, PrunedPackage, PrunePlan } from "./result.js";
import type { Survey, SurveyedImage } from "./survey.js";

/** The plan that a decision comes to. `blobs` is what a folder has to remove. */
export function planPrune(target: string, survey: Survey, decision: Decision, blobs: BlobCount | undefined): PrunePlan {
  const images = removalOrder(survey, decision);
  const counted = neededContent(survey, decision);
  const planned = images.map((image) => ({ ...describe(image, survey), bytes: countNew(image, counted) }));
  return {
    target,
    kept: keptPackages(survey, decision),
    otherTags: otherTags(survey, decision),
    images: planned,
    indexOnly: indexOnly(survey),
    blobs,
    bytes: blobs?.bytes ?? planned.reduce((sum, { bytes }) => sum + bytes, 0),
  };
}

/** Images that go: indexes before what they name, and what is about an image before that image. */
function removalOrder(survey: Survey, decision: Decision): readonly SurveyedImage[] {
  const ordered: SurveyedImage[] = [];
  const seen = new Set<Digest>();
  // Depth first, each after all that it leads to; the other way round is the order of removal.
  const visit = (image: SurveyedImage): void => {
    const stack = [{ image, next: 0, links: linksOf(image) }];
    seen.add(image.digest);
    for (let top = stack.at(-1); top !== undefined; top = stack.at(-1)) {
      const digest = top.links[top.next];
      top.next += 1;
      if (digest === undefined) {
        ordered.push(top.image);
        stack.pop();
        continue;
      }
      const linked = survey.images.get(digest);
      if (linked === undefined || seen.has(digest)) continue;
      seen.add(digest);
      stack.push({ image: linked, next: 0, links: linksOf(linked) });
    }
  };
  for (const image of survey.images.values()) if (!seen.has(image.digest)) visit(image);
  return ordered.reverse().filter(({ digest }) => !decision.images.has(digest));
}

function linksOf({ children, subject }: SurveyedImage): readonly Digest[] {
  return subject === undefined ? children : [...children, subject];
}

/** Digests of all content that images which stay are made of. */
function neededContent(survey: Survey, decision: Decision): Set<Digest> {
  const needed = new Set<Digest>();
  for (const digest of decision.images.keys()) {
    needed.add(digest);
    for (const blob of survey.images.get(digest)?.blobs ?? []) needed.add(blob.digest);
  }
  return needed;
}

/** Bytes of an image that weren't counted before. */
function countNew(image: SurveyedImage, counted: Set<Digest>): number {
  let bytes = 0;
  for (const { digest, size } of [image, ...image.blobs]) {
    if (counted.has(digest)) continue;
    counted.add(digest);
    bytes += size;
  }
  return bytes;
}

function describe(image: SurveyedImage, survey: Survey): Omit<PrunedImage, "bytes"> {
  const { digest, tags, role, hashes } = image;
  const kind = role === "package" ? "package" : image.subject !== undefined ? "referrer" : "image";
  const [spec] = hashes.flatMap((hash) => survey.specs.get(hash) ?? []);
  return { digest, tags, kind, package: spec && namesOf(spec) };
}

function namesOf({ name, version, hash }: ConcreteSpec): PrunedPackage {
  return { name, version, hash };
}

function keptPackages(survey: Survey, decision: Decision): KeptPackage[] {
  const present = new Set(
    [...survey.images.values()].flatMap(({ role, hashes }) => (role === "package" ? hashes : [])),
  );
  return [...decision.hashes].flatMap(([hash, why]) => {
    const spec = present.has(hash) ? survey.specs.get(hash) : undefined;
    return spec === undefined ? [] : [{ ...namesOf(spec), why }];
  });
}

function otherTags(survey: Survey, decision: Decision): PrunePlan["otherTags"] {
  return [...survey.images.values()].flatMap(({ digest, role, tags }) => {
    const why = decision.images.get(digest);
    const isOther = (tag: string): boolean => tag !== INDEX_TAG && (role !== "package" || !isPackageTag(tag));
    return why === undefined ? [] : tags.filter(isOther).map((tag) => ({ tag, why }));
  });
}

function indexOnly(survey: Survey): PrunedPackage[] {
  const tagged = new Set([...survey.images.values()].flatMap(({ hashes }) => hashes));
  const unread = [...survey.tags].filter(([, digest]) => digest === undefined).map(([tag]) => tag);
  return [...survey.indexed].flatMap((hash) => {
    const spec = tagged.has(hash) || unread.some((tag) => tag.includes(hash)) ? undefined : survey.specs.get(hash);
    return spec === undefined ? [] : [namesOf(spec)];
  });
}
