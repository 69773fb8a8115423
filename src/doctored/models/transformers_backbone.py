"""Any vision backbone of Hugging Face transformers, by a folder or by its name on the hub.

What a cell of the map is depends on the network's kind:

- One that returns a grid (ResNet, ConvNeXt, EfficientNet, ...) is taken as it is; where its last norm follows
  its own pooling (ConvNeXt), that norm is applied to each cell instead.
- One that returns tokens (ViT, DINOv2, SigLIP, ...) loses its class and register tokens, and the others go
  back to the places of their patches, each after the network's last norm.

So norms come before the pooling, never after it, and the logit is exactly the pooling of cells. How tokens
lie on the picture is known for the kinds in `CLASS_TOKENS`; tests look whether cells lie over their pixels.
"""

import inspect
from typing import Any

import torch
from torch import Tensor, nn

from doctored.errors import MissingExtra, UsageError
from doctored.models.base import Network, Pool, Statistics, network
from doctored.models.grid import Tokens, count_channels
from doctored.models.weights import ARCHITECTURE, PRETRAINED, WEIGHTS, find_folder, read_normalisation

# Class tokens before the patches, by the configuration's `model_type`; register tokens it counts itself.
CLASS_TOKENS = {
    "clip_vision_model": 1,
    "deit": 2,
    "dinov2": 1,
    "dinov2_with_registers": 1,
    "dinov3_vit": 1,
    "siglip_vision_model": 0,
    "swin": 0,
    "swinv2": 0,
    "vit": 1,
}


@network("hf/", size=224)
def from_name(name: str, *, dropout: float = 0.0, pool: Pool | None = None, weights: str = "") -> "Backbone":
    """The architecture in a folder's `config.json`, or of the hub's network of this name."""
    return make_backbone(
        read_configuration(name), name if weights == PRETRAINED else weights, dropout=dropout, pool=pool
    )


def make_backbone(configuration: Any, weights: str, *, dropout: float, pool: Pool | None) -> "Backbone":
    """A network of this architecture; `weights` is a folder, a name on the hub, or empty (random)."""
    if hasattr(configuration, "vision_use_head"):
        configuration.vision_use_head = False  # SigLIP's own pooling
    if not weights:
        body = import_transformers().AutoModel.from_config(configuration, dtype=torch.float32)
        return Backbone(body, dropout=dropout, pool=pool)
    folder = find_folder(weights, (*ARCHITECTURE, *WEIGHTS))
    body = load_body(configuration, str(folder), weights)
    return Backbone(body, dropout=dropout, pool=pool, normalisation=read_normalisation(folder))


def import_transformers() -> Any:
    try:
        import transformers
    except ImportError as error:
        raise MissingExtra("train", "a network of transformers") from error
    return transformers


def read_configuration(name: str) -> Any:
    """What `config.json` says of a network for pictures, or of that part of a larger one."""
    transformers = import_transformers()
    folder = find_folder(name, ARCHITECTURE)
    try:
        configuration = transformers.AutoConfig.from_pretrained(
            folder, local_files_only=True, trust_remote_code=False
        )
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise UsageError(
            f"{name} holds no config.json of a network that transformers {transformers.__version__} knows; "
            "give another"
        ) from error
    return getattr(configuration, "vision_config", configuration)


def load_body(configuration: Any, folder: str, name: str) -> nn.Module:
    """The body with the weights of a folder; UsageError where they are missing or of another network."""
    transformers = import_transformers()
    transformers.logging.set_verbosity_error()  # what it would say of a classifier left behind is no news
    try:
        body, found = transformers.AutoModel.from_pretrained(
            folder,
            config=configuration,
            dtype=torch.float32,
            local_files_only=True,
            use_safetensors=True,
            output_loading_info=True,
        )
    except (OSError, ValueError, RuntimeError) as error:
        raise UsageError(
            f"{name} holds no weights (model.safetensors) that fit this network; give others"
        ) from error
    missing = [key for key in found["missing_keys"] if not key.startswith("pooler.")]
    if missing or found.get("mismatched_keys"):
        raise UsageError(f"{name} holds the weights of another network ({missing[:1]} ...); give others")
    loaded: nn.Module = body
    return loaded


