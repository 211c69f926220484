#!/bin/sh
# Ten thousand jobs in flight at a provider, and a thousand that end within a second.
SECONDS=15 SETTLING=55 exec node "$(dirname "$0")/../../bench/flight.mjs" --check
