#!/bin/sh
# The bars of local/kenburns.
exec "$(dirname "$0")/../../bench/kenburns.sh"
