"""Which checks there are: each registers a function that makes it, under a stable name."""

from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, NamedTuple

from doctored.checks.base import Check
from doctored.errors import UsageError
from doctored.spelling import suggest

if TYPE_CHECKING:
    from doctored.detector import Detector


class CheckSettings(NamedTuple):
    """What checks may be told: open detectors, the share of errors their thresholds may cost, whether
    findings may show where a picture was taken, and whether detectors judge mild copies too."""

    detectors: "tuple[Detector, ...]" = ()
    budget: float = 0.01
    shows_gps: bool = False
    stability: bool = False


MakeChecks = Callable[[CheckSettings], Iterable[Check]]

_makers: dict[str, MakeChecks] = {}


def register(name: str) -> Callable[[MakeChecks], MakeChecks]:
    """Decorate a function that makes the check or checks called `name`; a name is taken only once."""

    def keep(make: MakeChecks) -> MakeChecks:
        if name in _makers:
            raise ValueError(f"a check called {name!r} is registered already; give this one another name")
        _makers[name] = make
        return make

    return keep


def check_names() -> list[str]:
    return list(_makers)


def build_checks(settings: CheckSettings, names: Sequence[str] | None = None) -> list[Check]:
    """The checks called `names` (all that are registered, where None), in the order of registration.

    Raises UsageError for a name that nobody registered.
    """
    for name in names or ():
        if name not in _makers:
            raise UsageError(f"there is no check called {name!r}; {suggest(name, _makers)}")
    return [
        check for name, make in _makers.items() if names is None or name in names for check in make(settings)
    ]
