-- What officers and operators do through the JSON API as with the commands: the desk, accounts.
GRANT INSERT ON office.tasks, office.absences TO keiyaku_office;
GRANT UPDATE (owner_id, snoozed_until, done_at) ON office.tasks TO keiyaku_office;
GRANT UPDATE (ended_at) ON office.absences TO keiyaku_office;
GRANT SELECT, INSERT ON office.closed_months TO keiyaku_office;
GRANT UPDATE (dealer_states_default) ON gate.invoices TO keiyaku_office;
