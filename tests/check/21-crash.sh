#!/bin/sh
# A thousand kills of a server at its own system calls, over paid and local jobs.
exec node "$(dirname "$0")/../crash/crash.mjs"
