"""The SDK's report on a manifest store, made small, typed and clean. Every text in it is a stranger's.

What the SDK concludes ("Valid", "Trusted", "Invalid") is left aside: integrity, trust and time are three
questions, and the status codes of C2PA 2.4, §15.2 "Validation status codes", answer each on its own.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from doctored.untrusted import clean

# Far above what a picture's history holds, so that nothing which matters hides behind a crowd.
MAX_ACTIONS = 10_000
MAX_INGREDIENTS = 1_000
MAX_MANIFESTS = 1_000
MAX_CODES = 64
MAX_NAME = 100

SOURCE_TYPES = ("cv.iptc.org/newscodes/digitalsourcetype/", "c2pa.org/digitalsourcetype/")

_TRUST_CODES = {
    "signingCredential.untrusted",
    "signingCredential.invalid",
    "signingCredential.expired",
    "signingCredential.ocsp.revoked",
    "signingCredential.ocsp.unknown",
    "claimSignature.outsideValidity",
}
_HARD_BINDINGS = {
    "assertion.dataHash.match",
    "assertion.bmffHash.match",
    "assertion.boxesHash.match",
    "assertion.collectionHash.match",
}
_CHANGED = {
    "claimSignature.mismatch",
    "hashedURI.mismatch",
    "assertion.hashedURI.mismatch",
    "assertion.dataHash.mismatch",
    "assertion.bmffHash.mismatch",
    "assertion.boxesHash.mismatch",
    "assertion.collectionHash.mismatch",
    "ingredient.hashedURI.mismatch",
    "ingredient.manifest.mismatch",
    "ingredient.claimSignature.mismatch",
}


class Integrity(StrEnum):
    INTACT = "intact"
    CHANGED = "changed_after_signing"
    UNREADABLE = "unreadable"


class Trust(StrEnum):
    """`NOT_TOLD`: a list is there, but an expired certificate is not looked up in it."""

    IN_LIST = "in_list"
    NOT_IN_LIST = "not_in_list"
    NO_LIST = "no_list"
    NOT_TOLD = "not_told"
    REVOKED = "revoked"


class Time(StrEnum):
    """`VALID_THEN` needs a time stamp, `UNKNOWN` is the answer where there is none.

    Of claims of version 1 the SDK takes any authority's time stamp, later it must be in the trust list.
    """

    VALID_THEN = "valid_then"
    EXPIRED = "expired_since"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Codes:
    """Status codes about one manifest, in three kinds."""

    success: frozenset[str] = frozenset()
    informational: frozenset[str] = frozenset()
    failure: frozenset[str] = frozenset()

    def integrity(self) -> Integrity:
        """Intact only where signature and content were both seen to fit, and nothing else is wrong."""
        broken = self.faults()
        if broken & _CHANGED:
            return Integrity.CHANGED
        has_proof = "claimSignature.validated" in self.success and self.success & _HARD_BINDINGS
        return Integrity.INTACT if has_proof and not broken else Integrity.UNREADABLE

    def faults(self) -> frozenset[str]:
        """What is wrong beside trust and time. CAWG's codes are about who endorses, not about the content."""
        return frozenset(code for code in self.failure - _TRUST_CODES if not code.startswith("cawg."))

    def trust(self, has_list: bool) -> Trust:
        if "signingCredential.ocsp.revoked" in self.failure:
            return Trust.REVOKED
        if not has_list:
            return Trust.NO_LIST
        if self.time() is Time.EXPIRED:
            return Trust.NOT_TOLD
        is_refused = self.failure & {"signingCredential.untrusted", "signingCredential.invalid"}
        is_listed = "signingCredential.trusted" in self.success and not is_refused
        return Trust.IN_LIST if is_listed else Trust.NOT_IN_LIST

    def time(self) -> Time:
        if self.failure & {"signingCredential.expired", "claimSignature.outsideValidity"}:
            return Time.EXPIRED
        stamped = {"timeStamp.validated", "timeStamp.trusted"} <= self.success
        return Time.VALID_THEN if stamped else Time.UNKNOWN

    def to_json(self) -> dict[str, list[str]]:
        return {
            name: sorted(codes)[:MAX_CODES]
            for name in ("success", "informational", "failure")
            if (codes := getattr(self, name))
        }


@dataclass(frozen=True, slots=True)
class Action:
    """`source` is the digital source type's last part; `is_attributed`: the signer itself answers for it."""

    name: str
    source: str | None
    agent: str | None
    when: str | None
    is_attributed: bool

    def to_json(self) -> dict[str, Any]:
        named = {
            "action": self.name,
            "digitalSourceType": self.source,
            "agent": self.agent,
            "when": self.when,
        }
        return {key: value for key, value in named.items() if value} | {
            "attributed_to_signer": self.is_attributed
        }


@dataclass(frozen=True, slots=True)
class Ingredient:
    """`manifest` is the label of its own manifest in the same store, where it has one."""

    title: str
    relationship: str
    manifest: str | None
    recorded: Codes


@dataclass(frozen=True, slots=True)
class Manifest:
    label: str
    title: str
    generator: str
    signer: str
    organisation: str
    serial: str
    algorithm: str
    signed_at: str | None
    claim_version: int
    actions: tuple[Action, ...]
    lists_all_actions: bool
    ingredients: tuple[Ingredient, ...]


