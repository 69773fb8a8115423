"""Reading a policy's table: from what ships, from a file of one's own, from another process."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

from doctored.errors import UsageError
from doctored.records import Label
from doctored.spelling import suggest
from doctored.verdict.facts import FACTS, IMPLIED
from doctored.verdict.policy import Policy, Row

SCHEMA = 1
DEFAULT = "careful"
FOLDER = Path(__file__).parent / "policies"
MAX_BYTES = 2**20
MAX_NAME = 64
_POLICY_KEYS = {"schema", "name", "text", "row"}
_ROW_KEYS = {"rule", "when", "unless", "label", "text"}


def shipped_policies() -> list[str]:
    """The names of the policies that ship, sorted."""
    return sorted(path.stem for path in FOLDER.glob("*.toml"))


def load_policy(name_or_path: str = DEFAULT) -> Policy:
    """A shipped policy by name, or one's own from a TOML file. Raises UsageError.

    A name that ships is that policy, whatever files there are.
    """
    if name_or_path in shipped_policies():
        return _load_shipped(name_or_path)
    path = Path(name_or_path)
    if not name_or_path.endswith(".toml") and not path.exists():
        hint = suggest(name_or_path, shipped_policies())
        raise UsageError(f"there is no policy called {name_or_path!r}; {hint}")
    try:
        with path.open("rb") as stream:
            data = stream.read(MAX_BYTES + 1)
        if len(data) > MAX_BYTES:
            raise UsageError(f"the policy {name_or_path} is larger than 1 MiB; give a policy's TOML file")
        text = data.decode("utf-8")
    except OSError as error:
        reason = error.strerror or error
        raise UsageError(f"the policy {name_or_path} cannot be read ({reason}); check the path") from error
    except UnicodeDecodeError as error:
        raise UsageError(f"the policy {name_or_path} is not UTF-8; save it as such") from error
    policy = parse_policy(text, origin=name_or_path)
    if policy.name in shipped_policies() and policy != _load_shipped(policy.name):
        raise UsageError(
            f"the policy {name_or_path} is called {policy.name!r}, as one that ships, and differs from it; "
            "give it a name of its own"
        )
    return policy


@lru_cache(maxsize=8)
def _load_shipped(name: str) -> Policy:
    return parse_policy((FOLDER / f"{name}.toml").read_text("utf-8"), origin=name)


def parse_policy(text: str, origin: str = "policy") -> Policy:
    """Read and check a policy's TOML. Raises UsageError: unknown keys or facts, rows that cannot be reached,
    no last row that always fits, or a table that could call a picture real which nobody examined."""
    import tomllib  # late, for workers are given the table, not its text

    try:
        document = tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise UsageError(f"the policy {origin} is not TOML ({error}); mend that line") from error
    return _checked(document, origin)


def restore_policy(table: str) -> Policy:
    """The policy whose `table` this is, as another process has read it. Raises UsageError."""
    return _checked(json.loads(table), "policy")


def _checked(document: dict[str, Any], origin: str) -> Policy:
    try:
        return _validated(document)
    except ValueError as error:
        raise UsageError(f"the policy {origin} is broken: {error}") from None


def _validated(document: dict[str, Any]) -> Policy:
    _check_keys(document, _POLICY_KEYS, required=_POLICY_KEYS, where="the table")
    if document["schema"] != SCHEMA:
        raise ValueError(f"it has schema {document['schema']!r}, this version reads {SCHEMA}; write {SCHEMA}")
    if not isinstance(document["row"], list) or not all(isinstance(row, dict) for row in document["row"]):
        raise ValueError("its rows are not tables; begin each with [[row]]")
    rows = tuple(_row(row, number) for number, row in enumerate(document["row"], start=1))
    _check_order(rows)
    name = _text(document, "name", "the table")
    if not name.isprintable() or len(name) > MAX_NAME:
        raise ValueError(f"its name is not one line of at most {MAX_NAME} characters; shorten it")
    table = json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    digest = hashlib.sha256(table.encode()).hexdigest()
    return Policy(name, _text(document, "text", "the table"), rows, table, digest)


def _row(row: dict[str, Any], number: int) -> Row:
    where = f"row {number}"
    _check_keys(row, _ROW_KEYS, required=_ROW_KEYS - {"unless"}, where=where)
    rule, text, label = (_text(row, key, where) for key in ("rule", "text", "label"))
    if not rule.isidentifier() or rule != rule.lower():
        raise ValueError(f"{where} is called {rule!r}; a rule's name is snake_case")
    if label not in list(Label):
        raise ValueError(f"{where} has the label {label!r}; use one of {', '.join(Label)}")
    if {"{", "}"} & set(text.replace("{because}", "")):
        raise ValueError(f"the text of {where} may hold {{because}} and no other brace")
    when, unless = (_facts(row.get(key, []), where) for key in ("when", "unless"))
    if _known(when) & set(unless):
        raise ValueError(f"{where} asks for a fact and against it; take it out of one of the two")
    return Row(rule, when, unless, Label(label), text)


def _check_order(rows: tuple[Row, ...]) -> None:
    if not rows or rows[-1].when or rows[-1].unless:
        raise ValueError("its last row must fit always; give it an empty `when` and no `unless`")
    for number, row in enumerate(rows):
        for earlier in rows[:number]:
            if _known(row.when).issuperset(earlier.when) and set(earlier.unless) <= set(row.unless):
                raise ValueError(
                    f"the rule {row.rule} is never reached, for {earlier.rule} always fits before it; "
                    "change their order"
                )
    names = [row.rule for row in rows]
    if len(set(names)) != len(names):
        raise ValueError("two rows have the same rule; give each its own name")
    for facts in (frozenset({"unexamined"}), frozenset[str]()):
        first = next(row for row in rows if row.fits(facts))
        if first.label is Label.REAL:
            raise ValueError(f"the rule {first.rule} calls a picture real without a sign; label it unsure")


def _known(when: Sequence[str]) -> frozenset[str]:
    """All facts that hold where these do."""
    return frozenset(when).union(*(IMPLIED.get(fact, ()) for fact in when))


def _check_keys(table: Mapping[str, Any], known: set[str], required: set[str], where: str) -> None:
    for key in table:
        if key not in known:
            raise ValueError(f"{where} has the unknown key {key!r}; {suggest(key, sorted(known))}")
    if missing := sorted(required - set(table)):
        raise ValueError(f"{where} lacks {missing[0]!r}; add it")


def _text(table: Mapping[str, Any], key: str, where: str) -> str:
    if not isinstance(table[key], str) or not table[key]:
        raise ValueError(f"{key!r} of {where} is not a text; put it in quotes")
    return str(table[key])


def _facts(names: object, where: str) -> tuple[str, ...]:
    if not isinstance(names, list):
        raise ValueError(f"the facts of {where} are not a list; write them in brackets")
    for name in names:
        if name not in FACTS:
            raise ValueError(f"{where} asks for the unknown fact {name!r}; {suggest(str(name), FACTS)}")
    return tuple(names)
