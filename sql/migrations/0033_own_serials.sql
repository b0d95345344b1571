-- The signer asks whether a record's serial number was registered for it, and for no other (C-079, C-124).
GRANT SELECT ON ca.serials TO keiyaku_sign;
