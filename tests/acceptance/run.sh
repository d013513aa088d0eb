#!/usr/bin/env bash
# The acceptance suite in several processes: most of its time is waiting for owners that must be silent, for names that are
# held, for calls that are tried again. Each file is run for each host; what one of them printed is shown when it has ended.
# The arguments are the command that runs pytest.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

# Processes at the same time: enough for two cores, and few enough that each gets its turn before a time limit passes.
AT_ONCE=${AT_ONCE:-5}
# The longest first, so that none is left alone at the end.
first="test_faults test_membership test_examples test_generated test_resources test_interrupt test_kill test_refused"
rest=$(cd tests/acceptance && ls test_*.py | sed 's/\.py$//' | grep -vxF "$(tr ' ' '\n' <<<"$first")")

run() {
  local file=$1 host=$2 output status=0
  shift 2
  output=$("$@" "tests/$file.py" -k "$host" 2>&1) || status=$?
  # 5 is that of pytest for no tests: what has nothing to do with a host is tested once.
  if [[ $status == 0 || ($status == 5 && $output == *"deselected"*) ]]; then
    printf '%s on %s: %s\n' "$file" "$host" "$(tail -n 1 <<<"$output")"
  else
    printf '%s on %s:\n%s\n' "$file" "$host" "$output"
    return 1
  fi
}
export -f run
for file in $first $rest; do printf 'acceptance/%s path\nacceptance/%s 1.15\n' "$file" "$file"; done |
  xargs -P "$AT_ONCE" -L 1 bash -c 'arguments=("${@:1:$#-2}"); run "${@: -2:1}" "${@: -1:1}" "${arguments[@]}"' run "$@"
