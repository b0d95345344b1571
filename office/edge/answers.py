"""What the page of a refusal says, in Japanese and English: the gate's class and what to do, nothing more (T0-1).

No amount, date, name or clause: whoever runs the customer's ACME client may read it (T16-1). G7 is neutral (T13-3).
"""

from collections.abc import Mapping
from types import MappingProxyType

import msgspec

from contract_gate.decision import Case, Gate


class Answer(msgspec.Struct, frozen=True):
    """Class and advice in both languages."""

    title_ja: str
    advice_ja: str
    title_en: str
    advice_en: str


UNDER_REVIEW = Answer(
    "契約確認中",
    "このご契約は確認中です。認証局の窓口へご連絡ください。",
    "Under review",
    "This contract is under review. Contact the CA.",
)
NO_CONTRACT = Answer(
    "契約",
    "このご契約では証明書を発行できません。認証局の窓口へご連絡ください。",
    "Contract",
    "No certificate can be issued under this contract. Contact the CA.",
)
RENEWAL = Answer(
    "契約期間",
    "ご契約の期間が終わりに達しました。契約の更新をお申し込みください。",
    "Term of the contract",
    "The term of this contract has come to its end. Apply for a renewal of the contract.",
)
CONSENT = Answer(
    "同意",
    "利用規定および CP/CPS への同意が登録されていません。お客様のご担当者が同意の手続きを行ってください。",
    "Consent",
    "Consent to the Terms and the CP/CPS is not on record. The customer's contact must give it.",
)
REVIEW = Answer(
    "審査",
    "組織の審査が完了していないか、期限を過ぎています。審査書類の提出を完了してください。",
    "Organisation validation",
    "The validation of the organisation is incomplete or out of date. Hand in what the CA asked for.",
)
BINDING = Answer(
    "バインディング鍵",
    "この ACME アカウントは有効なバインディング鍵 (EAB) でご契約に結び付けられていません。"
    "新しい鍵を受け取り、ACME クライアントを登録し直してください。",
    "Binding key",
    "This ACME account is not bound to a contract by a live binding key (EAB). Get a new key and register the client "
    "with it.",
)
NAMES = Answer(
    "ドメイン名",
    "要求された名前の一部がご契約に含まれていないか、契約数を超えています。"
    "要求する名前を見直すか、名前の追加をお申し込みください。",
    "Names",
    "Some of the requested names are not among those of the contract, or are more than it allows. Check the names, or "
    "apply for more.",
)
PAYMENT = Answer(
    "お支払い",
    "ご契約のお支払い期日が過ぎています。お支払いの確認後、証明書は自動的に発行できるようになります。",
    "Payment",
    "A payment for this contract is overdue. Pay it; issuance works again as soon as the payment is recorded.",
)
CHANGE = Answer(
    "証明書情報の変更",
    "組織に関する情報の変更手続きが完了していません。変更の手続きを完了してください。",
    "Changed information",
    "A change of the organisation's information is not settled. Complete its report with the CA.",
)
SUSPENDED = Answer(
    "サービス停止",
    "発行サービスを一時停止しています。操作は不要です。ACME クライアントが後で自動的に再試行します。",
    "Service suspended",
    "Issuance is suspended for a time. There is nothing to do: the ACME client tries again later.",
)

ANSWERS: Mapping[Gate, Answer] = MappingProxyType(
    {
        Gate.G1: NO_CONTRACT,
        Gate.G2: CONSENT,
        Gate.G3: REVIEW,
        Gate.G4: BINDING,
        Gate.G5: NAMES,
        Gate.G6: PAYMENT,
        Gate.G7: UNDER_REVIEW,
        Gate.G8: CHANGE,
        Gate.G9: SUSPENDED,
        Gate.G10: RENEWAL,
    }
)


def answer_to(gate: Gate, case: Case) -> Answer:
    """What the page says. A term that ran out points to renewal, every other end looks the same (T0-3)."""
    return RENEWAL if case is Case.RENEWAL_NEEDED else ANSWERS[gate]
