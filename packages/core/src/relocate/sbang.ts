import { posix } from "node:path";

/**
 * The store's `bin/sbang`: runs a script whose interpreter line is too long for the kernel. The script begins with
 * `#!/bin/sh <root>/bin/sbang`; its own line comes second, as `#!`, `--!`, `//!` or `<?php #! … ?>`. Its words are the command
 * to run, the script's path and arguments follow. Variables have names that no environment has, as exported ones would reach the script.
 */
export const SBANG_SCRIPT: string = `#!/bin/sh
# Runs a script whose interpreter line is too long for the kernel: that line is the script's second.
# Written by spkoci; the same contract as Spack's sbang.

_sbang_fail() {
  printf 'sbang: %s\\n' "$1" >&2
  exit 126
}

[ $# -gt 0 ] || _sbang_fail 'usage: sbang SCRIPT [ARGUMENT...]'
[ -f "$1" ] || _sbang_fail "$1: no such file"
[ -r "$1" ] || _sbang_fail "$1: can't be read"

_sbang_first= _sbang_second= _sbang_command= _sbang_interpreter= _sbang_name=
{ IFS= read -r _sbang_first; IFS= read -r _sbang_second; } <"$1"
for _sbang_line in "$_sbang_first" "$_sbang_second"; do
  case $_sbang_line in
    '#!'* | '--!'* | '//!'*) _sbang_command=\${_sbang_line#??} _sbang_command=\${_sbang_command#!} ;;
    '<?php #!'*) _sbang_command=\${_sbang_line#'<?php #!'} _sbang_command=\${_sbang_command%'?>'} ;;
  esac
done

# The line's words are split at blanks, and not expanded.
set -f
unset IFS
for _sbang_word in $_sbang_command; do
  case $_sbang_word in
    sbang | */sbang) _sbang_fail "$1: no interpreter but sbang itself" ;;
  esac
  if [ -z "$_sbang_interpreter" ]; then
    _sbang_interpreter=$_sbang_word _sbang_name=\${_sbang_word##*/}
  elif [ "$_sbang_name" = env ]; then
    case $_sbang_word in
      -* | *=*) ;;
      *) _sbang_name=\${_sbang_word##*/} ;;
    esac
  fi
done
[ -n "$_sbang_interpreter" ] || _sbang_fail "$1: no interpreter in its first two lines"

case $_sbang_name in
  # These would run the first line's program; with -x they skip to their own line.
  perl* | ruby*) exec $_sbang_command -x "$@" ;;
  *) exec $_sbang_command "$@" ;;
esac
`;

/** Path of the sbang script in a store. */
export function sbangPathIn(root: string): string {
  return posix.join(root, "bin", "sbang");
}
