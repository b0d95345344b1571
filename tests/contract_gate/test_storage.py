"""The facts of a contract in PostgreSQL, and the record of what was decided."""

from contract_gate.decision import Admitted
from contract_gate.gate import decide
from contract_gate.storage import facts_of
from sql import Pool
from tests.contract_gate.arrange import NOW, good_contract, wanted


async def test_facts_of_a_good_contract_are_admitted(pool: Pool) -> None:
    async with pool.acquire() as conn:
        rows = await good_contract(conn)
        known = await facts_of(conn, rows.binding_key_id, ["www.demo.test", "127.0.0.1"], NOW)
    print(known.raw.decode())
    answer = decide(known, wanted("www.demo.test", "127.0.0.1"), NOW)
    assert isinstance(answer, Admitted)
    assert answer.contract_id == rows.contract_id
