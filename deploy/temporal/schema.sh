#!/bin/sh
# Creates Temporal's two databases and brings their tables up to date; safe to repeat.
# The tool reads SQL_HOST, SQL_PORT, SQL_USER, SQL_PASSWORD and SQL_PLUGIN by itself.
set -eu

bring_up_to_date() {
  SQL_DATABASE=$1
  export SQL_DATABASE
  temporal-sql-tool create-database
  temporal-sql-tool setup-schema --version 0.0
  temporal-sql-tool update-schema \
    --schema-dir "/etc/temporal/schema/postgresql/v12/$2/versioned"
}

bring_up_to_date temporal temporal
bring_up_to_date temporal_visibility visibility
