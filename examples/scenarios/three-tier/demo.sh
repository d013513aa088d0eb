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
clean_up() {
  # What still runs in the background is the watcher; its reader ends with it.
  kill $(jobs -p) 2>/dev/null || true
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
# Without a look for newer versions there is no call out, and nothing is written to the home folder.
export TF_IN_AUTOMATION=1 CHECKPOINT_DISABLE=1
export TF_VAR_simulator_path=$folder/simulator
export DRS_SIMULATOR=$folder/simulator DRS_ENVIRONMENT=demo DRS_REGION=us-east-1
cp "$here/main.tf" "$folder"

say() { printf '\n\033[1m%s\033[0m\n' "$*"; }
run() { "$host" -chdir="$folder" "$1" -no-color -input=false -compact-warnings "${@:2}"; }

# What a plan prints is long. The line that sums it up is shown; or all of it, where the plan fails or should be empty
# and is not.
plan() {
  if ! run plan "$@" > "$folder/plan.txt" 2>&1; then
    cat "$folder/plan.txt" >&2
    return 1
  fi
  grep -E '^(Plan:|No changes\.)' "$folder/plan.txt"
}

# A plan that was saved is applied as it is: there is nothing to ask, and nothing to show again.
apply() { run apply "$1"; }

say "1. terraform plan and apply: 3 protection groups, 1 plan with 3 waves over 7 servers, 1 drill"
plan -out=create.plan
# Into a pipe the watcher prints lines. On a terminal it would draw a table, over the lines of Terraform.
"$binaries/drsctl" watch --wait 60 2>/dev/null | cat &
apply create.plan
wait

say "2. drsctl show: the timeline from the history"
"$binaries/drsctl" show --timeline

say "3. terraform plan: nothing to do"
plan -detailed-exitcode

say "4. terraform destroy, from a plan too: the drill's instances are terminated and verified gone"
plan -destroy -out=destroy.plan
apply destroy.plan
"$binaries/drsctl" show --timeline | tail -n 6

say "Done; $folder is removed"
