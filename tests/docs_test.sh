#!/bin/sh
# docs/configuration.md is what the program says: docs_test.sh PROGRAM ROOT
"$1" config docs | diff "$2/docs/configuration.md" - && exit 0
echo "docs/configuration.md is out of date: reel config docs > docs/configuration.md" >&2
exit 1
