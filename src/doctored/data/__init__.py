"""Data sets: what is in them, where its bytes lie, and how its pixels are kept for training."""
