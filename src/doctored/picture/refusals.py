"""What can be wrong with a picture, and how it is told: every code, every sentence, and what Pillow's
exceptions mean."""

from io import BytesIO

from doctored.errors import PictureError, PictureErrorCode
from doctored.picture import formats
from doctored.picture.limits import Limits

# How Pillow, libtiff, libavif and libheif put it.
TRUNCATED_WORDS = (
    "file is truncated",
    "truncated file read",
    "truncated data",
    "not enough image data",
    "end of file",
    "end of data",
    "cannot load this image",  # its header was read to the end of the file, and no pixels followed
)
UNSUPPORTED_WORDS = ("unsupported", "not supported", "not yet", "cannot handle", "unknown pixel mode")


def missing_plugin(image_format: str) -> PictureError:
    if image_format == formats.HEIF:
        advice = "HEIC needs the extra 'heif': pip install 'doctored[heif]'"
    else:
        advice = f"this Pillow was built without {image_format}; install Pillow's own wheel"
    return PictureError(PictureErrorCode.UNSUPPORTED, advice)


def translate(error: Exception, image_format: str, data: bytes, stream: BytesIO) -> PictureError:
    """What an exception of Pillow's, of any kind, means for the picture."""
    text = str(error).lower()
    if isinstance(error, MemoryError) or "out of memory" in text:
        return PictureError(
            PictureErrorCode.TOO_LARGE,
            "decoding this picture needs more memory than there is; give a smaller picture",
        )
    if "max_text" in text:
        return PictureError(
            PictureErrorCode.TOO_LARGE,
            "this PNG's compressed text or profile unpacks to more than Pillow reads; strip its metadata",
        )
    if _is_cut_off(error, image_format, data, stream):
        return truncated(image_format)
    if isinstance(error, ImportError) or any(words in text for words in UNSUPPORTED_WORDS):
        return PictureError(
            PictureErrorCode.UNSUPPORTED,
            f"this kind of {image_format} is not supported; export it as an ordinary JPEG or PNG",
        )
    return PictureError(
        PictureErrorCode.UNREADABLE,
        f"this {image_format} is damaged and cannot be decoded; fetch or export the file again",
    )


def _is_cut_off(error: Exception, image_format: str, data: bytes, stream: BytesIO) -> bool:
    if any(words in str(error).lower() for words in TRUNCATED_WORDS):
        return True
    if formats.promised_bytes(data, image_format) > len(data):
        return True
    # Plugins that ran out of header say so in many ways, but never as an OSError.
    return (
        image_format in formats.READ_IN_ORDER
        and not isinstance(error, OSError)
        and stream.tell() >= len(data)
    )


def truncated(image_format: str) -> PictureError:
    return PictureError(
        PictureErrorCode.TRUNCATED,
        f"this {image_format} ends before its picture does; fetch the whole file again",
    )


def not_a_picture(data: bytes) -> PictureError:
    if foreign := formats.recognize_foreign_format(data):
        return PictureError(
            PictureErrorCode.UNSUPPORTED, f"{foreign} files are not supported; export it as JPEG or PNG"
        )
    return PictureError(
        PictureErrorCode.NOT_A_PICTURE,
        f"this is no {formats.SUPPORTED} file, whatever its name; check that it is a picture",
    )


def too_many_pixels(what: str, limits: Limits) -> PictureError:
    return PictureError(
        PictureErrorCode.TOO_MANY_PIXELS,
        f"{what}, over the limit of {limits.max_pixels:,} pixels and {limits.max_side:,} a side; "
        "raise the limit or give a smaller picture",
    )


def too_much_metadata() -> PictureError:
    return PictureError(
        PictureErrorCode.TOO_LARGE,
        "the metadata beside the picture is over its limit; raise the limit or strip the file's metadata",
    )
