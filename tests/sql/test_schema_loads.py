from sql import Pool


async def test_schema_loads(pool: Pool) -> None:
    assert await pool.fetchval("SELECT count(*) FROM keiyaku.partitioned_tables()") == 8
