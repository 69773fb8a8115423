"""From what a manifest store holds to one finding: what it says, and what that is worth."""

from collections.abc import Iterator
from functools import partial
from itertools import islice
from typing import Any, NamedTuple

from doctored.checks.base import neutral
from doctored.checks.content_credentials.store import (
    Codes,
    Ingredient,
    Integrity,
    Manifest,
    Store,
    Time,
    Trust,
)
from doctored.checks.texts import LIMITS, sentence
from doctored.checks.texts.credentials import SAID, STANDINGS
from doctored.checks.trust import HOW_TO_ADD, UsedTrust
from doctored.records import Finding, Kind, Says, Strength
from doctored.untrusted import clean

CHECK = "content_credentials"
MAX_DEPTH = 8
MAX_LABEL_CHARACTERS = 100
MAX_SHOWN = 64

GENERATED, EDITED = "trainedAlgorithmicMedia", "compositeWithTrainedAlgorithmicMedia"
CAPTURES = {"digitalCapture", "computationalCapture"}
# C2PA 2.4, §18.15 "Actions": what these do is not "editorial". Resizing and colour are not among them, for
# the specification does not say so of them.
HARMLESS = {
    "c2pa.created",
    "c2pa.opened",
    "c2pa.published",
    "c2pa.repackaged",
    "c2pa.transcoded",
    "c2pa.converted",
    "c2pa.orientation",
}

_KIND_CODES = {
    Kind.GENERATED: ("credential_says_generated", "declares_generated_by_stranger"),
    Kind.EDITED_WITH_AI: ("credential_says_edited_with_ai", "declares_ai_edit_by_stranger"),
}

_neutral = partial(neutral, CHECK, LIMITS[CHECK])


class Statement(NamedTuple):
    """That a generator made the picture or part of it: who says so, and how far that one is trusted."""

    kind: Kind
    source: str
    manifest: Manifest
    trust: Trust
    is_attributed: bool


class Capture(NamedTuple):
    """That a camera took the picture; `is_unedited` where every step since is harmless and complete."""

    source: str
    is_unedited: bool
    is_attributed: bool
    actions: tuple[str, ...]


def judge(store: Store, used: UsedTrust) -> Finding:
    """The one finding about a store that could be read."""
    codes = store.codes_of(store.active.label)
    trust = codes.trust(bool(used.lists))
    details = describe(store, used)
    # What a trusted signer states comes first; else the order is that of the manifests.
    statement = min(_statements(store, trust), key=lambda one: one.trust is not Trust.IN_LIST, default=None)
    capture = _find_capture(store, store.active, MAX_DEPTH)
    if statement:
        details["statement"] = {
            "kind": statement.kind.value,
            "source": statement.source,
            "manifest": clean(statement.manifest.label, MAX_LABEL_CHARACTERS),
            "is_of_an_ingredient": statement.manifest is not store.active,
            "signer": _signer(statement.manifest),
            "trust": statement.trust.value,
            "attributed_to_signer": statement.is_attributed,
        }
    if codes.integrity() is Integrity.CHANGED:
        return _changed(statement, capture, details)
    if codes.integrity() is Integrity.UNREADABLE:
        return unreadable(", ".join(sorted(codes.faults())[:3]) or "nothing ties it to this file", details)
    if statement:
        return _says_ai(statement, details)
    if capture:
        return _says_captured(store, capture, trust, details)
    return _says_neither(store, trust, details)


def unreadable(reason: str, details: dict[str, Any]) -> Finding:
    """`reason` is clean already."""
    return _neutral("credential_unreadable", sentence("credential_unreadable", reason=reason), details)


def not_checked(url: str, details: dict[str, Any]) -> Finding:
    """For a credential that the file only refers to; `url` is clean already."""
    more = {
        "url": url,
        "how_to_check": "give the picture to a tool that fetches what it names, such as c2patool",
    }
    text = sentence("credential_not_checked", url=_quotable(url))
    return _neutral("credential_not_checked", text, details | more)


def describe_trust(used: UsedTrust) -> dict[str, Any]:
    """The trust list that was used, for `details`; how to add one, where there is none."""
    configured = used.to_json()
    if configured is not None:
        return {"trust_list": configured}
    return {"trust_list": None, "trust_list_hint": f"none is configured; add one with: {HOW_TO_ADD}"}


def describe(store: Store, used: UsedTrust) -> dict[str, Any]:
    """Everything about a store that an examiner wants, bounded."""
    active = store.active
    codes = store.codes_of(active.label)
    return {
        "integrity": codes.integrity().value,
        "trust": codes.trust(bool(used.lists)).value,
        "time": codes.time().value,
        **describe_trust(used),
        **_describe_manifest(active),
        "certificate": dict(store.certificate),
        "ingredients": list(islice(_describe_ingredients(store, active, MAX_DEPTH), MAX_SHOWN)),
        "codes": codes.to_json(),
    }


