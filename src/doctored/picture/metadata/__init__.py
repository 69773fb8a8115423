"""What a file says about its picture: bounded readers of EXIF, XMP and IPTC.

Each is total: it takes any bytes, never raises, and says in `problems` what was wrong with them.
"""
