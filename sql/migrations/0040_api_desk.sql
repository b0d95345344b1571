-- What officers and operators do through the JSON API as with the commands: the desk, accounts, what follows a
-- contract, its transfer.
GRANT INSERT ON office.tasks, office.absences TO keiyaku_office;
GRANT UPDATE (owner_id, snoozed_until, done_at) ON office.tasks TO keiyaku_office;
GRANT UPDATE (ended_at) ON office.absences TO keiyaku_office;
GRANT SELECT, INSERT ON office.closed_months TO keiyaku_office;
GRANT UPDATE (dealer_states_default) ON gate.invoices TO keiyaku_office;
GRANT INSERT ON office.eligibility_approvals, office.renewal_consents, office.assignments TO keiyaku_office;
GRANT UPDATE (withdrawn_at) ON office.renewal_consents TO keiyaku_office;
GRANT UPDATE (customer_id) ON gate.contracts TO keiyaku_office;
