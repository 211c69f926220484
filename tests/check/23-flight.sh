#!/bin/sh
# Ten thousand jobs in flight at a provider, and a thousand that end within a second.
SECONDS=10 SETTLING=40 exec node "$(dirname "$0")/../../bench/flight.mjs" --check
