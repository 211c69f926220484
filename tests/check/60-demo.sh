#!/bin/sh
# The README's first command, a second time: it must need seconds and no answer.
cd "$(dirname "$0")/../.." && exec make --no-print-directory demo </dev/null
