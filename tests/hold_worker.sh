#!/bin/sh
# Stands in for reel-media where a test needs jobs that start and never end: the queue then grows
# without a picture being drawn.
while read -r line; do
    id=$(printf '%s' "$line" | sed 's/.*"id":"\([^"]*\)".*/\1/')
    printf '{"id":"%s","event":"started"}\n' "$id"
    exec sleep 3600
done