def _describe_manifest(manifest: Manifest) -> dict[str, Any]:
    named = {
        "manifest": clean(manifest.label, MAX_LABEL_CHARACTERS),
        "title": manifest.title,
        "generator": manifest.generator,
        "signer": manifest.signer,
        "organisation": manifest.organisation,
        "serial": manifest.serial,
        "algorithm": manifest.algorithm,
        "signed_at": manifest.signed_at,
    }
    return {key: value for key, value in named.items() if value} | {
        "actions": [action.to_json() for action in manifest.actions[:MAX_SHOWN]],
        "actions_in_all": len(manifest.actions),
        "lists_all_actions": manifest.lists_all_actions,
        "claim_version": manifest.claim_version,
    }


def _describe_ingredients(store: Store, manifest: Manifest, depth: int) -> Iterator[dict[str, Any]]:
    """An ingredient, then its own ones with their depth: a list, so that no reader must recurse."""
    for ingredient in manifest.ingredients if depth else ():
        own = store.manifests.get(ingredient.manifest or "")
        described = {
            "depth": MAX_DEPTH - depth + 1,
            "title": ingredient.title,
            "relationship": ingredient.relationship,
            "of": clean(manifest.label, MAX_LABEL_CHARACTERS),
        }
        if own is None:
            yield described | {"credential": None}
            continue
        codes = store.codes_of(own.label)
        yield described | {"credential": _describe_manifest(own), "codes": codes.to_json()}
        yield from _describe_ingredients(store, own, depth - 1)


# ------------------------------------------------------------------------------------------ what is stated


def _statements(store: Store, trust: Trust) -> Iterator[Statement]:
    """What the active manifest says of a generator, then what those of its ingredients say."""
    yield from _own_statements(store.active, trust)
    yield from _inherited(store, store.active, trust, is_part=False, depth=MAX_DEPTH, seen=set())


def _own_statements(manifest: Manifest, trust: Trust) -> Iterator[Statement]:
    for action in manifest.actions:
        if action.source == EDITED:
            kind = Kind.EDITED_WITH_AI
        elif action.source == GENERATED:
            is_whole = action.name == "c2pa.created" or not _begins_otherwise(manifest)
            kind = Kind.GENERATED if is_whole else Kind.EDITED_WITH_AI
        else:
            continue
        yield Statement(kind, action.source, manifest, trust, action.is_attributed)


def _begins_otherwise(manifest: Manifest) -> bool:
    """Whether the picture was there before a generator worked on it."""
    return any(
        action.name == "c2pa.opened" or (action.name == "c2pa.created" and action.source != GENERATED)
        for action in manifest.actions
    )


def _inherited(
    store: Store,
    manifest: Manifest,
    trust: Trust,
    *,
    is_part: bool,
    depth: int,
    seen: set[tuple[str, bool, Trust]],
) -> Iterator[Statement]:
    """A generated parent makes a generated picture, a generated component one that is so in part.

    What was only the input of a step (`inputTo`) is not in the picture. `seen` keeps manifests that share
    their ingredients from being walked along every path.
    """
    for ingredient in manifest.ingredients if depth else ():
        own = store.manifests.get(ingredient.manifest or "")
        if own is None or ingredient.relationship not in ("parentOf", "componentOf"):
            continue
        codes = store.codes_of(own.label)
        if codes.faults() or ingredient.recorded.faults():
            continue
        own_trust = trust if trust is not Trust.IN_LIST else _ingredient_trust(ingredient, codes)
        in_part = is_part or ingredient.relationship == "componentOf"
        if (place := (own.label, in_part, own_trust)) in seen:
            continue
        seen.add(place)
        for statement in _own_statements(own, own_trust):
            yield statement._replace(kind=Kind.EDITED_WITH_AI) if in_part else statement
        yield from _inherited(store, own, own_trust, is_part=in_part, depth=depth - 1, seen=seen)


def _ingredient_trust(ingredient: Ingredient, codes: Codes) -> Trust:
    """The SDK reports of an ingredient what differs from what was recorded when it was taken in."""
    refused = {"signingCredential.untrusted", "signingCredential.invalid"}
    if codes.time() is Time.EXPIRED:
        return Trust.NOT_TOLD
    if "signingCredential.trusted" in codes.success:
        return Trust.IN_LIST
    was_trusted = "signingCredential.trusted" in ingredient.recorded.success
    is_refused = (codes.failure | ingredient.recorded.failure) & refused
    return Trust.IN_LIST if was_trusted and not is_refused else Trust.NOT_IN_LIST


