"""Pillow's corner: is it a photo, how large, its thumbnails and its placeholder."""

from .decoding import start_decoding
from .reading import THUMBNAIL_WIDTHS, Images, Picture
from .slots import Slots, VisitorLeft
from .troubles import (
    DamagedPhoto,
    NoDecoder,
    NotAPhoto,
    TooLongAnimation,
    TooManyPixels,
    TooMuchToDecode,
)

__all__ = [
    "THUMBNAIL_WIDTHS",
    "DamagedPhoto",
    "Images",
    "NoDecoder",
    "NotAPhoto",
    "Picture",
    "Slots",
    "TooLongAnimation",
    "TooManyPixels",
    "TooMuchToDecode",
    "VisitorLeft",
    "start_decoding",
]
