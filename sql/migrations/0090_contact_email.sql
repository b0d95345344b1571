-- An officer gives a customer another e-mail address (T5-2): nothing could, so that a letter that came back came back for ever.

GRANT UPDATE (contact_email) ON gate.customers TO keiyaku_office;
