"""The script of a key ceremony (pure): what is done in which order, and what is signed in each step.

The root's key signs in three steps only, for one more issuing CA in one, each acknowledged by two people before it does
(C-117). What a step signs is checked exactly before it is shown, and again before it is signed.
"""

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from datetime import datetime
from enum import StrEnum
from typing import Protocol

import msgspec
from cryptography import x509

from ca import hierarchy
from ca.authority_linting import Authority, lint_authority, lint_crl
from ca.certificate import Issuer, assemble
from ca.hierarchy import ISSUING, ROOT, Names
from ca.keys import KeyUnusable, SigningKey


class Vault(Protocol):
    """Where keys are made and found: a token or a folder."""

    def describe(self) -> str:
        """What and where it is, for the transcript."""

    def has(self, label: str) -> bool:
        """Whether there is a key with this label."""

    def make(self, label: str) -> None:
        """There is a key with this label; there was none before, or it raises KeyUnusable."""

    def open(self, label: str) -> AbstractContextManager[SigningKey]:
        """The key, until the end of the block. Raises KeyUnusable."""


class Step(StrEnum):
    """In their order."""

    BEGIN = "begin"
    ROOT_KEY = "root-key"
    ROOT_CERTIFICATE = "root-certificate"
    ISSUING_KEY = "issuing-key"
    ISSUING_CERTIFICATE = "issuing-certificate"
    ROOT_CRL = "root-crl"
    ISSUING_CRLS = "issuing-crls"
    PUBLISH = "publish"


class Successor(msgspec.Struct, frozen=True):
    """One more issuing CA below a root that there is: the numbers of both, and from when it issues (None: at once).

    `root_status_url`: as the root has it, where its CRL and certificate are.
    """

    number: int
    root_number: int
    root_status_url: str
    issues_from: datetime | None


class Script(msgspec.Struct, frozen=True, omit_defaults=True):
    """What a ceremony will make, and where. Without `successor` it is the first: root and issuing CA."""

    names: Names
    shard_count: int
    root_place: str
    issuing_place: str
    successor: Successor | None = None

    @property
    def steps(self) -> tuple[Step, ...]:
        """In their order."""
        return tuple(Step) if self.successor is None else SUCCESSION

    def number(self, role: int) -> int:
        """The number of the root (role ROOT) or of the issuing CA (role ISSUING)."""
        if self.successor is None:
            return role
        return self.successor.root_number if role == ROOT else self.successor.number


SUCCESSION = (Step.BEGIN, Step.ISSUING_KEY, Step.ISSUING_CERTIFICATE, Step.ISSUING_CRLS, Step.PUBLISH)
TEXTS: Mapping[Step, str] = {
    Step.BEGIN: "Find both places free of CA keys, and write down who is here and what will be made.",
    Step.ROOT_KEY: "Make the root's key {root_label} in its place.",
    Step.ROOT_CERTIFICATE: "The root signs its own certificate, {root}: {root_days} days.",
    Step.ISSUING_KEY: "Make the issuing CA's key {issuing_label} in its place.",
    Step.ISSUING_CERTIFICATE: "The root signs the certificate of {issuing}: {issuing_days} days.",
    Step.ROOT_CRL: "The root signs its first CRL. Its key signs nothing more; take it off line after this step.",
    Step.ISSUING_CRLS: "The issuing CA signs the first CRL of each of its {shards} shards.",
    Step.PUBLISH: "Put certificates and CRLs into the database: the issuing CA issues from then on.",
}
OF_SUCCESSION: Mapping[Step, str] = {
    **TEXTS,
    Step.BEGIN: "Find {root_label} in the root's place and no {issuing_label} in the other, and write down who is here "
    "and what will be made.",
    Step.ISSUING_CERTIFICATE: "{root} signs the certificate of {issuing}: {issuing_days} days, or until its own end. "
    "Its key signs nothing more; take it off line after this step.",
    Step.PUBLISH: "Put certificate and CRLs into the database: {issuing} issues from {starts} on.",
}
KEYS: Mapping[Step, int] = {Step.ROOT_KEY: ROOT, Step.ISSUING_KEY: ISSUING}
SIGNERS: Mapping[Step, int] = {  # whose key signs in a step; the root's in no other (C-117)
    Step.ROOT_CERTIFICATE: ROOT,
    Step.ISSUING_CERTIFICATE: ROOT,
    Step.ROOT_CRL: ROOT,
    Step.ISSUING_CRLS: ISSUING,
}
Results = Mapping[
    Step, Sequence[bytes]
]  # of each step that is done, or was by a ceremony before: SPKI, certificate or CRLs


