"""The examples of Amazon's own documentation of Signature Version 4 for S3."""

from datetime import UTC, datetime

from acme_server.protocol.sigv4 import AccessKey, path_of, signed

KEY = AccessKey("AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", "us-east-1")
AT = datetime(2013, 5, 24, tzinfo=UTC)
HOST = "https://examplebucket.s3.amazonaws.com"


def signature(headers: dict[str, str]) -> str:
    return headers["authorization"].rpartition("Signature=")[2]


def test_get_object() -> None:
    made = signed(KEY, "GET", f"{HOST}/test.txt", {"Range": "bytes=0-9"}, b"", AT)
    assert signature(made) == "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41"
    assert "Credential=AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request," in made["authorization"]


def test_put_object() -> None:
    headers = {"Date": "Fri, 24 May 2013 00:00:00 GMT", "x-amz-storage-class": "REDUCED_REDUNDANCY"}
    made = signed(KEY, "PUT", f"{HOST}/test$file.text", headers, b"Welcome to Amazon S3.", AT)
    assert signature(made) == "98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd"
    assert path_of(f"{HOST}/test$file.text") == "/test%24file.text"
