#!/bin/sh
# The tests that try to leave the cage, from the release build: the sanitizers of `make test` need
# more memory than a worker may have, and system calls of their own.
set -e
root=$(cd "$(dirname "$0")/../.." && pwd)
exec meson test -C "$root/build" --no-rebuild --print-errorlogs media_cage media_cage_escape
