#!/bin/sh
# reel beside what a user would otherwise write: see peers.mjs.
exec node "$(dirname "$0")/peers.mjs" "$@"
