"""Pillow's corner: is it a photo, how large, its thumbnails and its placeholder."""

from .reading import LARGE_THUMBNAIL_WIDTH, THUMBNAIL_WIDTHS, Images, Picture
from .troubles import DamagedPhoto, NotAPhoto, TooLongAnimation, TooManyPixels

__all__ = [
    "LARGE_THUMBNAIL_WIDTH",
    "THUMBNAIL_WIDTHS",
    "DamagedPhoto",
    "Images",
    "NotAPhoto",
    "Picture",
    "TooLongAnimation",
    "TooManyPixels",
]
