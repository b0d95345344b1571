-- What a customer or an officer does through the JSON API as with the commands: changes, the seal, timers, leaks,
-- liability, subcontractors, consultations and holidays.
GRANT SELECT, INSERT ON office.change_reports, office.liability_proposals, office.leaks TO keiyaku_office;
GRANT INSERT ON office.seals, office.timer_extensions, office.subcontractors, office.consultations TO keiyaku_office;
GRANT UPDATE (confirmed_at, confirmed_by, confirmed_from, done_at, done_by) ON office.change_reports TO keiyaku_office;
GRANT UPDATE (resolved_at) ON gate.information_changes TO keiyaku_office;
GRANT UPDATE (name) ON gate.customers TO keiyaku_office;
GRANT UPDATE (withdrawn_at) ON office.seals TO keiyaku_office;
GRANT UPDATE (ends_at) ON office.reissues_pending TO keiyaku_office;
GRANT UPDATE (until_on) ON office.subcontractors TO keiyaku_office;
GRANT UPDATE (review_on, ended_by, ended_at) ON office.consultations TO keiyaku_office;
GRANT UPDATE (preliminary_at, final_at) ON office.leaks TO keiyaku_office;
GRANT UPDATE (name, removed_at) ON gate.holidays TO keiyaku_office;
GRANT SELECT (serial, order_id) ON acme.replacements TO keiyaku_office; -- how many of an incident are replaced
GRANT SELECT (id, status) ON acme.orders TO keiyaku_office;
