#!/bin/sh
# Ten thousand jobs in flight at a provider, and a thousand that end within a second.
SECONDS=20 SETTLING=100 exec node "$(dirname "$0")/../../bench/flight.mjs" --check
