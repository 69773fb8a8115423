"""Signed pictures, made on the spot by authorities of our own: nothing that could rot is kept.

A `Cell` is one case of the provenance matrix: a picture, what is trusted, and exactly what one check must
find. Lists of cells are `CELLS` in `tests/provenance_*.py`; the tests and `benchmarks/provenance_matrix.py`
run the same ones.
"""

import io
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any, NamedTuple

import c2pa
import numpy as np
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import AuthorityInformationAccessOID, ExtendedKeyUsageOID, NameOID
from PIL import Image

from doctored.checks.base import Check
from doctored.checks.trust import TrustList, UsedTrust
from doctored.picture import decode
from doctored.records import Finding, Kind, Says, Strength

SOURCE_TYPES = "http://cv.iptc.org/newscodes/digitalsourcetype/"
MIME_TYPES = {
    "JPEG": "image/jpeg",
    "PNG": "image/png",
    "WEBP": "image/webp",
    "TIFF": "image/tiff",
    "GIF": "image/gif",
    "AVIF": "image/avif",
    "HEIF": "image/heif",
}


class Expected(NamedTuple):
    code: str
    says: Says = Says.NEUTRAL
    strength: Strength = Strength.NONE
    kind: Kind | None = None


class Cell(NamedTuple):
    """`find` makes the check with what is trusted; `expected` are all of its findings, in order."""

    format: str
    case: str
    make: Callable[[], bytes]
    find: Callable[[], Check]
    expected: tuple[Expected, ...]

    def __str__(self) -> str:
        return f"{self.format}: {self.case}"

    def findings(self) -> list[Finding]:
        return self.find().run(decode(self.make()))

    def found(self) -> tuple[Expected, ...]:
        return tuple(Expected(one.code, one.says, one.strength, one.kind) for one in self.findings())


class Signer(NamedTuple):
    key: ec.EllipticCurvePrivateKey
    certificates: tuple[x509.Certificate, ...]


class Authority:
    """A root that issues certificates which C2PA's profile allows (C2PA 2.4, §14.5)."""

    def __init__(self, name: str, days: int = 30) -> None:
        self.key = ec.generate_private_key(ec.SECP256R1())
        constraints = x509.BasicConstraints(ca=True, path_length=None)
        builder = _certificate(name, name, self.key, days=days).add_extension(constraints, critical=True)
        self.certificate = builder.add_extension(_usage(signs_certificates=True), critical=True).sign(
            self.key, hashes.SHA256()
        )

    def issue(
        self,
        name: str,
        *,
        until: datetime | None = None,
        ocsp_url: str | None = None,
        stamps_time: bool = False,
    ) -> Signer:
        key = ec.generate_private_key(ec.SECP256R1())
        issuer = self.certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)[0].value
        builder = _leaf(_certificate(name, str(issuer), key, days=10, until=until), self.key, stamps_time)
        if ocsp_url:
            ocsp = x509.AccessDescription(
                AuthorityInformationAccessOID.OCSP, x509.UniformResourceIdentifier(ocsp_url)
            )
            builder = builder.add_extension(x509.AuthorityInformationAccess([ocsp]), critical=False)
        return Signer(key, (builder.sign(self.key, hashes.SHA256()), self.certificate))


def sign_oneself(name: str) -> Signer:
    key = ec.generate_private_key(ec.SECP256R1())
    return Signer(key, (_leaf(_certificate(name, name, key, days=10), key).sign(key, hashes.SHA256()),))


def _certificate(
    name: str, issuer: str, key: ec.EllipticCurvePrivateKey, *, days: int, until: datetime | None = None
) -> x509.CertificateBuilder:
    now = datetime.now(UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(_name(name))
        .issuer_name(_name(issuer))
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=3))
        .not_valid_after(until or now + timedelta(days=days))
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
    )


