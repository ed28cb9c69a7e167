"""Makes ICC profiles for photos that name their colour space without having one."""

import struct

Rows = list[list[float]]

_D65 = (0.3127, 0.329)
_PRIMARIES = {
    1: (*_D65, 0.64, 0.33, 0.3, 0.6, 0.15, 0.06),  # sRGB
    5: (*_D65, 0.64, 0.33, 0.29, 0.6, 0.15, 0.06),  # PAL
    6: (*_D65, 0.63, 0.34, 0.31, 0.595, 0.155, 0.07),  # NTSC
    9: (*_D65, 0.708, 0.292, 0.17, 0.797, 0.131, 0.046),  # BT.2020
    12: (*_D65, 0.68, 0.32, 0.265, 0.69, 0.15, 0.06),  # Display P3
}
"""ColourPrimaries of ITU-T H.273, table 2: white, red, green and blue, each as x and y."""
_SRGB_CURVE = (2.4, 1 / 1.055, 0.055 / 1.055, 1 / 12.92, 0.04045)
_CURVES = {
    **dict.fromkeys((1, 2, 6, 13, 14, 15), _SRGB_CURVE),  # browsers show BT.709's as sRGB's
    4: (2.2,),
    5: (2.8,),
    8: (1.0,),
}
"""TransferCharacteristics of H.273, table 3, as ICC's parametric curves. Those of HDR are left out:
each browser has its own way to map them to a screen."""
_D50 = (0.9642, 1.0, 0.8249)
_BRADFORD = [[0.8951, 0.2664, -0.1614], [-0.7502, 1.7135, 0.0367], [0.0389, -0.0685, 1.0296]]


def profile_of_code_points(primaries: int, transfer: int) -> bytes | None:
    """A profile for the code points of H.273 in an AVIF, HEIC or PNG; None for sRGB and for those
    that are unknown."""
    curve = _CURVES.get(transfer)
    if primaries not in _PRIMARIES or not curve or (primaries, curve) == (1, _SRGB_CURVE):
        return None
    return _profile(_PRIMARIES[primaries], curve)


def profile_of_gamma(gamma: float, primaries: tuple[float, ...] | None) -> bytes | None:
    """A profile for a PNG's gAMA and cHRM, as Chromium reads them: None, for sRGB, where gAMA is
    the usual one and alone, or the numbers are no colours."""
    if not primaries and abs(gamma - 1 / 2.2) < 0.001:
        return None
    try:
        return _profile(primaries or _PRIMARIES[1], (1 / gamma,))
    except (ArithmeticError, struct.error):
        return None


def _profile(primaries: tuple[float, ...], curve: tuple[float, ...]) -> bytes:
    """An ICC.1:2010 profile: a header, a table of tags, the tags. Colours are adapted to the white
    of D50 by the Bradford method."""
    white, *colours = (
        [x / y, 1.0, (1 - x - y) / y] for x, y in zip(primaries[::2], primaries[1::2], strict=True)
    )
    columns = _transposed(colours)
    light = _product(_inverse(columns), _transposed([white]))
    columns = [[value * light[i][0] for i, value in enumerate(row)] for row in columns]
    cones = _product(_BRADFORD, _transposed([white, list(_D50)]))
    scale = [[cones[i][1] / cones[i][0] if i == j else 0.0 for j in range(3)] for i in range(3)]
    adapted = _product(_inverse(_BRADFORD), _product(scale, _product(_BRADFORD, columns)))
    xyz = [b"XYZ \0\0\0\0" + _fixed(*column) for column in _transposed(adapted)]
    shape = b"para\0\0\0\0" + struct.pack(">HH", 3 if len(curve) > 1 else 0, 0) + _fixed(*curve)
    tags = dict(zip((b"rXYZ", b"gXYZ", b"bXYZ"), xyz, strict=True))
    tags |= dict.fromkeys((b"rTRC", b"gTRC", b"bTRC"), shape)
    table, body, start = struct.pack(">I", len(tags)), b"", 132 + 12 * len(tags)
    for tag, content in tags.items():
        table += tag + struct.pack(">II", start + len(body), len(content))
        body += content
    about = (start + len(body), 0x04200000, b"mntr", b"RGB ", b"XYZ ", b"acsp")
    head = struct.pack(">I4xI4s4s4s12x4s28x", *about) + _fixed(*_D50)
    return head.ljust(128, b"\0") + table + body


def _fixed(*values: float) -> bytes:
    return b"".join(struct.pack(">i", round(value * 65536)) for value in values)


def _transposed(rows: Rows) -> Rows:
    return [list(column) for column in zip(*rows, strict=True)]


def _product(left: Rows, right: Rows) -> Rows:
    columns = _transposed(right)
    return [
        [sum(a * b for a, b in zip(row, column, strict=True)) for column in columns] for row in left
    ]


def _inverse(rows: Rows) -> Rows:
    """The inverse of a matrix of three rows of three."""
    (a, b, c), (d, e, f), (g, h, i) = rows
    minors = [
        [e * i - f * h, c * h - b * i, b * f - c * e],
        [f * g - d * i, a * i - c * g, c * d - a * f],
        [d * h - e * g, b * g - a * h, a * e - b * d],
    ]
    determinant = a * minors[0][0] + b * minors[1][0] + c * minors[2][0]
    return [[value / determinant for value in row] for row in minors]
