-- Who is told of the end of the service after its notice went out (T23-1): found by kind, not through all notices.
CREATE INDEX notices_service_end ON office.notices (customer_id) WHERE kind = 'service_end';
