"""Everything that decides what a training run computes, in one table."""

import dataclasses
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from doctored.errors import UsageError
from doctored.picture import Preprocess
from doctored.spelling import suggest

FROZEN = "frozen"  # the `network` that is a linear head on a frozen `encoder`


def setting(default: Any, says: str) -> Any:
    return field(default=default, metadata={"says": says})


@dataclass(frozen=True)
class Recipe:
    """The settings of a run; their defaults are those of the shipped `cifake-compact`."""

    network: str = setting("compact", "which network of the zoo")
    weights: str = setting("", "pretrained, or a folder, file or hub name to start from (empty: random)")
    size: int = setting(32, "the network sees this many pixels a side")
    preprocess: str = setting("exact", "pictures have that size (exact), are cut (center) or scaled (resize)")
    patch: int = setting(0, "train on squares of this many pixels cut out at random (0: whole pictures)")
    epochs: int = setting(32, "passes over the training pictures")
    batch_size: int = setting(256, "pictures a step, over all processes")
    optimizer: str = setting("muon", "muon (on hidden convolutions, AdamW on the rest) or adamw")
    learning_rate: float = setting(6e-3, "AdamW's peak; it rises linearly, then falls")
    schedule: str = setting("cosine", "how the rate falls after its peak: cosine, linear or constant")
    warmup: float = setting(0.15, "the share of all steps in which the learning rate rises")
    weight_decay: float = setting(0.05, "AdamW's; on weights of convolutions, not on biases and norms")
    muon_rate: float = setting(0.02, "Muon's peak; it follows the same cycle")
    muon_weight_decay: float = setting(0.005, "Muon's")
    label_smoothing: float = setting(0.04, "targets are this much nearer to one half, in all")
    average: float = setting(0.998, "decay of the moving average of the weights that is kept (0: none)")
    dropout: float = setting(0.0, "share of the last channels dropped")
    flip: bool = setting(True, "mirror half of the pictures")
    symmetric: bool = setting(False, "judge a picture and its mirror image, by their mean, in twice the time")
    crop: int = setting(2, "cut pictures out of a border of this many reflected pixels")
    rotate_degrees: float = setting(5.0, "rotate by up to this angle")
    rotate_share: float = setting(0.1, "share of the pictures that are rotated (interpolation blurs)")
    deliver: float = setting(0.0, "share of the pictures scaled, blurred, made noisy or saved anew")
    cutmix: float = setting(0.0, "share of the batches in which a box of each picture is another's")
    mixup: float = setting(0.0, "share of the batches in which each picture shines through another")
    balance: bool = setting(False, "both classes weigh the same, however many pictures they have")
    freeze: int = setting(0, "stages, from the pixels, that do not learn (-1: all; just the head learns)")
    unfreeze_every: int = setting(0, "epochs after which one more stage learns, the last first (0: never)")
    layer_decay: float = setting(1.0, "each stage nearer the pixels learns at this factor of the next's rate")
    lora: int = setting(0, "rank of LoRA's adapters, which learn in the body's stead (0: none)")
    encoder: str = setting("", "for the network 'frozen': a network, a run's folder or an .onnx file")
    layer: str = setting("", "its layer, or several: numbers from the pixels, or names (empty: the last)")
    encoder_side: int = setting(0, "pictures are enlarged to this many pixels a side for it (0: as it needs)")
    encoder_int8: bool = setting(False, "its weights are rounded to 8 bits, and take a byte each in the file")
    encoder_pixels: str = setting("imagenet", "how an .onnx file wants pixels: imagenet, clip, half or unit")
    clip_norm: float = setting(0.0, "gradients are scaled down to this norm (0: never)")
    adversarial: float = setting(0.0, "train on pictures misled by up to this many grey levels (0: never)")
    teacher: str = setting("", "a finished run (or some, by a comma) that says how fake each picture looks")
    teacher_share: float = setting(0.5, "how far the teacher is believed where it is right")
    patience: int = setting(12, "stop after this many epochs without a lower validation loss (0: never)")
    limit: int = setting(0, "learn from at most this many pictures, both labels in proportion (0: all)")
    val_fraction: float = setting(
        0.09, "share of pictures held out: three tenths choose, the rest buys thresholds"
    )
    seed: int = setting(0, "of the split, the weights, the order and the augmentation")
    precision: str = setting("auto", "auto, fp32 or bf16; auto times a few steps of each")
    compile: str = setting("auto", "auto, on or off: torch.compile; auto times it")
    threads: int = setting(0, "processor threads (0: one a core, shared by the processes)")

    def __post_init__(self) -> None:
        for name, low, high in (
            ("size", 8, 4096),
            ("patch", 0, 4096),
            ("epochs", 1, 100_000),
            ("batch_size", 2, 1_000_000),
            ("learning_rate", 1e-9, 100),
            ("warmup", 0, 1),
            ("weight_decay", 0, 100),
            ("muon_rate", 0, 100),
            ("muon_weight_decay", 0, 100),
            ("label_smoothing", 0, 0.99),
            ("average", 0, 0.999999),
            ("dropout", 0, 0.99),
            ("crop", 0, 1024),
            ("rotate_degrees", 0, 180),
            ("rotate_share", 0, 1),
            ("deliver", 0, 1),
            ("cutmix", 0, 1),
            ("mixup", 0, 1),
            ("freeze", -1, 100_000),
            ("unfreeze_every", 0, 100_000),
            ("layer_decay", 0.01, 1),
            ("lora", 0, 4096),
            ("encoder_side", 0, 4096),
            ("clip_norm", 0, 1e6),
            ("adversarial", 0, 64),
            ("teacher_share", 0, 1),
            ("seed", 0, 2**63 - 1),
            ("patience", 0, 100_000),
            ("val_fraction", 0.001, 0.5),
            ("limit", 0, 1_000_000_000),
            ("threads", 0, 4096),
        ):
            value = getattr(self, name)
            if not low <= value <= high:
                raise UsageError(f"{name} is between {low} and {high}, not {value!s:.40}")
        for name, choices in (
            ("preprocess", ("exact", "center", "resize")),
            ("optimizer", ("muon", "adamw")),
            ("encoder_pixels", ("imagenet", "clip", "half", "unit")),
            ("schedule", ("cosine", "linear", "constant")),
            ("precision", ("auto", "fp32", "bf16")),
            ("compile", ("auto", "on", "off")),
        ):
            if getattr(self, name) not in choices:
                raise UsageError(f"{name} is one of {', '.join(choices)}, not {getattr(self, name)!r}")
        if self.crop >= self.side:
            raise UsageError(f"crop is less than size and patch, {self.side}, not {self.crop}")
        if self.patch > self.size:
            raise UsageError(f"patch is at most size, {self.size}, not {self.patch}; 0: whole pictures")
        if self.lora and self.freeze:
            raise UsageError("under LoRA just its adapters and the head learn; leave freeze at 0")
        if self.symmetric and self.network == FROZEN:
            raise UsageError("a frozen encoder looks at one side alone; leave symmetric at false")
        if self.unfreeze_every and not self.freeze:
            raise UsageError("unfreeze_every lets frozen stages learn again; set freeze too (-1: all stages)")
        if self.cutmix + self.mixup > 1:
            raise UsageError("cutmix and mixup are shares of the same batches; together they are at most 1")

    @property
    def side(self) -> int:
        """How many pixels a side the network is trained on."""
        return self.patch or self.size

    @property
    def teachers(self) -> list[Path]:
        """The folders of the runs that teach."""
        return [Path(folder.strip()) for folder in self.teacher.split(",") if folder.strip()]

    def views(self) -> Preprocess:
        """How a picture becomes what the network sees in use."""
        make = {"exact": Preprocess.exact, "center": Preprocess.center, "resize": Preprocess.resize}
        return make[self.preprocess](self.size)

    @classmethod
    def from_settings(cls, settings: Mapping[str, Any]) -> "Recipe":
        """A recipe from names and values (strings are read as TOML would); unknown names are refused."""
        known = {entry.name: entry for entry in dataclasses.fields(cls)}
        values: dict[str, Any] = {}
        for name, value in settings.items():
            if name not in known:
                raise UsageError(f"no setting is called {name!r}: {suggest(name, known)}")
            values[name] = _as_type(name, value, type(known[name].default))
        return cls(**values)

    @classmethod
    def from_toml(cls, path: str | Path, **overrides: Any) -> "Recipe":
        try:
            settings = tomllib.loads(Path(path).read_text(encoding="utf-8"))
        except OSError as error:
            raise UsageError(f"{path}: {error.strerror}; give the path of a recipe") from error
        except ValueError as error:  # also of bytes that are no text, and of numbers of thousands of digits
            raise UsageError(f"{path} is not a TOML file: {error}") from error
        return cls.from_settings({**settings, **overrides})

    def to_toml(self) -> str:
        return "".join(
            f"{entry.name} = {_toml(getattr(self, entry.name))}  # {entry.metadata['says']}\n"
            for entry in dataclasses.fields(self)
        )


def _toml(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return f'"{value}"' if isinstance(value, str) else repr(value)


def _as_type(name: str, value: Any, kind: type) -> Any:
    if isinstance(value, str) and kind is not str:
        try:
            value = tomllib.loads(f"value = {value}")["value"]
        except ValueError as error:
            raise UsageError(f"{name} = {value:.40}: not a {kind.__name__}") from error
    if kind is float and isinstance(value, int) and not isinstance(value, bool):
        try:
            value = float(value)
        except OverflowError as error:
            raise UsageError(f"{name} is out of range; no float is that large") from error
    if type(value) is not kind:
        raise UsageError(f"{name} is a {kind.__name__}, not {value!r:.40}")
    return value
