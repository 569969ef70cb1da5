#!/usr/bin/env bash
# Installs what the tests need, builds into build/ and runs every test; the last lines are ctest's summary.
# Arguments go to ctest: tests/run.sh -R store
set -euo pipefail
cd "$(dirname "$0")/.."

.ci/install test
cmake -S . -B build -DFINEPROBE_TESTS=ON >/dev/null
cmake --build build -j "$(nproc)"
ctest --test-dir build --output-on-failure --no-tests=error "$@"
