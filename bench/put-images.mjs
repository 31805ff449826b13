import { blobOf } from "@spkoci/core";
import { SHARED_LAYER } from "./made-up-cache.mjs";

const AT_ONCE = 16;

/** Puts images of makePackages into a store, a few at a time. */
export async function putImages(store, packages, count) {
  await store.put(blobOf(SHARED_LAYER));
  let left = count;
  const workers = Array.from({ length: AT_ONCE }, async () => {
    for (;;) {
      const { value, done } = await packages.next();
      if (done) return;
      await store.put(blobOf(value.config));
      await store.write(value.manifest, { tag: value.tag });
      left -= 1;
      if (left % 1000 === 0) console.error(`${left} images left to be put`);
    }
  });
  await Promise.all(workers);
}
