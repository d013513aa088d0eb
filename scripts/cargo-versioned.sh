#!/usr/bin/env bash
# cargo for GoReleaser, which looks for a built binary under the name that it publishes. Cargo cannot build under a name that
# has a version in it, so the binary is copied to that name. GoReleaser's arguments are cargo's; BUILT and PUBLISHED are the
# two names, without a folder.
set -euo pipefail

target=
for argument in "$@"; do
  case $argument in --target=*) target=${argument#--target=} ;; esac
done
: "${target:?GoReleaser names no target}" "${BUILT:?}" "${PUBLISHED:?}"

cargo "$@"
cp "target/$target/release/$BUILT" "target/$target/release/$PUBLISHED"
