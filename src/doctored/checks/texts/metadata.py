"""What the check of metadata says."""

_PLANTED = "the file says so itself, and this can be planted."

TEXTS = {
    "declares_generated:generator": (
        f"The metadata carry what {{generator}} leaves in the pictures that it makes; {_PLANTED}"
    ),
    "declares_generated:source_type": (
        f"The metadata give the source of this picture as “{{source_type}}” ({{meaning}}); {_PLANTED}"
    ),
    "declares_generated:both": (
        "The metadata carry what {generator} leaves in the pictures that it makes, and give the source as"
        f" “{{source_type}}” ({{meaning}}); {_PLANTED}"
    ),
    "declares_edited_with_ai:generator": (
        f"The metadata carry what {{generator}} leaves in the pictures that are edited with it; {_PLANTED}"
    ),
    "declares_edited_with_ai:source_type": (
        f"The metadata give the source of this picture as “{{source_type}}” ({{meaning}}); {_PLANTED}"
    ),
    "declares_edited_with_ai:both": (
        "The metadata carry what {generator} leaves in the pictures that are edited with it, and give the"
        f" source as “{{source_type}}” ({{meaning}}); {_PLANTED}"
    ),
    "source_type_named": (
        f"The metadata give the source of this picture as “{{source_type}}” ({{meaning}}); {_PLANTED}"
    ),
    "camera_metadata": f"The metadata name the camera “{{camera}}”; {_PLANTED}",
    "place_recorded": (
        "The file says that it was taken at latitude {latitude:.5f}, longitude {longitude:.5f};"
        f" {_PLANTED}"
    ),
    "edited_with_software": (
        "The metadata name software that edits pictures (“{software}”), which by itself is no sign of"
        " forgery."
    ),
    "edit_history": (
        "The metadata keep a history of edits (steps: {count}; software: “{agents}”), which may be"
        " incomplete."
    ),
    "thumbnail_unlike": (
        "The thumbnail inside the file shows something else than the picture (likeness {likeness:.2f}, in"
        " photos at least {limit:.2f}): the picture was exchanged or edited since, or the thumbnail planted."
    ),
    "exif_size_differs:resized": (
        "The metadata give the size as {stated}, but the picture has {size}: it was resized or cropped after"
        " they were written, which by itself is harmless."
    ),
    "exif_size_differs:turned": (
        "The metadata give the size as {stated}, but the picture has {size}: it was turned after they were"
        " written, which by itself is harmless."
    ),
    "dates_contradict": (
        "The dates in the metadata cannot all be right ({faults}); a clock that was never set does that too."
    ),
    "orientation_contradicts": (
        "EXIF gives the orientation {exif}, XMP {xmp}: one of them was changed without the other, which by"
        " itself is harmless."
    ),
    "metadata_damaged": "The {where} metadata could not be read to the end: {problem}.",
}

LIMITS = {
    "metadata": (
        "Reads what the file says about itself, which anyone can write, change or remove; that it says"
        " little or nothing is no sign of anything."
    ),
}
