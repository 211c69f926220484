#!/bin/sh
# The bars of bench/peers.mjs in a form of at most four minutes: reel beside Hono + BullMQ, FastAPI
# + Celery, an in-memory queue and nginx; a drain, idle connections, a hundred users, an overload.
# `tools/deps bench` installs what it measures beside.
export RUNS="${RUNS:-3}" SECONDS_EACH="${SECONDS_EACH:-1}" DRAIN_JOBS="${DRAIN_JOBS:-4000}"
export OVERLOAD_SECONDS="${OVERLOAD_SECONDS:-45}"
exec node "$(dirname "$0")/../../bench/peers.mjs" --check
