"""What the check of the file's structure says."""

TEXTS = {
    "extension_unlike_content": "The file's name ends in .{extension}, but its content is {format}.",
    "data_after_picture:padding": "Only filling follows the picture's end in the file ({size}).",
    "data_after_picture:video": (
        "A video follows the picture's end in the file ({size}), as phones keep motion photos."
    ),
    "data_after_picture:maker": (
        "Records in the form that Samsung's cameras write follow the picture's end in the file ({size})."
    ),
    "data_after_picture:picture": (
        "Another {what} picture follows the picture's end in the file ({size}), and no index names it."
    ),
    "data_after_picture:foreign": "{what} data follows the picture's end in the file ({size}).",
    "data_after_picture:announced": (
        "More data follows the picture's end in the file ({size}), and the file's own metadata announce it."
    ),
    "data_after_picture:unknown": "Data of an unknown kind follows the picture's end in the file ({size}).",
    "several_pictures:frames": (
        "The file is an animation of {pictures:,} frames, of which only the first was looked at."
    ),
    "several_pictures:pages": (
        "The file holds {pictures:,} pictures, of which only the main one was looked at."
    ),
    "several_pictures:others": (
        "Beside its picture the file holds {others}, as cameras and phones store them; only the picture was"
        " looked at."
    ),
    "platform_mark:instructions": (
        "The metadata hold a mark that Facebook and Instagram put into pictures they deliver, with which they"
        " replace a picture's own metadata; it can be copied."
    ),
    "platform_mark:name": (
        "The file is named in the way of {platform}, which removes a picture's own metadata; anyone can"
        " give a file such a name."
    ),
    "broken_structure": "The file is not built as its format asks for: {problem}.",
}

LIMITS = {
    "container": (
        "Looks at how the file is built and called; any program that saves a picture builds it anew, so none"
        " of this tells what was done to the pixels, and data can be hidden where no structure shows it."
    ),
}
