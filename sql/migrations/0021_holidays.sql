-- The office's daily job records the national holidays of the years to come (T8-4).
GRANT INSERT ON gate.holidays TO keiyaku_office;
