"""What an HTML parser sees."""

from html.parser import HTMLParser

HOSTILE = [
    "<script>alert(1)</script>",
    "</p><img src=x onerror=alert(1)>",
    "&lt;b&gt;",
    '" onload="x',
    "<!--",
    "]]>",
    "</style><script>",
    "&#60;script&#62;",
]


class Seen(HTMLParser):
    def __init__(self, text):
        super().__init__(convert_charrefs=True)
        self.tags, self.text = [], ""
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data):
        self.text += data

    def handle_comment(self, data):
        raise AssertionError(f"a comment came out: {data!r}")

    handle_decl = handle_pi = unknown_decl = handle_comment
