-- The least id of an instant is that of its millisecond, not of the nearest one: a range that begins at the instant holds
-- what was made at it. Bounds of partitions are whole seconds and stay as they are.
CREATE OR REPLACE FUNCTION keiyaku.uuid7_floor(at timestamptz) RETURNS uuid LANGUAGE sql IMMUTABLE STRICT AS $$
    SELECT (lpad(to_hex(floor(extract(epoch FROM at) * 1000)::bigint), 12, '0') || '00000000000000000000')::uuid
$$;