@dataclass(frozen=True, slots=True)
class Store:
    """A manifest store: the active manifest, those of its ingredients, and codes about each by its label."""

    active: Manifest
    manifests: Mapping[str, Manifest]
    codes: Mapping[str, Codes]
    certificate: Mapping[str, str]

    def codes_of(self, label: str) -> Codes:
        return self.codes.get(label, Codes())


def read_store(report: Mapping[str, Any], certificate: Mapping[str, str]) -> Store:
    """The store in the SDK's JSON report; ValueError where it holds none that can be read."""
    found = _object(report.get("manifests"))
    active_label = report.get("active_manifest")
    if not isinstance(active_label, str) or active_label not in found:
        raise ValueError("it names no active manifest")
    # The active manifest goes first, so that a crowd of others cannot push it out.
    labels = [active_label, *(label for label in found if label != active_label)][:MAX_MANIFESTS]
    manifests = {label: _manifest(label, _object(found[label])) for label in labels}
    return Store(
        active=manifests[active_label],
        manifests=manifests,
        codes=_codes(_object(report.get("validation_results")), active_label, frozenset(manifests)),
        certificate={key: clean(value, MAX_NAME) for key, value in certificate.items()},
    )


def _manifest(label: str, value: Mapping[str, Any]) -> Manifest:
    signature = _object(value.get("signature_info"))
    assertions = [_object(item) for item in _list(value.get("assertions"))]
    version = value.get("claim_version")
    claim_version = version if isinstance(version, int) else 1
    actions = [item for item in assertions if str(item.get("label", "")).startswith("c2pa.actions")]
    return Manifest(
        label=label,
        title=_text(value.get("title")),
        generator=_generator(value),
        signer=_text(signature.get("common_name")) or _text(signature.get("issuer")),
        organisation=_text(signature.get("issuer")),
        serial=_text(signature.get("cert_serial_number")),
        algorithm=_text(signature.get("alg")),
        signed_at=_text(signature.get("time")) or None,
        claim_version=claim_version,
        actions=tuple(_actions(actions, claim_version))[:MAX_ACTIONS],
        lists_all_actions=bool(actions)
        and all(_object(item.get("data")).get("allActionsIncluded") is True for item in actions),
        ingredients=tuple(_ingredient(_object(item)) for item in _list(value.get("ingredients")))[
            :MAX_INGREDIENTS
        ],
    )


def _generator(value: Mapping[str, Any]) -> str:
    for info in map(_object, _list(value.get("claim_generator_info"))):
        return " ".join(filter(None, (_text(info.get("name")), _text(info.get("version")))))
    return _text(value.get("claim_generator"))


def _actions(assertions: list[Mapping[str, Any]], claim_version: int) -> Iterator[Action]:
    for assertion in assertions:
        # Claims of version 1 have one list, and the signer answers for all of it.
        is_attributed = claim_version == 1 or assertion.get("created") is True
        for item in map(_object, _list(_object(assertion.get("data")).get("actions"))):
            agent = item.get("softwareAgent")
            yield Action(
                name=_text(item.get("action")),
                source=_source(item),
                agent=_text(_object(agent).get("name") if isinstance(agent, Mapping) else agent) or None,
                when=_text(item.get("when")) or None,
                is_attributed=is_attributed,
            )


def _source(action: Mapping[str, Any]) -> str | None:
    """The last part of a digital source type that IPTC or C2PA defines; anything else as it stands."""
    parameters = _object(action.get("parameters"))
    stated = action.get("digitalSourceType") or parameters.get("digitalSourceType")
    if not isinstance(stated, str) or not stated:
        return None
    address = stated.strip().removeprefix("https://").removeprefix("http://")
    for prefix in SOURCE_TYPES:
        if address.lower().startswith(prefix):
            return _text(address[len(prefix) :].strip("/"))
    return _text(stated)


def _ingredient(value: Mapping[str, Any]) -> Ingredient:
    label = value.get("active_manifest")
    recorded = _object(_object(value.get("validation_results")).get("activeManifest"))
    return Ingredient(
        title=_text(value.get("title")),
        relationship=_text(value.get("relationship")),
        manifest=label if isinstance(label, str) else None,
        recorded=_gathered(_statuses(recorded)),
    )


def _codes(results: Mapping[str, Any], active: str, labels: frozenset[str]) -> dict[str, Codes]:
    """Codes by the manifest that they are about, which the address of each names."""
    by_label: dict[str, list[tuple[str, str]]] = {
        active: [(kind, code) for kind, code, _ in _statuses(_object(results.get("activeManifest")))]
    }
    for delta in map(_object, _list(results.get("ingredientDeltas"))):
        for kind, code, address in _statuses(_object(delta.get("validationDeltas"))):
            label = address.partition("/c2pa/")[2].partition("/")[0]
            if label in labels and label != active:
                by_label.setdefault(label, []).append((kind, code))
    return {label: _gathered((kind, code, "") for kind, code in found) for label, found in by_label.items()}


def _statuses(value: Mapping[str, Any]) -> Iterator[tuple[str, str, str]]:
    for kind in ("success", "informational", "failure"):
        for status in map(_object, _list(value.get(kind))):
            yield kind, _text(status.get("code")), str(status.get("url", ""))


def _gathered(statuses: Any) -> Codes:
    found: dict[str, set[str]] = {"success": set(), "informational": set(), "failure": set()}
    for kind, code, _ in statuses:
        found[kind].add(code)
    return Codes(*(frozenset(codes) for codes in found.values()))


def _text(value: Any) -> str:
    return clean(value, MAX_NAME) if isinstance(value, str) else ""


def _object(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []
