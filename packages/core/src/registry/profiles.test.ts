import { describe, expect, it } from "vitest";
import { profileOf } from "./profiles.js";

describe("checklist 32: a registry's profile", () => {
  it.each([
    ["ghcr.io", 4_194_304],
    ["GHCR.io", 4_194_304],
    ["europe-west1-docker.pkg.dev", 0],
    ["docker.pkg.dev", 0],
    ["gcr.io", 0],
    ["us.gcr.io", 0],
  ])("%s takes at most %i bytes a PATCH", (registry, patchLimit) => {
    expect(profileOf(registry)).toEqual({ patchLimit });
  });

  it.each([
    "docker.io",
    "quay.io",
    "registry.gitlab.com",
    "123456789012.dkr.ecr.eu-central-1.amazonaws.com",
    "127.0.0.1:5000",
    "not-ghcr.io",
    "ghcr.io.example.org",
  ])("%s takes a PATCH of any length", (registry) => {
    expect(profileOf(registry)).toEqual({});
  });
});
