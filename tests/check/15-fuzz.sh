#!/bin/bash
# The fuzz targets for a while, from their seeds and from seeds made of the truth table and of the
# golden exchanges: libFuzzer where clang is, else the engine of tests/fuzz/mutate.c, both under
# ASan and UBSan. FUZZ_SECONDS (20) is for each target. What breaks one is left in build-fuzz.
set -eu
root=$(cd "$(dirname "$0")/../.." && pwd)
build=$root/build-fuzz
seconds=${FUZZ_SECONDS:-20}
cd "$root"
export ASAN_OPTIONS=abort_on_error=1:detect_leaks=1 UBSAN_OPTIONS=halt_on_error=1:print_stacktrace=1
clang=$(command -v clang-14 || command -v clang || true)
nothing='int LLVMFuzzerTestOneInput(const char *d, unsigned long n) { return 0; }'
if [ -n "$clang" ] && echo "$nothing" |
    "$clang" -x c - -fsanitize=fuzzer,address,undefined -o /dev/null 2>/dev/null; then
    options=(-Dc_args=-fsanitize=fuzzer-no-link)
else
    clang='' options=()
    echo "clang with libFuzzer is not installed: a simpler engine takes its place"
fi
[ -f "$build/build.ninja" ] || CC=${clang:-cc} meson setup "$build" -Dwerror=false \
    -Db_sanitize=address,undefined -Db_lundef=false "${options[@]}" | tail -1
targets='answer dialect foreign guard multipart server'
ninja -C "$build" $(printf 'tests/fuzz/%s_fuzz ' $targets) | tail -1

seeds=$build/seeds
rm -rf "$seeds"
for target in $targets; do
    mkdir -p "$seeds/$target" "$build/found/$target"
    cp "tests/fuzz/corpus/$target"/* "$seeds/$target"
done
awk -v folder="$seeds/guard" '/^(open|name|shut) / {
    gsub(/\\\\/, "\\", $2); file = folder "/row-" NR; printf "%s\n%s", $2, last >file; close(file)
    last = $2 }' src/edge/guard_table.txt
awk -v folder="$seeds/dialect" '/^> / { if (!open) file = folder "/golden-" ++n
    open = 1; print substr($0, 3) >file; next } open { close(file); open = 0 }' \
    src/dialect/golden/native.txt src/dialect/golden/native_ask.txt

failed=0
for target in $targets; do
    program=$build/tests/fuzz/${target}_fuzz
    log=$build/$target.log
    if [ -n "$clang" ]; then
        "$program" -max_total_time="$seconds" -max_len=9000 -timeout=10 -rss_limit_mb=1024 \
            -seed=1 -artifact_prefix="$build/$target-" \
            "$build/found/$target" "$seeds/$target" >"$log" 2>&1 &&
            status=0 || status=$?
        figures=$(grep -E '^Done|DONE' "$log" | tail -1)
        coverage=$(grep -oE 'cov: [0-9]+' "$log" | tail -1)
        figures="$figures; $coverage"
    else
        export FUZZ_KEEP=$build/$target-last
        rounds=$((seconds * 10000))
        [ "$target" != foreign ] || rounds=$((seconds * 100)) # each is decoded
        timeout $((seconds * 4)) "$program" "$seeds/$target" $rounds >"$log" 2>&1 &&
            status=0 || status=$?
        figures=$(tail -1 "$log")
    fi
    if [ "$status" -eq 0 ]; then
        echo "ok   $target: $figures"
    else
        echo "FAIL $target ended with $status"
        tail -30 "$log"
        failed=1
    fi
done
exit $failed
