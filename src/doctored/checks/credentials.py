"""Content Credentials (C2PA): what is signed about a picture, by whom, and whether it still fits.

The only door to c2pa, which is loaded for a file that holds a manifest and for no other. Nothing is fetched
here, ever: not the manifest that a file only refers to, not a certificate's state, not a signer's identity.
"""

import re
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from doctored.checks.base import Check
from doctored.checks.registry import CheckSettings, register
from doctored.checks.trust import UsedTrust, load_trust

if TYPE_CHECKING:
    from doctored.checks.content_credentials.store import Store
    from doctored.picture import Picture
    from doctored.records import Finding

MAX_REPORT_CHARACTERS = 32 * 2**20
MIME_TYPES = {
    "JPEG": "image/jpeg",
    "PNG": "image/png",
    "WEBP": "image/webp",
    "TIFF": "image/tiff",
    "GIF": "image/gif",
    "AVIF": "image/avif",
    "HEIF": "image/heif",
}
OFFLINE: dict[str, dict[str, Any]] = {
    "verify": {"remote_manifest_fetch": False, "ocsp_fetch": False},
    # An identity assertion may name a did:web, which is looked up over the network; and no host is allowed.
    "core": {"decode_identity_assertions": False, "allowed_network_hosts": []},
}
# XMP's dcterms:provenance (C2PA 2.4, §11.5 "External manifests"), as an attribute or as an element.
_REFERENCE = re.compile(
    rb"""[:\s]provenance(?:\s*=\s*["']|\s*>\s*)(https?://[^"'<>\s]{1,4096})""", re.IGNORECASE
)


class NoManifest(Exception):
    """There is none in the file, whatever its bytes look like."""


class Unreadable(Exception):
    """There is one, and it cannot be read; the message is the SDK's own, made fit to be shown."""


class CredentialsCheck:
    """At most one finding a picture: its codes are those of `texts/credentials.py`."""

    name = "content_credentials"

    def __init__(self, trust: UsedTrust) -> None:
        self._trust = trust
        self._context: Any = None

    def run(self, picture: "Picture") -> "list[Finding]":
        container = picture.container()
        # A structure that breaks off may hide a manifest behind the break; c2pa looks for itself then.
        may_hide_one = container.problems and b"c2pa" in picture.bytes
        if container.has_manifest or may_hide_one:
            found = self._examine(picture, is_certain=container.has_manifest)
            if found is not None:
                return [found]
        if container.xmp and (match := _REFERENCE.search(container.xmp)):
            return [self._not_checked(match[1])]
        return []

    def _examine(self, picture: "Picture", is_certain: bool) -> "Finding | None":
        from doctored.checks.content_credentials.judge import describe_trust, judge, unreadable

        try:
            return judge(self._read(picture), self._trust)
        except NoManifest:
            return unreadable("it holds no manifest", describe_trust(self._trust)) if is_certain else None
        except Unreadable as error:
            return unreadable(str(error), describe_trust(self._trust))

    def _not_checked(self, reference: bytes) -> "Finding":
        from doctored.checks.content_credentials.judge import describe_trust, not_checked
        from doctored.untrusted import clean

        url = reference.decode("utf-8", "replace").replace("&amp;", "&")
        return not_checked(clean(url), describe_trust(self._trust))

    def _read(self, picture: "Picture") -> "Store":
        """Raises NoManifest, and Unreadable for everything else that c2pa cannot make sense of."""
        import io
        import json

        import c2pa

        from doctored.checks.content_credentials.store import read_store

        try:
            if self._context is None:
                self._context = c2pa.Context.from_dict(_settings(self._trust))
            stream = io.BytesIO(picture.bytes)
            with c2pa.Reader(MIME_TYPES.get(picture.format), stream, context=self._context) as reader:
                text = reader.json()
                certificate = _read_certificate(reader)
            if len(text) > MAX_REPORT_CHARACTERS:
                raise Unreadable("it is too large to be read")
            return read_store(json.loads(text), certificate)
        except c2pa.C2paError.ManifestNotFound as error:
            raise NoManifest from error
        except (c2pa.C2paError, ValueError, TypeError, RecursionError, MemoryError) as error:
            raise Unreadable(_reason(error)) from error


def _settings(trust: UsedTrust) -> dict[str, Any]:
    return OFFLINE | ({"trust": {"user_anchors": trust.pem}} if trust.lists else {})


def _read_certificate(reader: Any) -> Mapping[str, str]:
    """The signing certificate's issuer and dates, which only the SDK's second report has."""
    import json

    try:
        first = json.loads(reader.crjson())["manifests"][0]
        info = first["signature"]["certificateInfo"]
        named = {
            "issuer": info["issuer"].get("CN") or info["issuer"].get("O"),
            "valid_from": info["validity"]["notBefore"],
            "valid_until": info["validity"]["notAfter"],
        }
    except Exception:  # what it adds is not needed for any answer
        return {}
    return {key: value for key, value in named.items() if isinstance(value, str)}


def _reason(error: BaseException) -> str:
    from doctored.untrusted import clean

    return clean(str(error), 160).rstrip(".: ") or type(error).__name__


@register("credentials")
def credential_checks(settings: CheckSettings) -> Iterable[Check]:
    return [CredentialsCheck(load_trust())]
