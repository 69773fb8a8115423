"""A record and its preview as one card of a page. Light: the scanning parent imports this."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from doctored.page import document as page
from doctored.page.markup import Markup, tag
from doctored.records import Label
from doctored.scan.items import TINY_SIDE, Preview
from doctored.scan.sinks import printable
from doctored.scan.wording import lead, mark, strongest_first

MAX_DETAILS = 20_000  # characters; checks clip each text that they report well before that
Json = Mapping[str, Any]


def draw_card(record: Json, preview: Preview | None) -> Markup:
    """Everything the record says, each sentence once; text from files as text."""
    label = Label(record["verdict"])
    findings = record["findings"]
    return page.card(
        path_text(record["path"]),
        label,
        tag("p", printable(lead(record)), class_="verdict"),
        draw_findings(findings),
        draw_file(record, preview),
        draw_judgement(record),
        pictures=draw_pictures(record, preview) if record["error"] is None else (),
        is_row=True,
        says=badge_text(record),
        data_label=label.value,
        data_kinds=" ".join(kinds(record)),
        data_codes=" ".join(codes(record)),
    )


def path_text(path: str) -> Markup:
    """A path in a direction of its own, so that one in Hebrew does not turn what stands beside it."""
    return tag("bdi", printable(path))


def badge_text(record: Json) -> str:
    kind = f" · {record['kind'].replace('_', ' ')}" if record["kind"] else ""
    return f"{record['verdict']}{kind}"


def kinds(record: Json) -> list[str]:
    """The kinds of forgery that the verdict or a finding names."""
    named = [record["kind"], *(finding["kind"] for finding in record["findings"])]
    return sorted({kind for kind in named if kind})


def codes(record: Json) -> list[str]:
    """The codes of the findings and of the error."""
    error = [record["error"]["code"]] if record["error"] else []
    return sorted({*error, *(finding["code"] for finding in record["findings"])})


# ------------------------------------------------------------------------------------------------- pictures


def draw_pictures(record: Json, preview: Preview | None) -> Sequence[Markup]:
    if preview is None:
        return [page.blank("no preview")]
    path = printable(record["path"])
    is_tiny = max(record["width"], record["height"]) <= TINY_SIDE
    picture = page.picture(preview.picture, f"Preview of {path}")
    if not preview.overlays:
        return [page.figure(picture, kind="tiny" if is_tiny else "photo")]
    kind = "square" if is_tiny else "photo"
    detector = printable(preview.detector)
    alts = [f"Where {detector} finds evidence for {side} in {path}" for side in ("fake", "real")]
    return [
        page.figure(picture, "picture", kind="tiny" if is_tiny else "photo"),
        *(
            page.figure(page.picture(file, alt), f"for {side}", kind=kind)
            for file, alt, side in zip(preview.overlays, alts, ("fake", "real"), strict=True)
        ),
    ]


# -------------------------------------------------------------------------------------------------- findings


def draw_findings(findings: Sequence[Json]) -> Markup:
    if not findings:
        return Markup()
    return tag("ul", *(draw_finding(finding) for finding in strongest_first(findings)), class_="findings")


def draw_finding(finding: Json) -> Markup:
    says = finding["says"]
    sentence = tag(
        "p",
        tag("span", f"{mark(finding)}:", class_=f"mark {says}"),
        " ",
        tag("bdi", printable(finding["text"])),
    )
    summary = join_dots(tag("code", finding["code"]), printable(finding["check"]))
    about = page.facts(
        ("kind", finding["kind"]),
        ("score", finding["score"] is not None and f"{finding['score']:g}"),
        ("region", finding["region"] and "x {}, y {}, {}×{}".format(*finding["region"])),
        ("limits", printable(finding["limits"])),
    )
    details = tag("pre", draw_json(finding["details"]), tabindex=0) if finding["details"] else ""
    return tag("li", sentence, page.fold(summary, about, details), class_=says)


def draw_json(value: object) -> Markup:
    """JSON, indented, a string's control characters and direction marks shown as escapes."""
    text = json.dumps(value, ensure_ascii=False, indent=2)
    shown = "\n".join(printable(line) for line in text[:MAX_DETAILS].split("\n"))
    more = len(text) - MAX_DETAILS
    return tag("code", shown, f"\n… {more:,} characters more are in the record." if more > 0 else "")


def join_dots(*parts: object) -> Markup:
    return tag("span", *[piece for part in parts for piece in (" · ", part)][1:])


# ---------------------------------------------------------------------------------------- file and judgement


def draw_file(record: Json, preview: Preview | None) -> Markup:
    size = f"{record['width']}×{record['height']}" if record["width"] is not None else ""
    return page.facts(
        ("file", ", ".join(part for part in (record["format"], size) if part)),
        ("sha256", tag("code", record["sha256"]) if record["sha256"] else None),
        ("overlays", preview and preview.detector and f"evidence of {printable(preview.detector)}"),
        ("error", tag("code", record["error"]["code"]) if record["error"] else None),
    )


def draw_judgement(record: Json) -> Markup:
    policy = record["policy"]
    return page.fold(
        "How it was judged",
        page.facts(
            ("policy", printable(f"{policy['name']}, rule {policy['rule']}")),
            ("its digest", tag("code", policy["digest"])),
            ("why", " ".join(record["why"])),
            ("detectors", detectors_text(record["detectors"])),
            ("trust list", trust_list_text(record["trust_list"])),
            ("probability", record["probability"] is not None and f"{record['probability']:.4f} of fake"),
            ("Doctored", record["doctored"]),
            ("time", f"{record['ms']:.0f} ms"),
        ),
    )


def detectors_text(detectors: Sequence[Json]) -> str:
    named = [f"{used['name']} {used['version']}, budget {used['budget']:g}" for used in detectors]
    return printable("; ".join(named)) or "none"


def trust_list_text(trust_list: Json | None) -> str:
    if not trust_list:
        return "none"
    told = {
        name: ", ".join(map(str, value)) if isinstance(value, list) else value
        for name, value in trust_list.items()
    }
    return printable("; ".join(f"{name}: {value}" for name, value in told.items()))
