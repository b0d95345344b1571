-- name: state_of_limits
-- For each limit its number for the contract, and when its subject has everything back.
-- $1 contract id  $2 limits  $3 subjects  $4 numbers of the settings  $5 now
SELECT w.name, m.number, CASE WHEN m.number > 0 THEN acme.at_pace(l.full_at, l.number, m.number, $5) END AS full_at
FROM unnest($2::text[], $3::text[], $4::integer[]) WITH ORDINALITY AS w (name, subject, number, position)
CROSS JOIN LATERAL (SELECT acme.limit_of($1, w.name, $5, w.number) AS number) AS m
LEFT JOIN acme.limits l ON l.name = w.name AND l.subject = w.subject
ORDER BY w.position;

-- name: failures
-- Names that the account failed to validate. $1 account id  $2 names  $3 contract id  $4 now  $5 number of the settings
SELECT name, full_at, CASE WHEN paused_at IS NOT NULL THEN token END AS token,
    acme.limit_of($3, 'failed_validations', $4, $5) AS number
FROM acme.failures WHERE account_id = $1 AND name = ANY ($2) ORDER BY name;

-- name: forget_limits
-- $1 instant
SELECT acme.forget_limits($1);
