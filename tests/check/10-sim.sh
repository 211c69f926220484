#!/bin/sh
# A million lives in the simulator, from the release build.
set -e
root=$(cd "$(dirname "$0")/../.." && pwd)
ninja -C "$root/build" sim/sim >/dev/null
exec "$root/build/sim/sim" --seeds 3200
