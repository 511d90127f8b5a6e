#!/bin/bash
# Runs every fuzz target for a while: usage: fuzz.sh DURATION
set -euo pipefail

for package in $(go list ./...); do
	# A package without tests lists nothing.
	for target in $(go test -list '^Fuzz' "$package" | grep '^Fuzz' || true); do
		go test -run '^$' -fuzz "^$target\$" -fuzztime "${1:-10s}" "$package"
	done
done