class Backbone(Network):
    """A body of transformers under the zoo's head. `normalisation` is that of pretrained weights."""

    def __init__(
        self,
        body: nn.Module,
        *,
        dropout: float = 0.0,
        pool: Pool | None = None,
        normalisation: Statistics | None = None,
    ) -> None:
        leave_out_pooler(body)
        reader = Reader(body)
        body.eval()
        channels = count_channels(lambda x: reader.features(body, x), next(body.parameters()).device)
        super().__init__(channels, dropout=dropout, pool=pool)
        self.reader, self.body, self.normalisation = reader, body.train(), normalisation

    def features(self, x: Tensor) -> Tensor:
        return self.reader.features(self.body, x)

    def stages(self) -> list[nn.Module]:
        """The embedding, each layer or stage, the last norm."""
        body = self.body
        while len(parts := list(body.children())) == 1:
            body = parts[0]
        opened = [layer for part in parts for layer in open_lists(part)]
        return [part for part in opened if next(part.parameters(), None) is not None]


class Reader:
    """How to call a body, and how to read what it returns."""

    def __init__(self, body: Any) -> None:
        configuration = body.config
        accepted = inspect.signature(body.forward).parameters
        if "pixel_values" not in accepted:
            raise UsageError(
                f"a {configuration.model_type!r} does not look at pictures; choose one that does"
            )
        # Positions learnt for one size are interpolated to the size at hand.
        self.options = {"interpolate_pos_encoding": True} if "interpolate_pos_encoding" in accepted else {}
        self.kind = configuration.model_type
        self.tokens: Tokens | None = None
        if self.kind in CLASS_TOKENS:
            registers = getattr(configuration, "num_register_tokens", 0)
            halvings = len(getattr(configuration, "depths", [0])) - 1  # Swin merges patches between stages
            patch = configuration.patch_size
            side = patch[0] if isinstance(patch, list | tuple) else patch
            self.tokens = Tokens(CLASS_TOKENS[self.kind] + registers, side << halvings)

    def features(self, body: Any, x: Tensor) -> Tensor:
        """float [N, 3, H, W] → float [N, d, h, w], each cell normalised by itself."""
        if self.tokens is not None and min(x.shape[2:]) < self.tokens.stride:
            raise UsageError(
                f"a cell of this network has {self.tokens.stride} pixels a side; raise size to that"
            )
        hidden: Tensor = body(pixel_values=x, **self.options).last_hidden_state
        if self.tokens is not None:
            norm = last_norm(body, "post_layernorm") if self.kind == "clip_vision_model" else None
            return self.tokens.to_grid(norm(hidden) if norm else hidden, x.shape[2], x.shape[3])
        if hidden.ndim != 4:
            raise UsageError(
                f"how a {self.kind!r} lays its tokens on the picture is not known, so its evidence would not "
                f"be exact; networks that return a grid will do, and {', '.join(CLASS_TOKENS)}"
            )
        norm = last_norm(body, "layernorm")
        return norm(hidden.permute(0, 2, 3, 1)).permute(0, 3, 1, 2) if norm else hidden


def last_norm(body: nn.Module, name: str) -> nn.LayerNorm | None:
    """The layer norm of this name in a body, or in the one part that a body consists of."""
    for module in (body, *body.children()):
        norm = getattr(module, name, None)
        if isinstance(norm, nn.LayerNorm):
            return norm
    return None


def leave_out_pooler(body: Any) -> None:
    """Remove a pooling that has weights, and the token that masks patches: neither takes part."""
    pooler = getattr(body, "pooler", None)
    if isinstance(pooler, nn.Module) and next(pooler.parameters(), None) is not None:
        body.pooler = None
    for module in body.modules():
        if getattr(module, "mask_token", None) is not None:
            module.mask_token = None


def open_lists(part: nn.Module) -> list[nn.Module]:
    """The layers of a list, or of a part that holds one; any other part as it is."""
    inner = list(part.children())
    if isinstance(part, nn.ModuleList):
        return inner
    if any(isinstance(child, nn.ModuleList) for child in inner):
        return [layer for child in inner for layer in open_lists(child)]
    return [part]