def _find_capture(store: Store, manifest: Manifest, depth: int) -> Capture | None:
    """A capture that the picture is, or comes from through its parents alone."""
    names = tuple(dict.fromkeys(action.name for action in manifest.actions if action.name))
    is_harmless = HARMLESS.issuperset(names) and not any(
        action.source and action.source not in CAPTURES for action in manifest.actions
    )
    is_attributed = all(action.is_attributed for action in manifest.actions)
    parents = [one for one in manifest.ingredients if one.relationship == "parentOf"]
    first = next((one for one in manifest.actions if one.name == "c2pa.created"), None)
    if first and first.source in CAPTURES:
        is_unedited = is_harmless and not manifest.ingredients
        return Capture(first.source or "", is_unedited, is_attributed, names)
    if depth == 0 or len(parents) != 1:
        return None
    parent = store.manifests.get(parents[0].manifest or "")
    before = _find_capture(store, parent, depth - 1) if parent else None
    if parent is None or before is None:
        return None
    codes = store.codes_of(parent.label)
    is_vouched = (
        not codes.faults()
        and not parents[0].recorded.faults()
        and _ingredient_trust(parents[0], codes) is Trust.IN_LIST
    )
    is_complete = is_harmless and manifest.lists_all_actions and len(manifest.ingredients) == 1
    return Capture(
        before.source,
        before.is_unedited and is_vouched and is_complete,
        before.is_attributed and is_attributed,
        tuple(dict.fromkeys(before.actions + names)),
    )


# ------------------------------------------------------------------------------------------------ findings


def _says_ai(statement: Statement, details: dict[str, Any]) -> Finding:
    vouched, stranger = _KIND_CODES[statement.kind]
    is_vouched = statement.trust is Trust.IN_LIST
    code = vouched if is_vouched else stranger
    return Finding(
        check=CHECK,
        code=code,
        says=Says.FAKE,
        strength=Strength.DECISIVE if is_vouched else Strength.WEAK,
        text=sentence(
            code,
            signer=_signer(statement.manifest),
            source=statement.source,
            standing=STANDINGS[statement.trust.value],
        ),
        kind=statement.kind,
        details=details,
        limits=LIMITS[CHECK],
    )


def _says_captured(store: Store, capture: Capture, trust: Trust, details: dict[str, Any]) -> Finding:
    details["capture"] = {"source": capture.source, "is_unedited": capture.is_unedited}
    signer = _signer(store.active)
    if trust is Trust.IN_LIST and not capture.is_unedited:
        actions = _quotable(", ".join(capture.actions[:8]))
        text = sentence("credential_says_edited", signer=signer, actions=actions)
        return _neutral("credential_says_edited", text, details)
    if trust is Trust.IN_LIST:
        code, variant = "credential_says_captured", "" if capture.is_attributed else "passed_on"
        text = sentence(code, variant, signer=signer, source=capture.source)
        # A signer answers for the assertions it created, not for those it gathered (C2PA 2.4, §10.3).
        strength = Strength.DECISIVE if capture.is_attributed else Strength.STRONG
        details["covers"] = ["generated", "tampered"]
    else:
        code, strength = "declares_capture_by_stranger", Strength.WEAK
        text = sentence(code, signer=signer, standing=STANDINGS[trust.value])
    return Finding(
        check=CHECK,
        code=code,
        says=Says.REAL,
        strength=strength,
        text=text,
        details=details,
        limits=LIMITS[CHECK],
    )


def _says_neither(store: Store, trust: Trust, details: dict[str, Any]) -> Finding:
    sources = [action.source for action in store.active.actions if action.source]
    variant = "ingredient" if _has_broken_ingredient(store) else "source" if sources else ""
    text = sentence(
        "credential_intact",
        variant,
        signer=_signer(store.active),
        standing=STANDINGS[trust.value],
        source=_quotable(", ".join(dict.fromkeys(sources[:3]))),
    )
    return _neutral("credential_intact", text, details)


def _has_broken_ingredient(store: Store) -> bool:
    recorded = any(one.recorded.faults() for each in store.manifests.values() for one in each.ingredients)
    others = (store.codes_of(label) for label in store.manifests if label != store.active.label)
    return recorded or any(codes.faults() for codes in others)


def _changed(statement: Statement | None, capture: Capture | None, details: dict[str, Any]) -> Finding:
    said = SAID[statement.kind.value] if statement else SAID["captured"] if capture else ""
    text = sentence("credential_changed_after_signing", "said" if said else "", said=said)
    return _neutral("credential_changed_after_signing", text, details)


def _signer(manifest: Manifest) -> str:
    """Who signed, fit to stand in quotation marks."""
    name = manifest.signer or "an unnamed signer"
    if manifest.organisation and manifest.organisation != name:
        name = f"{name} ({manifest.organisation})"
    return _quotable(name)


def _quotable(text: str) -> str:
    """Without the marks that the sentences quote with, so that it cannot speak in our name."""
    return text.replace("“", "'").replace("”", "'")
