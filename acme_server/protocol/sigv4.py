"""AWS Signature Version 4, as S3-compatible buckets ask for it (pure)."""

import hmac
from collections.abc import Mapping
from datetime import datetime
from hashlib import sha256
from urllib.parse import quote, urlsplit

import msgspec

ALGORITHM, SERVICE = "AWS4-HMAC-SHA256", "s3"


class AccessKey(msgspec.Struct, frozen=True):
    """Who asks, and where."""

    id: str
    secret: str
    region: str


def signed(
    key: AccessKey, method: str, url: str, headers: Mapping[str, str], body: bytes, now: datetime
) -> dict[str, str]:
    """The headers to send: those given, and host, date, the body's digest and the signature over all of them.

    `url` has no query; its path is signed, and must be sent, as `path_of` escapes it.
    """
    digest, at = sha256(body).hexdigest(), f"{now:%Y%m%dT%H%M%SZ}"
    sent = {name.lower(): " ".join(value.split()) for name, value in headers.items()}
    sent |= {"host": urlsplit(url).netloc, "x-amz-content-sha256": digest, "x-amz-date": at}
    names = ";".join(sorted(sent))
    lines = "".join(f"{name}:{sent[name]}\n" for name in sorted(sent))
    request = f"{method}\n{path_of(url)}\n\n{lines}\n{names}\n{digest}"
    scope = f"{at[:8]}/{key.region}/{SERVICE}/aws4_request"
    text = f"{ALGORITHM}\n{at}\n{scope}\n{sha256(request.encode()).hexdigest()}"
    signature = hmac.new(signing_key(key, at[:8]), text.encode(), sha256).hexdigest()
    sent["authorization"] = f"{ALGORITHM} Credential={key.id}/{scope}, SignedHeaders={names}, Signature={signature}"
    return sent


def path_of(url: str) -> str:
    """The path, each octet escaped that is neither unreserved nor a slash."""
    return quote(urlsplit(url).path or "/", safe="/~")


def signing_key(key: AccessKey, day: str) -> bytes:
    """The key of one day, region and service."""
    made = f"AWS4{key.secret}".encode()
    for part in (day, key.region, SERVICE, "aws4_request"):
        made = hmac.new(made, part.encode(), sha256).digest()
    return made
