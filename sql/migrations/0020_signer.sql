-- What the signer's role may read beside the record and its admission.
GRANT SELECT (term_months, predecessor_id) ON gate.contracts TO keiyaku_sign;
GRANT SELECT (contract_id, issued_at) ON gate.contract_starts TO keiyaku_sign;
GRANT SELECT (contract_id, kind, verdict, obtained_on, recorded_at) ON gate.review_items TO keiyaku_sign;
GRANT SELECT (contract_id, kind, issued_on, due_on, open_yen, dealer, dealer_states_default) ON gate.invoices
    TO keiyaku_sign;
GRANT SELECT (covered_from, covered_through) ON gate.bank_accounts TO keiyaku_sign;
GRANT SELECT (contract_id) ON gate.free_reissues TO keiyaku_sign;
GRANT SELECT (key, value) ON gate.readings TO keiyaku_sign;
