#!/usr/bin/env bash
# The main job, end to end, on the embedded simulator: declare, drill, look at the history, plan again, destroy.
# Run it with `make demo`, which builds first. Everything it writes is in one temporary folder, removed at the end.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(cd "$here/../../.." && pwd)
binaries=${DRS_BINARIES:-$root/target/debug}

host=$(command -v terraform || command -v tofu || true)
if [ -z "$host" ]; then
  echo "make demo needs terraform 1.11 or newer, or tofu 1.8 or newer, on PATH" >&2
  exit 1
fi

folder=$(mktemp -d)
watcher=
clean_up() {
  if [ -n "$watcher" ]; then kill "$watcher" 2>/dev/null || true; fi
  rm -rf "$folder"
}
trap clean_up EXIT

cat > "$folder/cli.tfrc" <<CONFIG
provider_installation {
  dev_overrides {
    "drs-orchestration/drs" = "$binaries"
  }
  direct {}
}
CONFIG
export TF_CLI_CONFIG_FILE=$folder/cli.tfrc
export TF_IN_AUTOMATION=1
export TF_VAR_simulator_path=$folder/simulator
export DRS_SIMULATOR=$folder/simulator DRS_ENVIRONMENT=demo DRS_REGION=us-east-1
cp "$here/main.tf" "$folder"

say() { printf '\n\033[1m%s\033[0m\n' "$*"; }
# Terraform repeats on every run that a development build is used; once is enough.
quietly() { "$host" -chdir="$folder" "$@" -no-color -input=false -compact-warnings; }

say "1. terraform apply: 3 protection groups, 1 plan with 3 waves over 7 servers, 1 drill"
"$binaries/drsctl" watch --wait 60 2>/dev/null &
watcher=$!
quietly apply -auto-approve
wait "$watcher" || true
watcher=

say "2. drsctl show: the timeline from the history"
"$binaries/drsctl" show --timeline

say "3. terraform plan: nothing to do"
quietly plan -detailed-exitcode

say "4. terraform destroy: the drill's instances are terminated and verified gone"
quietly destroy -auto-approve
"$binaries/drsctl" show --timeline | tail -n 4

say "Done; $folder is removed"
