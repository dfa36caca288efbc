#!/bin/sh
# Creates the namespace and what Outdial's workflows are searched by; safe to repeat.
# Reads TEMPORAL_ADDRESS and TEMPORAL_NAMESPACE.
set -eu

wait_until() {
  tries=60
  until "$@" >/dev/null 2>&1; do
    tries=$((tries - 1))
    if [ "$tries" -eq 0 ]; then
      echo "gave up at $TEMPORAL_ADDRESS: $*" >&2
      "$@"
    fi
    sleep 1
  done
}

wait_until temporal operator cluster health

# Creating does not look at TEMPORAL_NAMESPACE, so it is named.
# A week to look into what went wrong; histories hold personal data, so no longer.
temporal operator namespace describe --namespace "$TEMPORAL_NAMESPACE" >/dev/null 2>&1 ||
  temporal operator namespace create --namespace "$TEMPORAL_NAMESPACE" --retention 7d

# A new namespace reaches the server's own caches some seconds later.
wait_until temporal operator search-attribute list

attribute() {
  temporal operator search-attribute create --name "$1" --type "$2"
}
attribute Campaign Keyword
attribute CallStatus Keyword
attribute Outcome Keyword
attribute Line Keyword
attribute Attempt Int
