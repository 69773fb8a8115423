"""What a JPEG tells of its past: whose quantisation tables, saved how often, on which grid; numpy only.

Both checks and explain look here, so it lies in the room that both may reach. Nothing in it opens a file.
Import from the module that is needed: most pictures of a scan need `tables` and `coding` alone.
"""
