"""Bytes to a `Picture`, and what is done to its pixels. Nothing else in the package opens an image."""

from doctored.picture.decode import decode
from doctored.picture.distort import DISTORTIONS, distort
from doctored.picture.encode import encode_jpeg, encode_png, encode_webp
from doctored.picture.limits import Limits
from doctored.picture.picture import Picture
from doctored.picture.preprocess import Preprocess, PreprocessMismatch

__all__ = [
    "DISTORTIONS",
    "Limits",
    "Picture",
    "Preprocess",
    "PreprocessMismatch",
    "decode",
    "distort",
    "encode_jpeg",
    "encode_png",
    "encode_webp",
]
