import { Option } from "@commander-js/extra-typings";

export function insecureOption(): Option<"--insecure-skip-verify"> {
  return new Option("--insecure-skip-verify", "accept any certificate");
}

/** For options that can be given several times. */
export function collect(value: string, earlier: string[] | undefined): string[] {
  return [...(earlier ?? []), value];
}
