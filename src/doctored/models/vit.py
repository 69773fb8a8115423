"""ViT, the vision transformer (Dosovitskiy et al. 2021), on patches of 16×16 pixels, without its class token.

Every patch is a cell: 14×14 at 224×224. The body is that of transformers; each token goes through its last
norm before the pooling. `vit-s16` is DeiT's small size (Touvron et al. 2021).
"""

from typing import Any

from doctored.models.base import Pool, network
from doctored.models.transformers_backbone import Backbone, import_transformers, make_backbone
from doctored.models.weights import PRETRAINED


def vit(
    width: int,
    heads: int,
    *,
    weights: str = "",
    dropout: float = 0.0,
    pool: Pool | None = None,
    **others: Any,
) -> Backbone:
    configuration = import_transformers().ViTConfig(
        hidden_size=width, intermediate_size=4 * width, num_attention_heads=heads, **others
    )
    return make_backbone(configuration, weights, dropout=dropout, pool=pool)


@network("vit-s16", size=224)
def vit_s16(*, dropout: float = 0.0, pool: Pool | None = None, weights: str = "") -> Backbone:
    published = "WinKawaks/vit-small-patch16-224" if weights == PRETRAINED else weights
    return vit(384, 6, weights=published, dropout=dropout, pool=pool)


@network("vit-b16", size=224)
def vit_b16(*, dropout: float = 0.0, pool: Pool | None = None, weights: str = "") -> Backbone:
    published = "google/vit-base-patch16-224" if weights == PRETRAINED else weights
    return vit(768, 12, weights=published, dropout=dropout, pool=pool)
