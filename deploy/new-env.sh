#!/bin/sh
# Writes .env beside docker-compose.yml, with passwords of its own: sh deploy/new-env.sh
set -eu
umask 077
cd "$(dirname "$0")/.."
target="${1:-.env}"
if [ -e "$target" ]; then
    echo "$target is there already, and nothing was changed" >&2
    exit 1
fi

random_hex() {
    head -c 24 /dev/urandom | od -An -v -tx1 | tr -d ' \n'
}

sed -e "s|^POSTGRES_PASSWORD=.*|POSTGRES_PASSWORD=$(random_hex)|" \
    -e "s|^METRICS_TOKEN=.*|METRICS_TOKEN=$(random_hex)|" \
    -e "s|^GRAFANA_PASSWORD=.*|GRAFANA_PASSWORD=$(random_hex)|" \
    -e "s|^SIMULATED_API_KEY=.*|SIMULATED_API_KEY=$(random_hex)|" \
    -e "s|^SIMULATED_WEBHOOK_SECRET=.*|SIMULATED_WEBHOOK_SECRET=whsec_$(head -c 24 /dev/urandom | base64)|" \
    deploy/.env.example > "$target"
echo "$target is written; OUTDIAL_PUBLIC_URL in it is yours to change"
