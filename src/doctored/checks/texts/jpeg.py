"""What a JPEG's history says."""

TEXTS = {
    "jpeg_tables:standard": (
        "Its quantisation tables are the standard's at quality {quality}, which most programs write."
    ),
    "jpeg_tables:mozjpeg": "Its quantisation tables are those that mozjpeg writes at quality {quality}.",
    "jpeg_tables:photoshop": (
        "Its quantisation tables are those of Photoshop's preset {preset} (near the standard's quality"
        " {quality})."
    ),
    "jpeg_tables:unknown": (
        "Its quantisation tables are no encoder's that is known here; they come nearest to the standard's"
        " quality {quality}."
    ),
    "jpeg_saved_twice": (
        "It was saved at least twice as JPEG, the first time at about quality {first}, the last at about"
        " {last}; saving again is ordinary."
    ),
    "jpeg_grid_shifted": (
        "It was saved as JPEG before, at about quality {quality}, on a grid of 8×8 blocks that began"
        " elsewhere; cropping does that, and is ordinary."
    ),
    "jpeg_grids_differ": (
        "A part of it was saved as JPEG before on a grid of 8×8 blocks that the rest does not have, so that"
        " part may come from another picture."
    ),
}

LIMITS = {
    "jpeg": (
        "Sees an earlier saving only where the last one was of about the same quality or better, and nothing"
        " was resized, blurred or filtered in between; knows the tables of libjpeg, mozjpeg and Photoshop's"
        " presets, no camera's; says nothing about the past of pictures under 64 pixels a side."
    )
}
