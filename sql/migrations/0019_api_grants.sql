-- Two people confirm a hold through the API, too; it asks the gate what it would say; requesters are named again.
GRANT UPDATE (confirmed_by_first, confirmed_by_second, confirmed_at) ON gate.holds TO keiyaku_office;
GRANT SELECT ON gate.revisions TO keiyaku_office;
GRANT UPDATE (withdrawn_at) ON office.requesters TO keiyaku_office;
GRANT SELECT ON office.refunds TO keiyaku_office; -- what of a receipt is left
