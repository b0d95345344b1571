"""Every kind of evidence that records a decision under the Terms cites the version in force (T20-3)."""

import ast
import re
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path

import pytest

from sql import statements
from tests.architecture.ids import PACKAGES, ROOT
from tests.architecture.test_statements import MODULES

# Kinds that stand on no rule of the Terms, and so cite none. A decision under the Terms gives its `rule`.
NOT_UNDER_THE_TERMS = {
    "the standards decide": {
        "account.deactivated", "account.key_changed", "account.paused", "account.resumed", "account.updated",
        "authorization.deactivated", "authorization.validated", "caa.checked", "certificate.compromise_dated",
        "certificate.imported", "corroboration.missed", "crl.imported", "ct.list_read", "issuer.made",
        "issuer.reason_changed", "issuer.revoked", "key.blocked", "order.ended", "scts.recorded",
    },
    "a machine did it, and what it followed cites them": {
        "certificate.bundled", "certificate.signed", "certificate.voided", "crl.signed", "database.restored",
        "lint.refused", "precertificate.signed", "responder.made", "status.published",
    },
    "a ceremony, or an audit's": {
        "audit.certificate_examined", "audit.sample_asked", "audit.sample_drawn", "ceremony.begun", "ceremony.done",
        "ceremony.ended", "ceremony.prepared", "root_crl.prepared", "root_crl.signed",
    },
    "how the office shares its work, or keeps its own books": {
        "absence.ended", "absence.recorded", "books.closed", "desk.assigned", "desk.done", "desk.handed_over",
        "desk.snoozed", "limit.set",
    },
    "the facts it gives by hash hold the version": {"gate.decided"},
}  # fmt: skip
WITHOUT = set[str]().union(*NOT_UNDER_THE_TERMS.values())
# Statements that write evidence of such kinds. Any other takes the version from `evidence.cited`.
PLAIN = {
    "acme_server/accounts": {"change_key", "deactivate", "update_contacts"},
    "acme_server/authorizations": {"deactivate", "finish_validation", "insert_authorization"},
    "acme_server/orders": {"begin_issuance", "defer_issuance", "insert_order"},
    "ca/ct_storage": {"insert_final"}, "ca/log_lists": {"insert_log_list"}, "ca/signer": {"store_certificates"},
    "ca/signer_crl": {"store_crl"}, "ca/signer_ct": {"store_precertificates"}, "ca/signer_ocsp": {"store_responder"},
    "ca/storage": {"block_key", "date_compromise", "void"},
    "contract_gate/storage": {"record_admission", "record_refusal"}, "office/pages": {"resume"},
}  # fmt: skip
INSERTS = "INSERT INTO evidence.records"


@cache
def without_rule() -> set[str]:
    """Kinds that some call of the product's code records without a rule; `?` and the place for one that is not told."""
    paths = [path for top in PACKAGES for path in sorted((ROOT / top).rglob("*.py")) if path.name != "evidence.py"]
    return {kind for path in paths for kind in kinds_without_rule(path)}


def kinds_without_rule(path: Path) -> Iterator[str]:
    """The same of one file."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    constants = {node.targets[0].id: node.value for node in tree.body
                 if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name)}  # fmt: skip
    makers = {name.name for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) and node.module == "sql.evidence"
              for name in node.names} & {"entry", "entries"}  # fmt: skip
    for function in (node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)):
        given = {key.value for node in ast.walk(function) if isinstance(node, ast.Dict)
                 for key in node.keys if isinstance(key, ast.Constant)}  # fmt: skip
        for call in (node for node in ast.walk(function) if isinstance(node, ast.Call)):
            maker = made_by(call, makers)
            words = {word.arg for word in call.keywords} if maker == "entry" else given
            if maker and "rule" not in words:
                yield from told(call.args[0], constants) or {f"? {path.name}:{call.lineno}"}


def made_by(call: ast.Call, makers: set[str]) -> str | None:
    """`entry` or `entries` of sql.evidence, imported or as its attribute; None: something else is called."""
    match call.func:
        case ast.Name(id=name) if name in makers:
            return name
        case ast.Attribute(value=ast.Name(id="evidence"), attr=("entry" | "entries") as name):
            return name
    return None


def told(kind: ast.expr, constants: Mapping[str, ast.expr]) -> set[str]:
    """The kinds that an expression may be: texts in it, or the constant that it names."""
    if isinstance(kind, ast.IfExp):
        return told(kind.body, constants) | told(kind.orelse, constants)
    value = constants.get(kind.id) if isinstance(kind, ast.Name) else kind
    return {value.value} if isinstance(value, ast.Constant) and isinstance(value.value, str) else set()


@pytest.mark.rule("T20-3")
def test_a_decision_under_the_terms_gives_its_rule_and_so_cites_their_version() -> None:
    """A new kind gives the rule that it stands on, or says above why there is none."""
    assert without_rule() - WITHOUT == set()
    assert WITHOUT - without_rule() == set()


@pytest.mark.rule("T20-3")
def test_a_statement_that_writes_evidence_on_a_rule_cites_the_version() -> None:
    """Its own INSERT goes around sql.evidence.append, which cites it for everything else."""
    found = {
        module: {name for name, text in statements(module).items() if INSERTS in text and "evidence.cited(" not in text}
        for module in MODULES
    }
    assert {module: names for module, names in found.items() if names} == PLAIN


@pytest.mark.rule("T20-3")
def test_a_function_of_the_schema_that_writes_evidence_cites_the_version() -> None:
    schema = (ROOT / "sql" / "schema.sql").read_text(encoding="utf-8")
    writing = [text for text in re.split("^CREATE FUNCTION ", schema, flags=re.MULTILINE)[1:] if INSERTS in text]
    assert {text.split("(")[0]: "gate.terms_in_force(" in text for text in writing} == {
        "office.invoice_notice_queued": True, "gate.issue_invoice": True,
    }  # fmt: skip


def test_a_call_without_a_rule_is_seen(tmp_path: Path) -> None:
    source = tmp_path / "made.py"
    source.write_text(
        'from sql.evidence import entries, entry\nKIND = "c.done"\ndef f(kind):\n entry("a.done", x, now)\n'
        ' entry("b.done", x, now, rule="T4-5")\n entry(KIND, x, now)\n entry("d.done" if x else "e.done", x, now)\n'
        ' entry(kind, x, now)\n evidence.entry("h.done", x, now)\n crl.entry("i.done", x, now)\n'
        ' entries("f.done", x, now, [(None, {})])\n'
        'def g():\n entries("g.done", x, now, [(None, {"rule": "T4-5"})])\n',
        encoding="utf-8",
    )
    seen = {"a.done", "c.done", "d.done", "e.done", "f.done", "h.done", "? made.py:8"}
    assert {*kinds_without_rule(source)} == seen
