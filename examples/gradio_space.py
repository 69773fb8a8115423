"""The shelf as a small web app: give it a picture, read the verdict, the reasons and the limits.

    pip install -r requirements.txt
    python gradio_space.py              # then open the address that it prints

It is ready for a hosted space (docs/hub.md). Nothing leaves the machine that it runs on: the analytics of
Gradio are off, fonts come from the system, and a content policy forbids the page every other address.
Uploads are opened by Doctored alone, in a process with limits, and are deleted within the hour.
"""

import os

os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"  # read while gradio is imported

from pathlib import Path
from typing import Any

import gradio
from starlette.middleware import Middleware
from starlette.types import ASGIApp, Message, Receive, Scope, Send

import doctored
from doctored.demo.photos import PHOTOS, find_photos
from doctored.detector import Card
from doctored.detector.shelf import shelf
from doctored.page.markup import Markup, escape, join, tag
from doctored.picture import Limits

SUFFIXES = [".jpg", ".jpeg", ".png", ".webp", ".tif", ".tiff", ".gif", ".bmp", ".avif"]
LIMITS = Limits(max_bytes=32 << 20, max_pixels=40_000_000, time_s=20)
KEPT_S = 3600
THEME = gradio.themes.Base(font=["system-ui", "sans-serif"], font_mono=["ui-monospace", "monospace"])
POLICY = (
    b"default-src 'self' data: blob: 'unsafe-inline' 'unsafe-eval'; form-action 'self'; object-src 'none'"
)
HEADLINES = {"fake": "Fake", "real": "Real", "unsure": "Unsure"}
NOT = """\
- **`unsure` is an answer.** A detector knows what it was trained on and abstains elsewhere. That no sign
  was found never means `real`.
- **Not proof.** A verdict is what the checks found, with a share of errors that was bought on data. Who
  knows a detector can make pictures that it misjudges.
- **Not about truth.** A real photo can be staged or captioned falsely; a generated picture can be honest.
"""


def judge(path: str | None) -> tuple[str, Any]:
    """The verdict on the picture at `path` as HTML, and the sheet with both overlays, uint8 [H, W, 3], where
    a detector knows such pictures."""
    if path is None:
        return tell("Give a picture first."), None
    record = next(iter(doctored.scan(path, limits=LIMITS, workers=1, stability=True)), None)
    if record is None:
        return tell("There is no picture in this file."), None
    return make_inert(describe(record)), draw_overlays(path, record)


def draw_overlays(path: str, record: dict[str, Any]) -> Any:
    """Of the first detector inside its domain; the scan has shown that this picture can be decoded."""
    for finding in record["findings"]:
        name = finding["check"].removeprefix("detector:")
        if name != finding["check"] and finding["code"] not in ("outside_domain", "could_not_check"):
            return doctored.explain(path, name).sheet()
    return None


def describe(record: dict[str, Any]) -> str:
    """A record in plain words. Every text in it is escaped: some come from the picture's metadata."""
    if record["error"] is not None:
        return tell(f"Not examined: {record['error']['message']}")
    reasons = [
        tag("li", tag("strong", weigh(finding)), " ", finding["text"], limits_of(finding))
        for finding in record["findings"]
    ]
    probability = record["probability"]
    return join(
        tag("h2", HEADLINES[record["verdict"]]),
        tag("p", record["text"]),
        tag("p", f"Probability of fake: {probability:.3f}.") if probability is not None else "",
        tag("h3", "What was found"),
        tag("ul", *reasons),
        tag("p", tag("small", f"sha256 of the file: {record['sha256']}")),
    )


def make_inert(html: str) -> str:
    """The same, for a component that fills templates: what a file says must not become part of one."""
    return html.replace("$", "&#36;").replace("{", "&#123;")


def weigh(finding: dict[str, Any]) -> str:
    return (
        "Neutral." if finding["strength"] == "none" else f"{finding['strength'].title()} {finding['says']}."
    )


def limits_of(finding: dict[str, Any]) -> Markup:
    return (
        tag("details", tag("summary", "What this cannot see"), finding["limits"])
        if finding["limits"]
        else escape("")
    )


def tell(sentence: str) -> str:
    return tag("p", sentence)


def describe_shelf() -> str:
    """What each detector that is asked knows, and what it cannot do."""
    return join(
        tag("h3", "The detectors here"),
        tag("ul", *(describe_detector(entry.card) for entry in shelf() if entry.is_default)),
        tag(
            "p",
            "Beside them a picture's Content Credentials, metadata, JPEG history and structure are read.",
        ),
    )


def describe_detector(card: Card) -> str:
    name = tag("strong", f"{card.name} {card.version}")
    return tag("li", name, f" knows only {card.domain.text}. {card.card.limits}")


def examples() -> dict[str, str]:
    """Paths by caption: thumbnails that ship with the detectors, photos that ship inside pip packages."""
    thumbnails = [
        entry.golden.parent / name
        for entry in shelf()
        if entry.is_default and entry.golden
        for name in ("fake-03.jpg", "real-01.jpg")
    ]
    found = {f"CIFAKE, {path.stem.split('-')[0]}": path for path in thumbnails if path.is_file()}
    installed = find_photos()
    found |= {
        f"{photo.shows} ({photo.credit})": installed[photo.name]
        for photo in PHOTOS
        if photo.name in installed
    }
    return {caption: str(path) for caption, path in found.items()}


def build() -> gradio.Blocks:
    shown = examples()
    with gradio.Blocks(title="Doctored", analytics_enabled=False, delete_cache=(KEPT_S, KEPT_S)) as app:
        gradio.Markdown(
            "# Doctored\nIs this picture what it claims to be? `real`, `fake` or `unsure`, and why."
        )
        with gradio.Row():
            with gradio.Column():
                # A file, not gradio.Image: no decoder but Doctored's opens what comes from outside.
                upload = gradio.File(label="A picture", file_types=SUFFIXES, type="filepath")
                ask = gradio.Button("Judge", variant="primary")
                gradio.Examples([[path] for path in shown.values()], [upload], example_labels=list(shown))
            with gradio.Column():
                verdict = gradio.HTML(tell("No picture yet."), label="Verdict")
                sheet = gradio.Image(
                    label="What speaks for fake, what for real",
                    format="png",
                    interactive=False,
                    buttons=["download", "fullscreen"],  # and none that sends it to anybody
                )
        with gradio.Accordion("What a verdict is not", open=False):
            gradio.Markdown(NOT)
            gradio.HTML(describe_shelf())
        ask.click(judge, [upload], [verdict, sheet], api_name="judge")
    return app


class OwnAddressOnly:
    """Tells the browser to load from this address only, whatever the page asks for."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def send_with_policy(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message["headers"], (b"content-security-policy", POLICY)]
            await send(message)

        await self.app(scope, receive, send_with_policy)


if __name__ == "__main__":
    build().launch(
        theme=THEME,
        max_file_size=LIMITS.max_bytes,
        app_kwargs={"middleware": [Middleware(OwnAddressOnly)]},
        allowed_paths=[str(Path(path).parent) for path in examples().values()],
    )