def text_of(step: Step, script: Script) -> str:
    """What a step does, as it is read out."""
    texts, starts = (TEXTS, None) if script.successor is None else (OF_SUCCESSION, script.successor.issues_from)
    return texts[step].format(
        root=script.names.root, issuing=script.names.issuing, shards=script.shard_count,
        root_label=label(script, ROOT), issuing_label=label(script, ISSUING),
        root_days=hierarchy.ROOT_LIFETIME.days, issuing_days=hierarchy.ISSUING_LIFETIME.days,
        starts="then" if starts is None else f"{starts:%Y-%m-%dT%H:%M:%SZ}",
    )  # fmt: skip


def label(script: Script, role: int) -> str:
    """What the key of root or issuing CA is called."""
    return hierarchy.key_label(script.number(role))


def role_of(step: Step) -> int | None:
    """Whose key is made or signs in the step, ROOT's or ISSUING's; None: no key is opened."""
    return {**KEYS, **SIGNERS}.get(step)


def read_out(script: Script) -> str:
    """The whole script."""
    names = script.names
    head = [
        f"CA: {names.organization}, {names.country}. Status: {names.status_url}",
        f"Root's key: {script.root_place}",
        f"Issuing CA's key: {script.issuing_place}",
    ]
    return "\n".join(
        head + [f"{number}. {step}: {text_of(step, script)}" for number, step in enumerate(script.steps, start=1)]
    )


def to_sign(step: Step, script: Script, done: Results, at: datetime) -> list[bytes]:
    """What is signed in the step, made at `at` (whole seconds) and checked. Empty where nothing is signed."""
    match step:
        case Step.ROOT_CERTIFICATE:
            made = [hierarchy.root_tbs(script.names, script.names.root, done[Step.ROOT_KEY][0], at)]
        case Step.ISSUING_CERTIFICATE:
            subject = hierarchy.distinguished_name(script.names, script.names.issuing)
            made = [hierarchy.subordinate_tbs(subject, done[Step.ISSUING_KEY][0], root_of(script, done), at)]
        case Step.ROOT_CRL:
            made = hierarchy.first_crl_bodies(root_of(script, done), at, of_root=True)
        case Step.ISSUING_CRLS:
            made = hierarchy.first_crl_bodies(issuing_of(script, done), at, of_root=False)
        case _:
            made = []
    check(step, script, done, made, at, at)
    return made


def check(
    step: Step, script: Script, done: Results, tbs: Sequence[bytes], prepared_at: datetime, now: datetime
) -> None:
    """What was prepared is exactly what the step may sign now. C-064, C-114 to C-116. Raises LintError."""
    names = script.names
    match step:
        case Step.ROOT_CERTIFICATE:
            spki = done[Step.ROOT_KEY][0]
            wanted = Authority(names.country, names.organization, names.root, spki, None, prepared_at)
            lint_authority(wanted, tbs[0], now)
        case Step.ISSUING_CERTIFICATE:
            spki, parent = done[Step.ISSUING_KEY][0], root_of(script, done)
            wanted = Authority(names.country, names.organization, names.issuing, spki, parent, prepared_at)
            lint_authority(wanted, tbs[0], now)
        case Step.ROOT_CRL:
            for shard, each in enumerate(tbs):
                lint_crl(root_of(script, done), shard, each, now, of_root=True)
        case Step.ISSUING_CRLS:
            for shard, each in enumerate(tbs):
                lint_crl(issuing_of(script, done), shard, each, now, of_root=False)
        case Step.BEGIN | Step.ROOT_KEY | Step.ISSUING_KEY | Step.PUBLISH:
            return


def perform(step: Step, script: Script, vault: Vault, done: Results, tbs: Sequence[bytes]) -> list[bytes]:
    """What the step makes with the keys of `vault`. A key that an interrupted run made is taken, not made again.

    Raises KeyUnusable and KeyAway: then nothing was signed.
    """
    if step in KEYS:
        name = label(script, KEYS[step])
        if not vault.has(name):
            vault.make(name)
        with vault.open(name) as key:
            return [key.spki]
    if step not in SIGNERS:
        return []
    with vault.open(label(script, SIGNERS[step])) as key:
        if key.spki != done[Step.ROOT_KEY if SIGNERS[step] == ROOT else Step.ISSUING_KEY][0]:
            raise KeyUnusable("the key is another one than the ceremony made")
        return [assemble(each, key.sign(each)) for each in tbs]


def root_of(script: Script, done: Results) -> Issuer:
    """The root."""
    certificate = x509.load_der_x509_certificate(done[Step.ROOT_CERTIFICATE][0])
    names, found = script.names, script.successor
    if found is not None:
        names = msgspec.structs.replace(names, status_url=found.root_status_url)
    return hierarchy.issuer_from(script.number(ROOT), names, names.root, certificate, 1)


def issuing_of(script: Script, done: Results) -> Issuer:
    """The issuing CA."""
    certificate = x509.load_der_x509_certificate(done[Step.ISSUING_CERTIFICATE][0])
    names = script.names
    return hierarchy.issuer_from(script.number(ISSUING), names, names.issuing, certificate, script.shard_count)
