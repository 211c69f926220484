#!/bin/sh
# The bars of local/compose.
exec "$(dirname "$0")/../../bench/compose.sh"
