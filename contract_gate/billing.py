"""What the first certificate of a contract will cost, by the day on which it is signed (T8-3)."""

from datetime import datetime

from contract_gate.articles.article_08_payment import FeeBill, Term, fee_bill
from contract_gate.articles.article_12_term import term_start_of
from contract_gate.calendar import DAY, jst_date
from contract_gate.facts import Facts
from contract_gate.readings import of_contract


def drafts(facts: Facts, now: datetime) -> tuple[FeeBill, ...]:
    """The bills of a signing today and tomorrow, in Japan; none once the contract has started, or if it is free.

    Signing may fall past midnight; it never takes a day longer. T8-2, T8-3 [A8.1], T12-6.
    """
    contract = facts.contract
    if contract is None or contract.started_at is not None or contract.fee_yen == 0:
        return ()
    return tuple(_bill(facts, now + ahead) for ahead in (0 * DAY, DAY))


def _bill(facts: Facts, signed_at: datetime) -> FeeBill:
    contract = facts.contract
    assert contract is not None  # the caller looked
    start = term_start_of(contract, facts.predecessors, facts.readings, signed_at)
    frozen = of_contract(facts.readings, contract.accepted_at, signed_at)
    return fee_bill(contract.fee_yen, jst_date(signed_at), Term(start, contract.term_months), facts.tax_rates, frozen)
