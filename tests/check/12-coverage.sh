#!/bin/sh
# Every branch of the core is taken by its unit tests and golden traces; the simulator's lives are
# counted beside them. Built apart, without optimization and assertions (tools/coverage).
set -eu
root=$(cd "$(dirname "$0")/../.." && pwd)
exec "$root/tools/coverage"
