"""The fixed words in values of notices, in Japanese and in English; the Japanese governs (T26-1)."""

import re
from collections.abc import Mapping
from datetime import datetime
from types import MappingProxyType

from contract_gate.calendar import JST

Words = Mapping[str, tuple[str, str]]  # of a fixed word: in Japanese, in English

INSTANT = re.compile(r"\b[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]{1,6})?(?:\+00:00|Z)")
MORE = re.compile(r"(?<=[0-9a-f]) \+ ([0-9]+)$")  # behind the serial numbers that are listed
LISTED = ("certificates", "request")
CLAUSE = re.compile(r"\(A(\d+)\.(\d+)(?:\.(\d+))?\)")

RESULTS: Words = {  # T11-6
    "revoked": ("失効させました", "revoked"),
    "refused": ("失効させませんでした", "refused"),
    "nothing_left": ("失効させる有効な証明書は残っていませんでした", "no certificate was left to revoke"),
}
DEADLINES: Words = {  # T11-9
    "revocation": ("失効案件", "revocation"),
    "result of a revocation": ("失効のご請求の結果の通知", "result of a revocation"),
    "problem report": ("問題報告への回答", "problem report"),
}
CERTIFICATES: Words = {  # T23-3
    "revoke": ("終了日に失効", "revoked on that day"),
    "run_off": ("有効期限まで有効", "valid until they expire"),
}
ITEMS: Words = {  # T6-2, T6-5
    "organization": ("組織名", "organisation"),
    "name": ("名称", "name"),
    "address": ("所在地", "address"),
    "street": ("町名・番地", "street"),
    "representative": ("代表者", "representative"),
    "succession": ("地位の承継", "succession"),
    "successor": ("承継法人", "successor"),
    "closure": ("登記記録の閉鎖", "closure in the register"),
    "other": ("その他", "other"),
}
OWNERS: Words = {  # T11-13; a name follows
    "our root CA": ("当認証局のルート", "our root CA"),
    "our issuing CA": ("当認証局の発行局", "our issuing CA"),
    "our OCSP responder of": ("当認証局のOCSPレスポンダ", "our OCSP responder of"),
    "the CT log": ("CTログ", "the CT log"),
}
GROUNDS: Words = {  # of Article 11 and the BRs; of a rescission no more than that it is one (T13-3)
    "change_asked": ("証明書記載情報の変更（ご請求）", "certificate information changed, as you asked"),
    "change_learned": ("証明書記載情報の変更", "certificate information changed"),
    "name_lost_asked": ("記載名の使用終了（ご請求）", "a name is no longer yours, as you asked"),
    "name_lost_learned": ("記載名の使用終了", "a name is no longer yours"),
    "compromise_asked": ("秘密鍵の危殆化（ご請求）", "the private key is compromised, as you asked"),
    "compromise": ("秘密鍵の危殆化", "the private key is compromised"),
    "cancellation": ("解約", "cancellation"),
    "request": ("ご請求", "request"),
    "breach": ("規約その他の違反", "breach"),
    "conduct": ("禁止行為", "prohibited conduct"),
    "guideline_ignored": ("ガイドラインに基づく要請への不対応", "a request based on the guidelines was not met"),
    "unpaid": ("契約料金の不払い", "the fee is unpaid"),
    "dishonoured": ("手形または小切手の不渡り", "a bill or cheque was dishonoured"),
    "insolvency": ("差押え、破産等の申立て", "attachment or insolvency proceedings"),
    "damage": ("重大な損害", "serious damage"),
    "ca_key": ("認証局の鍵の危殆化", "the CA's key is compromised"),
    "rescinded": ("契約の解除", "the contract was rescinded"),
    "rescinded_antisocial": ("契約の解除", "the contract was rescinded"),
    "service_end": ("サービスの終了", "the service has ended"),
    "names_holder": ("記載名の保有者のご請求", "asked for by the holder of the names"),
    "unauthorised": ("許可のない証明書の申請", "the certificate was not authorised"),
    "weak_key": ("脆弱な鍵", "the key is weak"),
    "validation_unreliable": ("記載名の審査の不備", "the validation of the names cannot be relied on"),
    "non_compliant_key": ("要件に適合しない鍵", "the key does not comply with the requirements"),
    "misuse": ("証明書の不正使用", "the certificate was misused"),
    "misleading_wildcard": ("誤認を招くワイルドカード証明書", "a misleading wildcard certificate"),
    "misissued": ("要件に適合しない発行", "the certificate was not issued as the requirements demand"),
    "inaccurate": ("記載情報の誤り", "information in the certificate is inaccurate"),
    "right_to_issue_lost": ("発行資格の喪失", "the CA's right to issue has ended"),
    "cps": ("認証業務運用規程による失効", "the practice statement demands it"),
    "flawed_key_generation": ("鍵の生成方法の欠陥", "the method of generating the key is flawed"),
}
WORDS: Mapping[tuple[str, str], Words] = MappingProxyType(
    {
        ("request_result", "result"): RESULTS,
        ("certificate_revoked", "grounds"): GROUNDS,
        ("deadline_in_danger", "subject"): DEADLINES,
        ("service_end", "certificates"): CERTIFICATES,
        ("change_needs_contract", "item"): ITEMS,
        ("change_confirmed", "item"): ITEMS,
        ("register_changed", "item"): ITEMS,
        ("own_key_proven", "whose"): OWNERS,
        ("own_key_answer", "whose"): OWNERS,
    }
)


def worded(kind: str, name: str, value: str, language: str) -> str:
    """A value as people read it: yen in groups of three digits, instants by the minute in Japan, fixed words told."""
    if name.endswith("_yen") and value.isdecimal():
        return f"{int(value):,}"
    value = INSTANT.sub(lambda found: f"{datetime.fromisoformat(found[0]).astimezone(JST):%Y-%m-%d %H:%M JST}", value)
    if name in LISTED:
        value = MORE.sub(r"、ほか\1件" if language == "ja" else r", and \1 more", value)
    words = WORDS.get((kind, name))
    return value if words is None else _told(words, value, language)


def _told(words: Words, value: str, language: str) -> str:
    """Each part of a list may begin with a fixed word; what follows it is a name, an id or a clause."""
    said, comma = (0, "、") if language == "ja" else (1, ", ")
    fixed = "|".join(sorted(map(re.escape, words), key=len, reverse=True))
    part = re.compile(rf"(^|, )({fixed})(?=$|,| )")
    told = part.sub(lambda found: (comma if found[1] else "") + words[found[2]][said], value)
    return CLAUSE.sub(_article, told) if language == "ja" else told


def _article(found: re.Match[str]) -> str:
    """A clause as the Terms count theirs."""
    article, paragraph, item = found.groups()
    return f"(利用規約第{article}条第{paragraph}項{f'第{item}号' if item else ''})"
