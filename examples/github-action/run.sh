#!/usr/bin/env bash
# Runs a command beside a node of this job's own, waits for the issue when it fails, and ends with the command's own exit code.
#
# A node that does not start, or does not file, is a warning: it never changes what becomes of the job.
set -uo pipefail

token=${INPUT_TOKEN:-}
program=${INPUT_PROGRAM:-healnode}
command=${INPUT_RUN:?the input run says what to run}
wait_seconds=${INPUT_WAIT_SECONDS:-180}
[[ $wait_seconds =~ ^[0-9]+$ ]] || { echo "::error title=healnode::wait-seconds is a number of seconds, not $wait_seconds"; exit 2; }

# The path of a Unix socket has room for some 100 bytes.
dir=$(mktemp -d "${RUNNER_TEMP:-/tmp}/healnode.XXXXXX") || exit 1
[[ ${#dir} -le 90 ]] || { rmdir "$dir"; dir=$(mktemp -d /tmp/healnode.XXXXXX) || exit 1; }

# Everything is set by variables, of which those of the workflow are stronger; an empty file keeps the repository's own healnode.toml out.
: > "$dir/healnode.toml"
export HEALNODE_CONFIG="$dir/healnode.toml" HEALNODE_DATA_DIR="$dir/data" HEALNODE_STATUS_SOCKET="$dir/socket"
export HEALNODE_APP="${HEALNODE_APP:-${INPUT_APP:-}}"
export HEALNODE_FORGE_KIND="${HEALNODE_FORGE_KIND:-github}"
export HEALNODE_FORGE_REPO="${HEALNODE_FORGE_REPO:-${INPUT_REPO:-${GITHUB_REPOSITORY:-}}}"
export HEALNODE_FORGE_API_URL="${HEALNODE_FORGE_API_URL:-${GITHUB_API_URL:-https://api.github.com}}"
export HEALNODE_FORGE_AUTO_ISSUE="${HEALNODE_FORGE_AUTO_ISSUE:-${INPUT_AUTO_ISSUE:-true}}"
export HEALNODE_BUNDLE_INTERVAL="${HEALNODE_BUNDLE_INTERVAL:-2s}"
export HEALNODE_BUNDLE_MIN_OCCURRENCES="${HEALNODE_BUNDLE_MIN_OCCURRENCES:-${INPUT_MIN_OCCURRENCES:-1}}"
export HEALNODE_MESH_LISTEN="${HEALNODE_MESH_LISTEN:-/ip4/127.0.0.1/tcp/0}"
unset INPUT_TOKEN INPUT_PROGRAM INPUT_RUN INPUT_REPO INPUT_AUTO_ISSUE INPUT_APP INPUT_MIN_OCCURRENCES INPUT_WAIT_SECONDS

node=
start_node() {
  HEALNODE_GITHUB_TOKEN=$token "$program" run > /dev/null 2> "$dir/log" &
  node=$!
  local _
  for _ in {1..100}; do
    "$program" status > /dev/null 2>&1 && return
    kill -0 "$node" 2> /dev/null || break
    sleep 0.1
  done
  warn "the node did not start, so nothing will be filed: $(tail -n 3 "$dir/log" | tr '\n' ' ')"
}

stop_node() {
  kill -TERM "$node" 2> /dev/null
  local _
  for _ in {1..100}; do
    kill -0 "$node" 2> /dev/null || break
    sleep 0.1
  done
  kill -KILL "$node" 2> /dev/null
  wait "$node" 2> /dev/null
  rm -rf "$dir"
}

warn() {
  echo "::warning title=healnode::$1"
}

# Whether an error is known and each is filed, or will not be.
is_settled() {
  local errors
  errors=$("$program" errors --json 2> /dev/null) || return 1
  [[ $errors == *'"fingerprint"'* ]] && ! grep -Eq '"state": ?"(counting|due|filing)"' <<< "$errors"
}

# An interrupt, a hang-up, or a reader that went away is no failure, so nothing was reported.
is_by_choice() {
  [[ $1 -eq 129 || $1 -eq 130 || $1 -eq 131 || $1 -eq 141 ]]
}

# With exit code 0 there may be an error all the same, of a thread that died; it was reported before the command's end was.
has_failed() {
  [[ $1 -ne 0 ]] || "$program" errors --json 2> /dev/null | grep -q '"fingerprint"'
}

files() {
  [[ $HEALNODE_FORGE_AUTO_ISSUE =~ ^([Tt][Rr][Uu][Ee]|1|[Yy][Ee][Ss]|[Oo][Nn])$ ]]
}

wait_for_issue() {
  local deadline=$((SECONDS + wait_seconds))
  until is_settled; do
    if ! kill -0 "$node" 2> /dev/null || ((SECONDS >= deadline)); then
      warn "the failure was not filed within $wait_seconds seconds; $("$program" status 2>&1 | grep -i forge | head -n 1)"
      return
    fi
    sleep 0.5
  done
}

tell_issues() {
  local urls
  urls=$("$program" errors --json 2> /dev/null | grep -Eo '"url": ?"[^"]+"' | cut -d '"' -f 4 | sort -u)
  [[ -n $urls ]] || return
  echo "issue=$(head -n 1 <<< "$urls")" >> "${GITHUB_OUTPUT:-/dev/null}"
  while read -r url; do
    echo "::notice title=healnode::the failure is $url"
    echo "The failure is $url" >> "${GITHUB_STEP_SUMMARY:-/dev/null}"
  done <<< "$urls"
}

start_node
trap stop_node EXIT

printf '%s\n' "$command" > "$dir/command"
"$program" exec -- bash --noprofile --norc -eo pipefail "$dir/command"
code=$?

if kill -0 "$node" 2> /dev/null && ! is_by_choice "$code" && has_failed "$code"; then
  if files; then
    wait_for_issue
  fi
  tell_issues
fi
exit "$code"
