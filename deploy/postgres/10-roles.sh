#!/usr/bin/env bash
# First start of the database: a login role for each kind of process, with the password its service was given.
# A role that two services share stands in both files, with one password.
# The grants come with the schema (`keiyaku migrate`).
set -euo pipefail
sort -u /run/secrets/pgpass_* | while IFS=: read -r _ _ _ role password; do
    psql --quiet --no-psqlrc -v ON_ERROR_STOP=1 -v role="$role" -v password="$password" <<'SQL'
CREATE ROLE :"role" LOGIN PASSWORD :'password';
SQL
done
