#!/bin/sh
# The HTTP figures: see http.mjs.
exec node "$(dirname "$0")/http.mjs" "$@"
