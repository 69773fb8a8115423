"""Any backbone of timm by its name, where timm and torchvision can be imported.

timm needs torchvision, which has no build for every torch (none for its CPU build); where the two do not go
together, this says so. Grids and tokens are read as those of transformers are. What timm applies after its
own pooling is left out, but for the norm of tokens (`fc_norm`), which is applied to each.
"""

import importlib
from typing import Any

from torch import Tensor, nn

from doctored.errors import UsageError
from doctored.models.base import Network, Pool, network
from doctored.models.grid import Tokens, count_channels
from doctored.models.weights import PRETRAINED


@network("timm/", size=224)
class TimmBackbone(Network):
    def __init__(
        self, name: str, *, dropout: float = 0.0, pool: Pool | None = None, weights: str = ""
    ) -> None:
        if weights not in ("", PRETRAINED):
            raise UsageError(f"weights of a timm network are '{PRETRAINED}' or none, not {weights!r}")
        body = make_body(name, is_pretrained=bool(weights))
        tokens = Tokens(getattr(body, "num_prefix_tokens", 0), body.feature_info[-1]["reduction"])
        body.eval()
        if isinstance(getattr(body, "head", None), nn.Module):
            body.head.requires_grad_(False)  # what is left of it comes after timm's pooling
        device = next(body.parameters()).device
        channels = count_channels(lambda x: read_features(body, tokens, x), device, tokens.stride)
        super().__init__(channels, dropout=dropout, pool=pool)
        self.tokens, self.body = tokens, body.train()
        if weights:
            self.normalisation = tuple(body.pretrained_cfg["mean"]), tuple(body.pretrained_cfg["std"])

    def features(self, x: Tensor) -> Tensor:
        try:
            return read_features(self.body, self.tokens, x)
        except AssertionError as error:  # how timm refuses a size
            raise UsageError(f"timm: {error}; choose another size") from error

    def stages(self) -> list[nn.Module]:
        """The body's parts, and each layer or stage of those that are a sequence."""
        parts = [part for part in self.body.children() if part is not getattr(self.body, "head", None)]
        opened = [layer for part in parts for layer in (part if isinstance(part, nn.Sequential) else [part])]
        return [part for part in opened if next(part.parameters(), None) is not None]


def read_features(body: Any, tokens: Tokens, x: Tensor) -> Tensor:
    """float [N, 3, H, W] → float [N, d, h, w]."""
    hidden: Tensor = body.forward_features(x)
    if hidden.ndim == 4:
        return hidden.permute(0, 3, 1, 2) if getattr(body, "output_fmt", "NCHW") == "NHWC" else hidden
    norm = getattr(body, "fc_norm", None)
    return tokens.to_grid(norm(hidden) if isinstance(norm, nn.LayerNorm) else hidden, x.shape[2], x.shape[3])


def make_body(name: str, *, is_pretrained: bool) -> Any:
    try:
        importlib.import_module("torchvision")
        timm = importlib.import_module("timm")
    except (ImportError, RuntimeError) as error:  # a torchvision made for another torch fails as it is loaded
        raise UsageError(
            f"timm/{name} needs timm and a torchvision that fits this torch ({type(error).__name__}: "
            f"{str(error).splitlines()[0][:80]}); choose hf/NAME, which needs neither, or install them"
        ) from error
    settings = {"pretrained": is_pretrained, "num_classes": 0}
    try:
        try:
            return timm.create_model(name, **settings, dynamic_img_size=True)
        except TypeError:  # only networks with learnt positions take that setting
            return timm.create_model(name, **settings)
    except Exception as error:  # unknown names and the hub's errors, of several libraries
        raise UsageError(
            f"timm makes no {name!r} ({type(error).__name__}: {str(error).splitlines()[0][:80]}); "
            "timm.list_models() names what it has"
        ) from error
