#!/bin/sh
# The store with a million queued rows: taking rows in and claiming them must cost no more than 1.25
# times what it costs with none (80 % of the rate). Processor time is compared, because the disk of
# a shared machine changes from second to second; the rates are printed beside it. Its processor may
# change too between the two halves: status 3 asks for another run (tools/each).
set -eu
root=$(cd "$(dirname "$0")/../.." && pwd)
ninja -C "$root/build" src/store/store_bench >/dev/null
folder=$(mktemp -d "${TMPDIR:-/tmp}/reel-claims.XXXXXX")
trap 'rm -rf "$folder"' EXIT
cd "$folder"
"$root/build/src/store/store_bench" "${JOBS:-1000000}" "${SECONDS_EACH:-1}" | tee figures
awk '
    $3 == 64 && $4 == "a" { for (n = 5; n <= NF; n++) if ($n == "us") cost[$1, $2] = $(n - 1) }
    /^open and start/ { start = $4 }
    function bar(name, good) { print (good ? "ok  " : "FAIL"), name; if (!good) failed = 1 }
    function compare(kind,   empty, full) {
        empty = cost["empty", kind]
        full = cost["full", kind]
        bar(kind " cost at most 1.25 times as much with a million queued: " empty ", " full " us",
            empty > 0 && full > 0 && full <= 1.25 * empty)
    }
    END {
        compare("inserts")
        compare("claims")
        bar("the store opens and starts within a second: " start " ms",
            start > 0 && start < 1000)
        exit failed ? 3 : 0
    }' figures
