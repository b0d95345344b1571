-- Statements of office/storage/proofs.py: how the names of a certificate were proven, as evidence has it.

-- name: proofs
-- The authorizations of the order that a certificate was issued for, with the evidence of each validation; its content is null
-- where there is none. $1 serial
SELECT a.id AS authorization_id, r.content, r.recorded_at
FROM ca.serials s JOIN acme.issuances i ON i.to_be_signed_id = s.to_be_signed_id JOIN acme.orders o ON o.id = i.order_id
CROSS JOIN LATERAL unnest(o.authorization_ids) AS a (id)
LEFT JOIN acme.authorizations z ON z.id = a.id
LEFT JOIN LATERAL (
    SELECT e.content, e.recorded_at FROM evidence.records e
    WHERE e.id >= keiyaku.uuid7_floor(z.validated_at)
      AND e.id < keiyaku.uuid7_floor(z.validated_at + interval '1 second')
      AND e.kind = 'authorization.validated' AND e.recorded_at = z.validated_at
      AND position(convert_to(a.id::text, 'UTF8') IN e.content) > 0
    LIMIT 1) AS r ON true
WHERE s.serial = $1;

-- name: caa_checks
-- Looks at CAA that were made for orders of the account before a certificate was signed, newest first.
-- $1 serial  $2 contract  $3 from  $4 until  $5 names, as octets, of which one is in the look
SELECT e.recorded_at, e.content
FROM ca.serials s JOIN acme.issuances i ON i.to_be_signed_id = s.to_be_signed_id
CROSS JOIN evidence.records e
WHERE s.serial = $1 AND e.contract_id = $2 AND e.id >= keiyaku.uuid7_floor($3)
  AND e.id < keiyaku.uuid7_floor($4::timestamptz + interval '1 second') AND e.recorded_at <= $4 AND e.kind = 'caa.checked'
  AND EXISTS (SELECT FROM unnest($5::bytea[]) AS n WHERE position(n IN e.content) > 0)
  AND EXISTS (SELECT FROM acme.orders o WHERE o.account_id = i.account_id
      AND o.id = (convert_from(e.content, 'UTF8')::jsonb ->> 'order')::uuid)
ORDER BY e.id DESC LIMIT 1000;
