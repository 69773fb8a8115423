"""Doctored: is this picture what it claims to be?

    import doctored

    detector = doctored.open("cifake")                # or a path, or hf://owner/name@revision
    detector.predict("picture.png").label
    for record in doctored.scan(["folder"]): ...
    doctored.explain("picture.png")
    doctored.train(...)
    doctored.evaluate(...)

Each name is loaded when it is first used: importing `doctored` imports neither numpy nor onnxruntime.
"""

import sys
from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING, Any

from doctored.version import __version__ as __version__

if TYPE_CHECKING:
    from doctored.detector.hub import open_or_pull as open
    from doctored.evaluate import evaluate as evaluate  # type: ignore[no-redef, unused-ignore]
    from doctored.explain import explain as explain  # type: ignore[no-redef, unused-ignore]
    from doctored.scan.pipeline import scan as scan
    from doctored.training import train as train

__all__ = ["evaluate", "explain", "open", "scan", "train"]

_FUNCTIONS = {
    "open": ("doctored.detector.hub", "open_or_pull"),
    "scan": ("doctored.scan.pipeline", "scan"),
    "explain": ("doctored.explain", "explain"),
    "train": ("doctored.training", "train"),
    "evaluate": ("doctored.evaluate", "evaluate"),
}


def _load(name: str) -> Any:
    module, function = _FUNCTIONS[name]
    return getattr(import_module(module), function)


class _CallableRoom(ModuleType):
    """A subpackage that has the name of a public function: calling it calls that function."""

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return _load(self.__name__.rpartition(".")[2])(*args, **kwargs)


class _Package(ModuleType):
    def __setattr__(self, name: str, value: object) -> None:
        # The import system binds `doctored.scan`, the room, over `doctored.scan`, the function, whenever
        # anything in it is imported. So that either order works, the room is callable.
        if name in _FUNCTIONS and isinstance(value, ModuleType):
            value.__class__ = _CallableRoom
        super().__setattr__(name, value)


def __getattr__(name: str) -> Any:
    if name not in _FUNCTIONS:
        raise AttributeError(f"module 'doctored' has no attribute {name!r}")
    function = _load(name)
    return globals().get(name, function)


def __dir__() -> list[str]:
    return sorted(__all__)


sys.modules[__name__].__class__ = _Package
