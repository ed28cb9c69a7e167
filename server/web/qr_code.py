"""Addresses for the cameras of phones."""

import io

import segno

QUIET_ZONE_MODULES = 4
"""Scanners need as much (ISO/IEC 18004)."""
MODULE_MM = 2


def draw_qr_code(text: str) -> bytes:
    """An SVG, about 7 cm wide, dark on white whatever stands around it, that can still be read
    with a seventh of it covered (level M)."""
    picture = io.BytesIO()
    segno.make_qr(text, error="m").save(
        picture,
        kind="svg",
        xmldecl=False,
        border=QUIET_ZONE_MODULES,
        scale=MODULE_MM,
        unit="mm",
        dark="#000",
        light="#fff",
        svgclass=None,
        lineclass=None,
    )
    return picture.getvalue()
