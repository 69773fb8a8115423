"""One reader for each file format: what lies in the file beside the pixels. None of them trusts a length."""
