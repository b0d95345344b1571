-- What officers and operators do through the JSON API as with the commands: the desk, accounts, what follows a
-- contract, its transfer; what stops the service, and incidents.
GRANT INSERT ON office.tasks, office.absences TO keiyaku_office;
GRANT UPDATE (owner_id, snoozed_until, done_at) ON office.tasks TO keiyaku_office;
GRANT UPDATE (ended_at) ON office.absences TO keiyaku_office;
GRANT SELECT, INSERT ON office.closed_months TO keiyaku_office;
GRANT UPDATE (dealer_states_default) ON gate.invoices TO keiyaku_office;
GRANT INSERT ON office.eligibility_approvals, office.renewal_consents, office.assignments TO keiyaku_office;
GRANT UPDATE (withdrawn_at) ON office.renewal_consents TO keiyaku_office;
GRANT UPDATE (customer_id) ON gate.contracts TO keiyaku_office;
GRANT UPDATE (ends_at) ON gate.suspensions TO keiyaku_office;
GRANT INSERT ON office.incidents, office.incident_certificates TO keiyaku_office;
GRANT UPDATE (per_second, wait, begun_by_first, begun_by_second, begun_at, paused_at) ON office.incidents TO keiyaku_office;
GRANT SELECT (profile, created_at, spki_sha256) ON ca.to_be_signed TO keiyaku_office; -- which ones an incident is about
GRANT SELECT (authorization_ids) ON acme.orders TO keiyaku_office;
GRANT SELECT (id, challenge_type) ON acme.authorizations TO keiyaku_office;
GRANT EXECUTE ON FUNCTION keiyaku.uuid7_floor TO keiyaku_office;
GRANT INSERT ON office.payer_aliases, office.virtual_accounts TO keiyaku_office;
GRANT UPDATE (removed_at) ON office.payer_aliases TO keiyaku_office;
GRANT UPDATE (ended_at) ON office.virtual_accounts TO keiyaku_office;
