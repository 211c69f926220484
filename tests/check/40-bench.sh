#!/bin/sh
# The first figures of bench/ against their bars.
exec node "$(dirname "$0")/../../bench/http.mjs" --check
