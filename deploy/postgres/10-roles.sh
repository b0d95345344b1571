#!/usr/bin/env bash
# First start of the database: a login role for each kind of process, with the password its service was given.
# Run again after an upgrade that brings a role, it sets all of them anew (docs/operations.md).
# The grants come with the schema (`keiyaku migrate`).
set -euo pipefail
while IFS=: read -r role password; do
    psql --quiet --no-psqlrc -v ON_ERROR_STOP=1 -v role="$role" -v password="$password" <<'SQL'
SELECT format('CREATE ROLE %I', :'role') WHERE to_regrole(:'role') IS NULL \gexec
ALTER ROLE :"role" LOGIN PASSWORD :'password';
SQL
done </run/secrets/role_passwords
