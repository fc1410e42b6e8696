#!/usr/bin/env bash
# Finds the healnode program, or builds it, and tells the next step where it is.
set -euo pipefail

fail() {
  echo "::error title=healnode::$1"
  exit 1
}

build() {
  command -v cargo > /dev/null || fail "there is no healnode on the PATH and no cargo to build it; set the input path, or install Rust in a step before"
  cargo install --locked --quiet --root "$RUNNER_TEMP/healnode-build" "$@" >&2
  echo "$RUNNER_TEMP/healnode-build/bin/healnode"
}

# .../_actions/OWNER/REPO/REF/examples/github-action
repository() {
  local path=${GITHUB_ACTION_PATH##*/_actions/}
  cut -d / -f 1,2 <<< "$path"
}

if [[ -n ${INPUT_PATH:-} ]]; then
  program=$(command -v "$INPUT_PATH") || fail "the input path names no program: $INPUT_PATH"
  [[ $program = /* ]] || program=$PWD/$program
elif [[ -n ${INPUT_VERSION:-} ]]; then
  program=$(build --git "${GITHUB_SERVER_URL:-https://github.com}/$(repository)" --rev "$INPUT_VERSION" healnode)
elif ! program=$(command -v healnode); then
  program=$(build --path "$GITHUB_ACTION_PATH/../..")
fi

"$program" --version
echo "program=$program" >> "$GITHUB_OUTPUT"
