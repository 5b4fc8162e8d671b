"""What goes wrong while an image is made, as one exception whose text names the cure."""

from __future__ import annotations


class ImageError(RuntimeError):
    """An image could not be made. The message says which part failed, why, and what to do."""
