#!/bin/sh
# Ten thousand paid jobs of which every fifth answer is lost after it was accepted.
exec node "$(dirname "$0")/../crash/lost.mjs"
