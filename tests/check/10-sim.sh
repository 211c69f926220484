#!/bin/sh
# Two million lives in the simulator, at a million a minute or more, and every planted mistake is
# caught within a minute; from the release build.
set -e
root=$(cd "$(dirname "$0")/../.." && pwd)
ninja -C "$root/build" sim/sim sim/plant_test >/dev/null
"$root/build/sim/plant_test"
exec "$root/build/sim/sim" --seeds 8400 --lives 2000000 --rate 1000000
