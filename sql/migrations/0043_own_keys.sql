-- Whose key was proven to be compromised: a log's, if it is none of the CA's own or a customer's (C-077, C-129).
GRANT SELECT ON ca.log_lists TO keiyaku_office;
