#!/bin/sh
# Polls and lateness against seed 000's schedule, every two seconds, and the optimum.
set -eu
root=$(cd "$(dirname "$0")/../.." && pwd)
ninja -C "$root/build" src/core/polls >/dev/null
exec "$root/build/src/core/polls" --check
