"""Every notice in both languages with every fixed word that a value may hold: no word of the other language (T26-1)."""

import re

import pytest

from contract_gate.articles import article_11_revocation
from contract_gate.articles.article_05_notices import KINDS
from contract_gate.articles.article_06_changes import Registered, register_changes
from contract_gate.readings import CHOICES
from office.use_cases import change_reports, changes, results, wording
from office.use_cases.notify import GIVEN, LANGUAGES, rendered
from office.use_cases.wording import WORDS, worded
from tests.architecture.ids import ROOT
from tests.conftest import NOW

# what people named or wrote, numbers, addresses and instants: the same in both languages
AS_IT_IS = {
    "address", "affected", "application", "certificates", "change", "covered_through", "credit", "deadline",
    "decided_at", "destroyed_on", "directory", "domain", "due_on", "effective_at", "email", "ended_on", "ends_at",
    "ends_on", "fails_on", "fee_yen", "findings", "forbidden_at", "found_at", "invoice", "issuance_opens_on",
    "key_sha256", "lapsed_on", "lapses_on", "learned_at", "measures", "open_yen", "plan", "portal", "reason",
    "received_at", "reporter", "request", "requested_at", "revoked_at", "revoked_by", "since", "starts_at", "total_yen",
    "version", "wanted",
}  # fmt: skip
# Of whose reader nobody knows the language.
BILINGUAL = {"caa_forbidden", "key_compromise_answer", "own_key_answer", "problem_report_answer"}
ENGLISH = re.compile(r"[A-Za-z]*[a-z]{2,}[A-Za-z_]*|[A-Za-z]+_[A-Za-z_]*")
NAMES = re.compile(r"ACME|Web|JST|iodef")  # in a Japanese text too
JAPANESE = re.compile(r"[぀-ヿ㐀-鿿＀-￯、。]")
EVERY = [
    (kind, name, word, language)
    for kind, name in [*WORDS, *((kind, "-") for kind in KINDS)]
    for word in WORDS.get((kind, name), ["-"])
    for language in LANGUAGES
]


def told(kind: str, language: str, name: str, word: str) -> str:
    """Subject and body, in Japanese without the paragraphs that are English for whoever reads no Japanese."""
    of = dict.fromkeys((*KINDS[kind].values, *GIVEN), "1")
    subject, body = rendered(kind, language, {**of, **({name: word} if name in of else {})})
    if language == "ja" and kind in BILINGUAL:
        subject = subject.split(" / ")[0]
        body = "\n\n".join(each for each in body.split("\n\n") if JAPANESE.search(each))
    return f"{subject}\n{body}"


@pytest.mark.rule("T26-1", "T5-5")
@pytest.mark.parametrize(("kind", "name", "word", "language"), EVERY)
def test_no_word_of_the_other_language_is_in_a_notice(kind: str, name: str, word: str, language: str) -> None:
    text = told(kind, language, name, word)
    assert (ENGLISH.findall(NAMES.sub("", text)) if language == "ja" else JAPANESE.findall(text)) == []
    if language == "en":
        assert "_" not in text


@pytest.mark.parametrize("kind", KINDS)
def test_of_every_value_it_is_known_whether_it_holds_fixed_words(kind: str) -> None:
    values = {name for name in KINDS[kind].values if (kind, name) not in WORDS}
    assert values <= AS_IT_IS


def test_every_fixed_word_there_is_has_its_words() -> None:
    texts = [(ROOT / path).read_text(encoding="utf-8") for path in ("sql/schema.sql", "sql/office/key_proofs.sql")]
    [deadlines] = re.findall(r"kind IN \((.*)\)\), -- a case may have two", texts[0])
    before = Registered("n", "p", "c", "s", None, None)
    changed = register_changes(before, Registered("N", "P", "C", "S", NOW.date(), "1"), "n")
    assert wording.GROUNDS.keys() == article_11_revocation.GROUNDS.keys()
    assert wording.ITEMS.keys() == {*changes.ITEMS, *change_reports.ITEMS, *changed}
    assert wording.RESULTS.keys() == {"revoked", "refused", results.NOTHING_LEFT}
    assert wording.DEADLINES.keys() == set(re.findall("'(.*?)'", deadlines))
    assert wording.CERTIFICATES.keys() == {*CHOICES["service_end.certs"]} - {"chosen"}
    owners = {said.replace("%s CA %s", f"{kind} CA").replace(" %s", "") for kind in ("root", "issuing")
              for said in re.findall(r"format\('(our .*?)'", texts[1])}  # fmt: skip
    assert wording.OWNERS.keys() == owners | {"the CT log"}


@pytest.mark.rule("T26-1")
@pytest.mark.parametrize(
    ("kind", "name", "value", "ja", "en"),
    [
        ("request_result", "result", "refused", "失効させませんでした", "refused"),
        ("certificate_revoked", "grounds", "misissued (A2.1)", "要件に適合しない発行 (利用規約第2条第1項)",
         "the certificate was not issued as the requirements demand (A2.1)"),
        ("certificate_revoked", "grounds", "conduct (A11.4.2)", "禁止行為 (利用規約第11条第4項第2号)",
         "prohibited conduct (A11.4.2)"),
        ("register_changed", "item", "name, street", "名称、町名・番地", "name, street"),
        ("deadline_in_danger", "subject", "result of a revocation 01a2", "失効のご請求の結果の通知 01a2",
         "result of a revocation 01a2"),
        ("own_key_proven", "whose", "our root CA the other root", "当認証局のルート the other root",
         "our root CA the other root"),
        ("invoice_issued", "invoice", "other", "other", "other"),
    ],
)  # fmt: skip
def test_fixed_words_are_told_and_names_stay(kind: str, name: str, value: str, ja: str, en: str) -> None:
    assert (worded(kind, name, value, "ja"), worded(kind, name, value, "en")) == (ja, en)


@pytest.mark.rule("T13-3")
def test_whoever_is_rescinded_hears_no_more_than_that() -> None:
    assert wording.GROUNDS["rescinded_antisocial"] == wording.GROUNDS["rescinded"]
