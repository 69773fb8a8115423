"""What a generator was told: its settings, read from the text that it left. Untrusted text throughout."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from doctored.checks.generators import Fields, Match, read_json
from doctored.untrusted import clean

MAX_TEXT_CHARACTERS = 2000
MAX_VALUE_CHARACTERS = 200
MAX_NODES = 10_000
MAX_MODELS = 8

# Our name, and what tools call it.
NAMES = {
    "prompt": ("prompt", "Prompt", "positive_prompt", "c", "full_prompt"),
    "negative_prompt": ("negative_prompt", "Negative Prompt", "negativeprompt", "uc"),
    "steps": ("steps", "Steps", "num_inference_steps"),
    "sampler": ("sampler", "Sampler", "sampler_name", "scheduler"),
    "seed": ("seed", "Seed"),
    "scale": ("scale", "CFG scale", "cfg_scale", "cfgscale", "guidance_scale", "Guidance Scale", "guidance"),
    "model": (
        "model", "Model", "base_model", "use_stable_diffusion_model", "Stable Diffusion model",
        "model_weights",
    ),
    "model_hash": ("Model hash", "model_hash", "base_model_hash"),
    "version": ("Version", "version", "app_version", "swarm_version", "mflux_version"),
}  # fmt: skip
TEXT_INPUTS = ("text", "text_g", "text_l", "clip_l", "t5xxl", "prompt")
MODEL_INPUTS = ("ckpt_name", "unet_name", "model_name")
PAIR = re.compile(r"\s*([\w ]{1,60}): (\"(?:\\.|[^\"\\]){0,4000}\"|[^,\n]{0,4000})(?:,|\n|$)")


def read_settings(match: Match, fields: Fields) -> dict[str, Any]:
    """The settings by our names, each clean and bounded; {} where the marks hold none."""
    reads, text = match.generator.reads, match.text
    if reads in ("infotext", "comfyui"):
        return _read_infotext(text) if reads == "infotext" else _read_graph(text)
    if reads == "description":
        description, model = (_first(fields, f"exif:{name}") for name in ("ImageDescription", "Model"))
        return _pick({"prompt": description, "model": model})
    if reads == "midjourney":
        return _pick({"prompt": text.rpartition("Job ID:")[0].strip()})
    if reads == "easydiffusion":
        return _pick({key.removeprefix("text:"): next(iter(texts), "") for key, texts in fields.items()})
    if reads == "novelai":
        comment = read_json(_first(fields, "text:Comment")) or read_json(_first(fields, "exif:UserComment"))
        return _pick({"prompt": _first(fields, "text:Description"), **(comment or {})})
    if reads == "fooocus":
        text = _first(fields, "text:parameters") or _first(fields, "exif:UserComment")
        return _pick(value) if (value := read_json(text)) else _read_infotext(text)
    if reads == "drawthings":
        return _pick(read_json(_first(fields, "xmp:UserComment")) or {})
    value = read_json(text) or {}
    if reads == "swarm":
        value = value["sui_image_params"] if isinstance(value["sui_image_params"], dict) else {}
    if reads == "aigc":
        value = value["AIGC"] if isinstance(value.get("AIGC"), dict) else value
        named = ("ContentProducer", "ProduceID", "ContentPropagator", "PropagateID")
        return {key: clean(value[key]) for key in named if isinstance(value.get(key), str) and value[key]}
    return _pick(value) if reads in ("json", "swarm") else {}


def bounded(text: str) -> str:
    return clean(text, MAX_TEXT_CHARACTERS)


def _first(fields: Fields, name: str) -> str:
    return next(iter(fields.get(name, ())), "")


def _pick(values: Mapping[str, Any]) -> dict[str, Any]:
    picked: dict[str, Any] = {}
    for name, theirs in NAMES.items():
        value = next((values[key] for key in theirs if values.get(key) not in (None, "", [], {})), None)
        if isinstance(value, Mapping):  # InvokeAI describes its model by an object
            value = value.get("name") or value.get("model_name")
        if isinstance(value, str):
            is_prompt = name.endswith("prompt")
            picked[name] = clean(value, MAX_TEXT_CHARACTERS if is_prompt else MAX_VALUE_CHARACTERS)
            if is_prompt and len(value) > MAX_TEXT_CHARACTERS:
                picked[f"{name}_characters"] = len(value)
        elif isinstance(value, int | float) and not isinstance(value, bool):
            picked[name] = clean(str(value)) if abs(value) >= 2**53 or value != value else value
    return picked


def _read_infotext(text: str) -> dict[str, Any]:
    """The text of a web UI: the prompt, `Negative prompt: ...`, and a last line of `Name: value` pairs."""
    head, _, settings = text.rpartition("\nSteps: ")
    if not settings or text.startswith("Steps: "):
        head, settings = "", text.removeprefix("Steps: ")
    prompt, _, negative = head.partition("\nNegative prompt: ")
    if head.startswith("Negative prompt: "):
        prompt, negative = "", head.removeprefix("Negative prompt: ")
    pairs = {name.strip(): value.strip('"') for name, value in _pairs(f"Steps: {settings[:100_000]}")}
    numbers = {name: int(value) for name, value in pairs.items() if value.isdecimal() and len(value) < 16}
    return _pick({**pairs, **numbers, "prompt": prompt.strip(), "negative_prompt": negative.strip()})


def _pairs(line: str) -> Iterator[tuple[str, str]]:
    place = 0
    while (found := PAIR.match(line, place)) and found.end() > place:
        yield found[1], found[2]
        place = found.end()


def _read_graph(text: str) -> dict[str, Any]:
    """A ComfyUI graph: the texts that are encoded, the first sampler's numbers, the models it loads."""
    graph = read_json(text.removeprefix("prompt:")) or {}
    nodes = [node for node in list(graph.values())[:MAX_NODES] if isinstance(node, dict)]
    texts: list[str] = []
    models: list[str] = []
    sampler: dict[str, Any] = {}
    for node in nodes:
        inputs = node.get("inputs")
        if not isinstance(inputs, dict):
            continue
        kind = str(node.get("class_type"))[:200]
        if "TextEncode" in kind:
            texts += [inputs[key] for key in TEXT_INPUTS if isinstance(inputs.get(key), str)]
        models += [inputs[key] for key in MODEL_INPUTS if isinstance(inputs.get(key), str)]
        if "Sampler" in kind and not sampler:
            sampler = {key: value for key, value in inputs.items() if not isinstance(value, list | dict)}
            sampler.setdefault("seed", inputs.get("noise_seed"))
            sampler["scale"] = inputs.get("cfg")
    prompts = dict.fromkeys(filter(None, texts))
    named = {"prompt": " / ".join(list(prompts)[:8]), "model": ", ".join(models[:MAX_MODELS])}
    return {**_pick({**sampler, **named}), "nodes": len(nodes)}
