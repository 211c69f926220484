#!/bin/sh
# The simulator's second mode: adapters and dialects face to face, 100,000 lives and the exhaustive
# corner; and the corner of the core alone. From the release build.
set -e
root=$(cd "$(dirname "$0")/../.." && pwd)
ninja -C "$root/build" sim/sim >/dev/null
"$root/build/sim/sim" --face --seeds 800 --lives 100000 --rate 100000
"$root/build/sim/sim" --face --corner --seeds 0
exec "$root/build/sim/sim" --corner --seeds 0
