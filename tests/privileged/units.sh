#!/bin/bash
# The unit tests that skip a part of themselves without root (mounts of their own, other users'
# files, many descriptors) or under the sanitizers, here where nothing is a reason to skip: the
# release build, as root. A part that was skipped all the same is a failure.
set -u
cd "$(dirname "$0")/../.." || exit 1
ulimit -n "$(ulimit -H -n)"
failed=0 ran=0
for source in $(grep -l --include='*_test.c' -r '\<skip()' src | sort); do
    folder=build/$(dirname "$source") name=$(basename "$source" .c)
    program=$(find "$folder" -maxdepth 1 -name "*$name" -type f -executable | head -n 1)
    ran=$((ran + 1))
    if [ -z "$program" ]; then
        echo "$source: there is no $folder/$name; build it: make" >&2
        failed=$((failed + 1))
        continue
    fi
    said=$("$program" 2>&1)
    status=$?
    if [ "$status" -ne 0 ] || grep -q 'SKIPPED' <<<"$said"; then
        echo "$said"
        echo "$program: status $status, or a part was skipped" >&2
        failed=$((failed + 1))
    else
        echo "$program: all of it ran"
    fi
done
echo "$((ran - failed)) of $ran programs ran whole"
[ "$failed" -eq 0 ] && [ "$ran" -gt 0 ]
