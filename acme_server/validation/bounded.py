"""Answers of others, read up to a limit."""

from aiohttp import ClientResponse

CHUNK = 1 << 16


async def whole(answer: ClientResponse, most: int) -> bytes | None:
    """The body; None when it is longer than `most` octets, of which no more are read than one chunk."""
    content = bytearray()
    async for chunk in answer.content.iter_chunked(CHUNK):
        content += chunk
        if len(content) > most:
            return None
    return bytes(content)
