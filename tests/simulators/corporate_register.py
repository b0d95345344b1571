"""Answers of the corporate-number register, as it sends them (法人番号 Web-API, version 4, type 12)."""

from xml.sax.saxutils import escape

FIELDS = (
    "sequenceNumber", "corporateNumber", "process", "correct", "updateDate", "changeDate", "name", "nameImageId",
    "kind", "prefectureName", "cityName", "streetNumber", "addressImageId", "prefectureCode", "cityCode", "postCode",
    "addressOutside", "addressOutsideImageId", "closeDate", "closeCause", "successorCorporateNumber", "changeCause",
    "assignmentDate", "latest", "enName", "enPrefectureName", "enCityName", "enAddressOutside", "furigana", "hihyoji",
)  # fmt: skip
RECORDED = {
    "sequenceNumber": "1", "corporateNumber": "7000012050002", "process": "01", "correct": "0",
    "updateDate": "2018-04-02", "changeDate": "2015-10-05", "name": "国税庁", "kind": "101",
    "prefectureName": "東京都", "cityName": "千代田区", "streetNumber": "霞が関３丁目１－１", "prefectureCode": "13",
    "cityCode": "101", "postCode": "1000013", "assignmentDate": "2015-10-05", "latest": "1",
    "enName": "National Tax Agency", "enPrefectureName": "Tokyo", "furigana": "コクゼイチョウ", "hihyoji": "0",
}  # fmt: skip


def answer(*rows: dict[str, str]) -> bytes:
    """An answer with these rows; each is the recorded one with fields changed."""
    made = "".join(
        "<corporation>"
        + "".join(f"<{f}>{escape({**RECORDED, **row}.get(f, ''))}</{f}>" for f in FIELDS)
        + "</corporation>"
        for row in rows
    )
    head = f"<lastUpdateDate>2026-11-20</lastUpdateDate><count>{len(rows)}</count><divideNumber>1</divideNumber>"
    text = f'<?xml version="1.0" encoding="UTF-8"?><corporations>{head}<divideSize>1</divideSize>{made}</corporations>'
    return text.encode()
