"""Pillow's corner: is it a photo, how large, its thumbnails and its placeholder."""

from .reading import THUMBNAIL_WIDTHS, Images, Picture
from .troubles import DamagedPhoto, NotAPhoto, TooLongAnimation, TooManyPixels

__all__ = [
    "THUMBNAIL_WIDTHS",
    "DamagedPhoto",
    "Images",
    "NotAPhoto",
    "Picture",
    "TooLongAnimation",
    "TooManyPixels",
]