def _leaf(
    builder: x509.CertificateBuilder, issuer: ec.EllipticCurvePrivateKey, stamps_time: bool = False
) -> x509.CertificateBuilder:
    purpose = ExtendedKeyUsageOID.TIME_STAMPING if stamps_time else ExtendedKeyUsageOID.EMAIL_PROTECTION
    identifier = x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer.public_key())
    return (
        builder.add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage(signs_certificates=False), critical=True)
        .add_extension(x509.ExtendedKeyUsage([purpose]), critical=stamps_time)
        .add_extension(identifier, critical=False)
    )


def _usage(*, signs_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=True,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=signs_certificates,
        crl_sign=signs_certificates,
        encipher_only=False,
        decipher_only=False,
    )


def _name(name: str) -> x509.Name:
    organisation = x509.NameAttribute(NameOID.ORGANIZATION_NAME, f"{name} Ltd")
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name), organisation])


def pem(*certificates: x509.Certificate) -> str:
    return "".join(one.public_bytes(Encoding.PEM).decode() for one in certificates)


def trust(*certificates: x509.Certificate) -> UsedTrust:
    """As if these had been added as one list."""
    return UsedTrust((TrustList("toys", "0" * 64, "2026-01-01", pem(*certificates), len(certificates)),))


def action(name: str, source: str | None = None, **more: Any) -> dict[str, Any]:
    address = {"digitalSourceType": source if "/" in source else SOURCE_TYPES + source} if source else {}
    return {"action": name, **address, **more}


def definition(
    *actions: dict[str, Any], is_attributed: bool = True, lists_all: bool = False, title: str = "toy"
) -> dict[str, Any]:
    """A manifest as c2pa's builder takes it; `is_attributed` puts the actions into the created ones."""
    data = {"actions": list(actions)} | ({"allActionsIncluded": True} if lists_all else {})
    return {
        "title": title,
        "claim_generator_info": [{"name": "toy maker", "version": "1"}],
        "assertions": [{"label": "c2pa.actions", "created": is_attributed, "data": data}],
    }


def sign(
    data: bytes,
    image_format: str,
    signer: Signer,
    manifest: dict[str, Any],
    ingredients: Sequence[tuple[str, bytes]] = (),
    *,
    remote_url: str | None = None,
    embeds: bool = True,
    stamp_url: str | None = None,
) -> bytes:
    """The picture with its manifest. `ingredients`: (relationship, JPEG); actions name them `i0`, `i1`..."""
    key = signer.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    info = c2pa.C2paSignerInfo(b"es256", pem(*signer.certificates).encode(), key, stamp_url)
    settings = {
        "verify": {"remote_manifest_fetch": False, "verify_after_sign": False},
        "builder": {"thumbnail": {"enabled": False}},
    }
    with c2pa.Context.from_dict(settings) as context, c2pa.Signer.from_info(info) as made:
        builder = c2pa.Builder(manifest, context)
        if remote_url:
            builder.set_remote_url(remote_url)
        if not embeds:
            builder.set_no_embed()
        for place, (relationship, ingredient) in enumerate(ingredients):
            named = {"title": f"toy {place}", "relationship": relationship, "label": f"i{place}"}
            builder.add_ingredient_from_stream(
                named | {"instance_id": f"i{place}"}, "image/jpeg", io.BytesIO(ingredient)
            )
        signed = io.BytesIO()
        builder.sign(made, MIME_TYPES[image_format], io.BytesIO(data), signed)
    return signed.getvalue()


@cache
def plain(image_format: str, seed: int = 0) -> bytes:
    """A picture of 96×64 coloured squares without any metadata. Raises ImportError where HEIF needs it."""
    squares = np.random.default_rng(seed).integers(0, 256, (8, 12, 3), dtype=np.uint8)
    picture = Image.fromarray(np.kron(squares, np.ones((8, 8, 1), np.uint8)))
    file = io.BytesIO()
    if image_format == "HEIF":
        import pillow_heif

        pillow_heif.from_pillow(picture).save(file)
    else:
        picture.save(file, image_format)
    return file.getvalue()
