-- What officers and operators do through the JSON API as with the commands: the desk.
GRANT INSERT ON office.tasks, office.absences TO keiyaku_office;
GRANT UPDATE (owner_id, snoozed_until, done_at) ON office.tasks TO keiyaku_office;
GRANT UPDATE (ended_at) ON office.absences TO keiyaku_office;
