"""Makes photographs, good and bad, for the tests."""

from __future__ import annotations

import io
import math
from collections.abc import Sequence
from functools import cache
from itertools import pairwise
from random import Random
from typing import Any

import pillow_heif
from PIL import Image, ImageChops, ImageColor, ImageDraw, ImageFilter, ImageOps
from PIL.ExifTags import GPS, IFD, Base
from PIL.PngImagePlugin import PngInfo

Size = tuple[int, int]
Colour = tuple[int, int, int]

SIZES: tuple[Size, ...] = (
    (1600, 1067), (1067, 1600), (1600, 1200), (1600, 1067), (1200, 1600), (1600, 900),
    (1300, 1300), (1600, 1067), (900, 1600), (1680, 720), (1600, 1067), (2000, 500),
)  # fmt: skip

SKIES = {
    "dawn": "#33416f #77729f #c98f9f #f2b79a #fbdcb0",
    "noon": "#2c68ad #5795d0 #93c0e4 #cfe3ef #e9f1f2",
    "golden": "#4d76a6 #8fb0c8 #d9d2bb #f6d49a #f8b968",
    "dusk": "#1c1d42 #4a2f66 #a2476a #e8705a #fbb765",
    "night": "#04060f #091229 #13213f #243a5c #3c5474",
    "fog": "#8696a3 #a3b0b8 #bfc8ca #d3d7d5 #dddeda",
}


COAST = (
    "#e8d3ae", "#e2c79c", "#cfb083", "#9fd4c4", "#55bdb9", "#2a9fb0", "#1c7f9c", "#135f84",
    "#0e4a70",
)  # fmt: skip


def landscape(seed: int, size: Size | None = None) -> Image.Image:
    """The scene of this number: the same picture every time, another for another number."""
    rng = Random(f"3 {seed}")  # the best looking of the first three series
    size = size or SIZES[seed % len(SIZES)]
    scale = min(1, 2000 / max(size)) * max(1, 160 / min(size))
    work = (min(2000, round(size[0] * scale)), min(2000, round(size[1] * scale)))
    image = SCENES[seed % len(SCENES)](rng, work)
    return _develop(rng, image if work == size else image.resize(size))


def _develop(rng: Random, image: Image.Image) -> Image.Image:
    """What a lens and a film add: darker corners and grain."""
    corners = Image.radial_gradient("L").point([255 - max(0, v - 110) // 3 for v in range(256)])
    image = ImageChops.multiply(
        image, corners.resize(image.size, Image.Resampling.BILINEAR).convert("RGB")
    )
    grain = Image.new("L", image.size)
    tile = Image.frombytes("L", (400, 400), rng.randbytes(160_000)).filter(ImageFilter.BoxBlur(0.6))
    tile = tile.point([128 + (v - 128) // 9 for v in range(256)])
    for x in range(0, image.width, 400):
        for y in range(0, image.height, 400):
            grain.paste(tile, (x, y))
    return ImageChops.add(image, Image.merge("RGB", [grain] * 3), 1, -128)


# Brushes


def _mix(a: str | Colour, b: str | Colour, part: float) -> Colour:
    a = ImageColor.getrgb(a)[:3] if isinstance(a, str) else a
    b = ImageColor.getrgb(b)[:3] if isinstance(b, str) else b
    return tuple(round(x + (y - x) * part) for x, y in zip(a, b, strict=True))  # type: ignore


def _gradient(size: Size, colours: Sequence[str | Colour]) -> Image.Image:
    strip = Image.new("RGB", (1, len(colours)))
    strip.putdata([_mix(colour, colour, 0) for colour in colours])
    tall = strip.resize((1, size[1]), Image.Resampling.BICUBIC)
    return tall.resize(size, Image.Resampling.NEAREST)


def _noise(rng: Random, size: Size, across: int, down: int, octaves: int = 5) -> Image.Image:
    """Clouds, waves, soil: noise in octaves from across by down cells, over the whole range."""
    work = (min(size[0], 500), min(size[1], 500))
    total = Image.new("L", work, 128)
    for octave in reversed(range(octaves)):
        cells = (min(work[0], across << octave), min(work[1], down << octave))
        grid = Image.frombytes("L", cells, rng.randbytes(cells[0] * cells[1]))
        total = Image.blend(total, grid.resize(work, Image.Resampling.BICUBIC), 0.5)
    return ImageOps.autocontrast(total, 1).resize(size, Image.Resampling.BILINEAR)


def _curve(low: int, high: int, top: int = 255) -> list[int]:
    """A table for point(): 0 up to low, rising softly to top at high."""
    steps = [min(1.0, max(0.0, (v - low) / (high - low))) for v in range(256)]
    return [round(top * s * s * (3 - 2 * s)) for s in steps]


def _glow(image: Image.Image, x: float, y: float, radius: float, colour: str | Colour) -> None:
    """Adds light around a point (in pixels) as a screen."""
    r = max(2, round(radius))
    box = (round(x) - r, round(y) - r, round(x) + r, round(y) + r)
    falloff = [round(255 * max(0.0, 1 - v / 255) ** 2.2) for v in range(256)]
    disc = Image.radial_gradient("L").point(_to_edge(falloff))
    disc = disc.resize((2 * r, 2 * r), Image.Resampling.BILINEAR)
    light = ImageChops.multiply(
        Image.merge("RGB", [disc] * 3), Image.new("RGB", disc.size, _mix(colour, colour, 0))
    )
    image.paste(ImageChops.screen(image.crop(box), light), box[:2])


def _to_edge(table: list[int]) -> list[int]:
    """Pillow's radial gradient reaches 255 in the corners: make it reach the end at the edge."""
    return [table[min(255, round(v * 1.42))] for v in range(256)]


def _ridge(rng: Random, rough: float, steps: int = 9) -> list[float]:
    """A skyline by midpoint displacement: 2**steps + 1 heights from 0 to 1."""
    line = [rng.random(), rng.random()]
    swing = 1.0
    for _ in range(steps):
        swing *= rough
        middle = [(a + b) / 2 + rng.uniform(-swing, swing) for a, b in pairwise(line)]
        line = [v for pair in zip(line, middle, strict=False) for v in pair] + line[-1:]
    low, high = min(line), max(line)
    return [(v - low) / (high - low) for v in line]


def _silhouette(size: Size, line: Sequence[float], top: float, bottom: float) -> Image.Image:
    """A mask of all below the line, which runs between the heights top and bottom (0 to 1)."""
    w, h = size
    points = [
        (i * w / (len(line) - 1), h * (bottom + (top - bottom) * v)) for i, v in enumerate(line)
    ]
    mask = Image.new("L", size)
    ImageDraw.Draw(mask).polygon([*points, (w, h), (0, h)], fill=255)
    edge = (0, max(0, round(h * min(top, bottom)) - 3), w, min(h, round(h * max(top, bottom)) + 3))
    if edge[3] > edge[1]:
        mask.paste(mask.crop(edge).filter(ImageFilter.BoxBlur(0.7)), edge)
    return mask


def _sky(
    rng: Random, size: Size, hour: str, clouds: float = 0.5, horizon: float = 1.0
) -> Image.Image:
    """A sky with clouds lit from below; clouds is how much of it they cover."""
    colours = SKIES[hour].split()
    whole, size = size, (size[0], round(size[1] * horizon))
    sky = _gradient(size, colours)
    small = (size[0] // 2, size[1] // 2)
    mask = _noise(rng, small, 2, 5, 6).point(_curve(int(235 - 150 * clouds), 255, 215))
    mask = ImageChops.multiply(mask, Image.linear_gradient("L").rotate(180).resize(small))
    lit = "#ffffff" if hour in ("noon", "fog") else _mix(colours[-1], "#ffffff", 0.25)
    lit = _mix(lit, colours[1], 0.75 if hour == "night" else 0.05)
    shade = _gradient(size, [_mix(colours[1], lit, 0.35), _mix(colours[2], lit, 0.85), lit])
    image = Image.new("RGB", whole, _mix(colours[-1], colours[-1], 0))
    image.paste(Image.composite(shade, sky, mask.resize(size, Image.Resampling.BILINEAR)))
    return image


def _trees(rng: Random, size: Size, base: float, tall: float, count: int) -> Image.Image:
    """A mask of conifers that stand on a hill at about base (0 to 1)."""
    w, h = size
    ground = _ridge(rng, 0.4, 6)
    mask = _silhouette(size, ground, base - 0.05, base + 0.03)
    draw = ImageDraw.Draw(mask)
    for _ in range(count):
        x = rng.random()
        foot = h * (base + 0.03 - 0.08 * ground[int(x * 64)]) + h * 0.01
        height, x = h * tall * rng.uniform(0.35, 1) ** 1.3, x * w
        for tier in range(9):
            y = foot - height * (1 - (tier + 1) / 9) * 0.97
            half = height * 0.17 * (tier + 1.2) / 9 * rng.uniform(0.8, 1.15)
            peak = (x, y - height * 0.2)
            draw.polygon([peak, (x + half, y), (x, y - height * 0.03), (x - half, y)], fill=255)
    return mask.filter(ImageFilter.BoxBlur(0.7))


def _mirror(rng: Random, image: Image.Image, shore: float, calm: float = 0.5) -> None:
    """Water below the shore line (0 to 1): what stands above it, upside down and rippled."""
    w, h = image.size
    y = round(h * shore)
    size = (w, h - y)
    above = image.crop((0, max(0, 2 * y - h), w, y)).transpose(Image.Transpose.FLIP_TOP_BOTTOM)
    above = above.resize(size).filter(ImageFilter.BoxBlur((1, h / 150 / calm)))
    ripple = _noise(rng, size, 6, 90, 2).point(_curve(90, 220))
    far = ImageChops.offset(above, 0, round(h * 0.02 / calm))
    far.paste(above.crop((0, 0, w, round(h * 0.02 / calm))), (0, 0))
    water = Image.composite(far, above, ripple)
    shine = ripple.point([235 - v // 9 for v in range(256)])
    water = ImageChops.multiply(water, Image.merge("RGB", [shine] * 3))
    depth = _gradient(size, ["#f4f4f4", "#c4ccd4", "#8c98a6"])
    image.paste(ImageChops.multiply(water, depth), (0, y))


def _stars(rng: Random, image: Image.Image, count: int, horizon: float) -> None:
    w, h = image.size
    draw = ImageDraw.Draw(image)
    for _ in range(count):
        x, y, r = rng.random() * w, rng.random() * h * horizon, rng.random() ** 6 * w / 700 + 0.35
        light = rng.randint(90, 255)
        draw.ellipse((x - r, y - r, x + r, y + r), fill=(light, light, min(255, light + 20)))


# Scenes


def _range(
    rng: Random, image: Image.Image, hour: str, top: float, bottom: float, layers: int = 5
) -> None:
    """Mountains, one behind the other, each bluer and paler the farther it is."""
    colours = SKIES[hour].split()
    near = _mix(_mix("#16231f", "#101a2a", rng.random()), colours[1], 0.18)
    for layer in range(layers):
        part = ((layer + 0.6) / layers) ** 1.2
        line = _ridge(rng, rng.uniform(0.47, 0.56) - 0.06 * part)
        high = top + (bottom - top) * layer / layers
        mask = _silhouette(image.size, line, high, high + (bottom - top) * 0.42)
        body = _mix(_mix(colours[-2], colours[1], 0.6), near, part)
        veil = _mix(body, colours[-1], 0.55 * (1 - part) + 0.12)
        rows = [body] * max(1, round(high * 8)) + [_mix(body, veil, 0.5), veil, veil, veil]
        image.paste(_gradient(image.size, rows), (0, 0), mask)


def _mountains(rng: Random, size: Size) -> Image.Image:
    hour = rng.choice(("dawn", "noon", "golden", "dusk", "fog"))
    image = _sky(rng, size, hour, rng.uniform(0.2, 0.8), 0.72)
    if hour != "fog":
        _sun(rng, image, hour, rng.uniform(0.2, 0.8), rng.uniform(0.2, 0.4))
    _range(rng, image, hour, rng.uniform(0.28, 0.42), 0.95, rng.randint(4, 7))
    dark = _mix("#0c1512", SKIES[hour].split()[1], 0.1)
    image.paste(dark, (0, 0), _trees(rng, size, 0.95, rng.uniform(0.12, 0.3), 90))
    return image


def _sun(rng: Random, image: Image.Image, hour: str, x: float, y: float) -> None:
    w, h = image.size
    warm = SKIES[hour].split()[-1]
    _glow(image, x * w, y * h, max(w, h) * 0.55, _mix(warm, "#000000", 0.45))
    _glow(image, x * w, y * h, max(w, h) * 0.16, _mix(warm, "#000000", 0.1))
    _glow(image, x * w, y * h, max(w, h) * 0.035, "#fffbe8")


def _lake(rng: Random, size: Size) -> Image.Image:
    hour = rng.choice(("dawn", "golden", "noon", "dusk"))
    shore = rng.uniform(0.55, 0.64)
    image = _sky(rng, size, hour, rng.uniform(0.3, 0.9), shore)
    _sun(rng, image, hour, rng.uniform(0.15, 0.85), shore * 0.6)
    _range(rng, image, hour, shore * 0.4, shore + 0.05, 4)
    wood = _trees(rng, size, shore - 0.01, 0.09, 160)
    image.paste(_mix("#0e1a18", SKIES[hour].split()[2], 0.15), (0, 0), wood)
    _mirror(rng, image, shore, rng.uniform(0.4, 1.2))
    return image


def _sea(rng: Random, size: Size) -> Image.Image:
    w, h = size
    hour = rng.choice(("dusk", "golden", "dawn"))
    shore, x = rng.uniform(0.5, 0.66), rng.uniform(0.25, 0.75)
    image = _sky(rng, size, hour, rng.uniform(0.5, 1), shore)
    _sun(rng, image, hour, x, shore * rng.uniform(0.72, 0.97))
    _mirror(rng, image, shore, 0.35)
    sea = (w, h - round(h * shore))
    waves = _noise(rng, sea, 8, 60, 3).point(_curve(150, 250))
    path = Image.radial_gradient("L").point(_curve(0, 190)).point(lambda v: 255 - v)
    lane = Image.new("L", sea)
    lane.paste(path.resize((w // 3, sea[1] * 2)), (round(w * x) - w // 6, -sea[1] // 2))
    glitter = ImageChops.multiply(waves, lane)
    image.paste(_mix(SKIES[hour].split()[-1], "#ffffff", 0.5), (0, h - sea[1]), glitter)
    if rng.random() < 0.7:
        line = [max(0.0, v - 0.45) for v in _ridge(rng, 0.45)]
        isle = _silhouette(size, line, shore - 0.16, shore + 0.002)
        isle.paste(0, (0, round(h * shore), w, h))
        image.paste(_mix(SKIES[hour].split()[0], SKIES[hour].split()[2], 0.3), (0, 0), isle)
    return image


def _night(rng: Random, size: Size) -> Image.Image:
    w, h = size
    image = _gradient(size, SKIES["night"].split())
    band = _noise(rng, size, 4, 4, 6).point(_curve(70, 250))
    strip = Image.linear_gradient("L").point(
        [255 - abs(v - 128) * 2 if v else 0 for v in range(256)]
    )
    strip = strip.point(_curve(40, 255)).resize((2 * max(size), max(size) // 2))
    strip = strip.rotate(rng.uniform(35, 65), expand=True)
    milky = Image.new("L", size)
    milky.paste(strip, ((w - strip.width) // 2, (h - strip.height) // 2))
    tint = _gradient(size, ["#5a6aa8", "#9a8fc0", "#d8b8a8"])
    milky = ImageChops.multiply(band, milky).point(lambda v: v * 5 // 8)
    image = ImageChops.screen(image, Image.composite(tint, Image.new("RGB", size), milky))
    _stars(rng, image, w * h // 900, 0.95)
    _range(rng, image, "night", 0.68, 1, 3)
    image.paste("#04070b", (0, 0), _trees(rng, size, 0.97, 0.28, 45))
    if rng.random() < 0.5:
        _glow(image, w * 0.42, h * 0.93, w * 0.12, "#c07830")
        _glow(image, w * 0.42, h * 0.945, w * 0.02, "#ffe8b0")
    return image


def _aurora(rng: Random, size: Size) -> Image.Image:
    w, h = size
    image = _gradient(size, ["#030612", "#071428", "#0b2436", "#123a45"])
    _stars(rng, image, w * h // 1800, 0.9)
    light = Image.new("RGB", size)
    for colour in ("#28c878", "#3fe09a", "#7858d8"):
        rays = _noise(rng, size, 18, 1, 4).point(_curve(60, 255))
        line = _ridge(rng, 0.4, 5)
        top = rng.uniform(0.1, 0.3)
        low = _silhouette(size, line, top + 0.45, top + 0.12).filter(ImageFilter.BoxBlur((9, 5)))
        high = ImageChops.offset(low, 0, -h // 3).filter(ImageFilter.BoxBlur((6, h // 7)))
        curtain = ImageChops.multiply(ImageChops.multiply(high, ImageChops.invert(low)), rays)
        light.paste(Image.composite(Image.new("RGB", size, colour), light, curtain), (0, 0))
    image = ImageChops.screen(image, light)
    _range(rng, image, "night", 0.6, 0.8, 3)
    if rng.random() < 0.6:
        _mirror(rng, image, 0.76, 0.8)
    else:
        image.paste("#03080a", (0, 0), _trees(rng, size, 0.93, 0.35, 70))
    return image


def _city(rng: Random, size: Size) -> Image.Image:
    w, h = size
    hour = rng.choice(("dusk", "night", "dusk"))
    shore = 0.72
    image = _sky(rng, size, hour, 0.5, shore)
    _glow(image, w * rng.random(), h * shore, w * 0.6, "#a06848")
    for layer in range(3):
        far = 1 - layer / 2
        tone = _mix("#0b0f1c", SKIES[hour].split()[2], 0.5 * far)
        _blocks(rng, image, shore, tone, far)
    _mirror(rng, image, shore, 0.3)
    return image


def _blocks(rng: Random, image: Image.Image, shore: float, tone: Colour, far: float) -> None:
    """One row of towers with lit windows."""
    w, h = image.size
    draw = ImageDraw.Draw(image)
    unit = max(3, round(max(w, h) / 330 * (1.3 - 0.5 * far)))
    x = -rng.randint(0, 9) * unit
    while x < w:
        wide = rng.randint(7, 18) * unit
        tall = h * (0.1 + 0.34 * rng.random() ** 1.6 * (0.7 + 0.5 * far)) + h * 0.05 * far
        top = round(h * shore - tall)
        draw.rectangle((x, top, x + wide, h * shore), fill=tone)
        if rng.random() < 0.25:
            draw.line((x + wide // 2, top, x + wide // 2, top - h * 0.06), fill=tone, width=2)
        lit = rng.uniform(0.12, 0.5)
        warm = rng.choice(("#ffcf85", "#ffe2b0", "#f5b96a", "#cfe3ff"))
        for column in range(x + unit, x + wide - unit, 2 * unit):
            for row in range(top + unit, round(h * shore) - unit, 2 * unit):
                if rng.random() < lit:
                    glass = _mix(tone, warm, rng.uniform(0.3, 1) * (1 - 0.6 * far))
                    draw.rectangle((column, row, column + unit - 1, row + unit - 1), fill=glass)
        x += wide + rng.randint(0, 2) * unit


def _dunes(rng: Random, size: Size) -> Image.Image:
    hour = rng.choice(("golden", "dawn", "noon"))
    image = _sky(rng, size, hour, 0.25, 0.6)
    _sun(rng, image, hour, rng.choice((0.15, 0.85)), 0.25)
    for layer in range(5):
        part = (layer + 1) / 5
        lit = _mix("#e6b98a", SKIES[hour].split()[-1], 0.55 * (1 - part))
        dark = _mix("#7d4a35", SKIES[hour].split()[2], 0.6 * (1 - part))
        line = _ridge(rng, 0.24, 9)
        top = 0.34 + 0.5 * part * part
        mask = _silhouette(size, line, top - 0.1, top + 0.12 * part + 0.05)
        image.paste(
            _gradient(size, [lit, lit, _mix(lit, dark, 0.3), _mix(lit, dark, 0.6)]), mask=mask
        )
        lee = [
            v * 0.55 + 0.45 * math.sin(i / 512 * 6 * part + layer) ** 2 for i, v in enumerate(line)
        ]
        lee = [min(a, b * 1.02) for a, b in zip(line, lee, strict=True)]
        shade = _silhouette(size, lee, top - 0.1, top + 0.12 * part + 0.05)
        ribs = _noise(rng, size, 3, 40, 3).point([210 + v // 6 for v in range(256)])
        body = _gradient(size, [dark, dark, _mix(lit, dark, 0.75), _mix(lit, dark, 0.5)])
        image.paste(
            ImageChops.multiply(body, Image.merge("RGB", [ribs] * 3)),
            mask=ImageChops.multiply(shade, mask),
        )
    return image


def _bokeh(rng: Random, size: Size) -> Image.Image:
    w, h = size
    palettes = (
        ("#ffb454", "#ff8a3c", "#ffd79a", "#e8583c"), ("#5ec8ff", "#3a7bff", "#b48cff", "#ff7ab8"),
        ("#ffcf6a", "#8fd6a0", "#5fb0c8", "#ff9a76"),
    )  # fmt: skip
    palette = rng.choice(palettes)
    image = _gradient(
        size, [_mix(palette[1], "#05060c", 0.9), "#0c0c14", _mix(palette[3], "#05060c", 0.75)]
    )
    for _ in range(6):
        _glow(
            image,
            rng.random() * w,
            rng.gauss(0.5, 0.2) * h,
            w * 0.4,
            _mix(rng.choice(palette), "#000000", 0.72),
        )
    for depth, count in ((0.06, 30), (0.04, 45), (0.02, 60)):
        lights = Image.new("RGB", size)
        draw = ImageDraw.Draw(lights)
        for _ in range(count):
            x, y = rng.random() * w, rng.gauss(0.5, 0.22) * h
            r = depth * max(w, h) * rng.uniform(0.6, 1.1)
            tone = _mix(rng.choice(palette), "#000000", rng.uniform(0.25, 0.8))
            draw.ellipse(
                (x - r, y - r, x + r, y + r),
                fill=tone,
                outline=_mix(tone, "#ffffff", 0.14),
                width=max(2, int(r / 14)),
            )
        image = ImageChops.screen(image, lights.filter(ImageFilter.BoxBlur(max(w, h) * depth / 14)))
    return image


def _flower(rng: Random, size: Size) -> Image.Image:
    w, h = size
    leaf = rng.choice(("#2f5a34", "#44683a", "#26494a", "#5b6a3a"))
    petal = rng.choice(("#f2f0ea", "#f4a8b8", "#e85a70", "#f7c948", "#a98ae0", "#ff9152"))
    image = _gradient(size, [_mix(leaf, "#ffffff", 0.35), leaf, _mix(leaf, "#000000", 0.45)])
    blobs = _noise(rng, size, 4, 4, 2).point(_curve(110, 240, 170))
    image.paste(_mix(leaf, "#fff3c0", 0.55), (0, 0), blobs)
    for _ in range(14):
        tone = _mix(rng.choice((petal, "#fff6d8", leaf)), "#000000", rng.uniform(0.35, 0.8))
        _glow(image, rng.random() * w, rng.random() * h * 0.8, rng.uniform(0.05, 0.14) * w, tone)
    image = image.filter(ImageFilter.BoxBlur(w / 160))
    for scale, blur in ((0.2, 14), (0.24, 7), (rng.uniform(0.36, 0.46), 0)):
        x, y = (
            (rng.uniform(0.4, 0.6), rng.uniform(0.42, 0.52))
            if not blur
            else (rng.random(), rng.uniform(0.2, 0.8))
        )
        bloom = _bloom(rng, round(min(w, h) * 2 * scale), petal, leaf)
        bloom = bloom.filter(ImageFilter.BoxBlur(blur)) if blur else bloom
        stem = Image.new("L", size)
        bend = x * w + rng.uniform(-0.1, 0.1) * w
        ImageDraw.Draw(stem).line(
            (x * w, y * h, bend, h * 1.05), fill=255, width=round(w * scale / 12)
        )
        stem = stem.filter(ImageFilter.BoxBlur(blur + 1))
        image.paste(
            _gradient(size, [_mix(leaf, "#c8e08a", 0.4), _mix(leaf, "#000000", 0.3)]), mask=stem
        )
        image.paste(bloom, (round(x * w - bloom.width / 2), round(y * h - bloom.height / 2)), bloom)
    return image


def _bloom(rng: Random, side: int, petal: str, leaf: str) -> Image.Image:
    """A daisy-like flower on a transparent square."""
    flower = Image.new("RGBA", (side, side), (*_mix(petal, leaf, 0.3), 0))
    draw = ImageDraw.Draw(flower)
    count, c, wide = rng.randint(13, 24), side / 2, rng.uniform(0.68, 0.95)
    for row in (0.5, 0.0):
        for i in range(count):
            angle = math.tau * (i + row + rng.uniform(-0.1, 0.1)) / count
            base = _mix(petal, leaf, 0.3 * row + rng.uniform(0.04, 0.16))
            _petal(draw, c, angle, side * rng.uniform(0.45, 0.49), wide * side / count, base)
    flower = flower.filter(ImageFilter.BoxBlur(0.9))
    r = side * 0.1
    heart = Image.new("L", flower.size)
    ImageDraw.Draw(heart).ellipse((c - r, c - r, c + r, c + r), fill=255)
    core = ImageOps.colorize(_noise(rng, flower.size, 60, 60, 2), "#5a3008", "#ffd860", "#d08a18")
    flower.paste(core, (0, 0), heart.filter(ImageFilter.BoxBlur(2)))
    return flower


def _petal(
    draw: ImageDraw.ImageDraw, c: float, angle: float, far: float, half: float, base: Colour
) -> None:
    """One petal that points away from the centre c: nested shapes from its rim to its light."""
    cos, sin = math.cos(angle), math.sin(angle)
    outline = [(0.1, 0.25), (0.35, 0.72), (0.6, 1), (0.8, 0.98), (0.93, 0.7), (1, 0.25)]
    outline += [(along, -across) for along, across in reversed(outline)]
    for step in range(8):
        narrow = 1 - step / 8
        tone = _mix(_mix(base, "#2a1430", 0.3), _mix(base, "#ffffff", 0.3), (step / 7) ** 0.6)
        points = [(far * along * (1 - 0.012 * step), half * narrow * v) for along, v in outline]
        draw.polygon([(c + a * cos - b * sin, c + a * sin + b * cos) for a, b in points], fill=tone)


def _forest(rng: Random, size: Size) -> Image.Image:
    w, h = size
    mist = rng.choice((("#c8d2cf", "#24352f"), ("#f0dcae", "#2f2a1c"), ("#b9c8d6", "#1c2a38")))
    image = _gradient(size, [_mix(mist[0], "#ffffff", 0.35), mist[0], _mix(*mist, 0.35)])
    x0, y0 = rng.uniform(0.3, 0.7) * w, h * 0.25
    _glow(image, x0, y0, w * 0.5, _mix(mist[0], "#000000", 0.4))
    for layer in range(5):
        part = (layer + 0.5) / 5
        tone = _mix(mist[0], mist[1], part**1.3)
        mask = Image.new("L", size)
        draw = ImageDraw.Draw(mask)
        for _ in range(round(26 - 19 * part)):
            x, half = rng.random() * w, max(w, h) * (0.003 + 0.016 * part) * rng.uniform(0.6, 1.2)
            lean = rng.uniform(-0.02, 0.02) * w
            draw.polygon(
                [
                    (x - half, h),
                    (x - half * 0.55 + lean, 0),
                    (x + half * 0.55 + lean, 0),
                    (x + half, h),
                ],
                fill=255,
            )
            for _ in range(10):
                y, reach = rng.random() * h * 0.7, rng.choice((-1, 1)) * rng.uniform(0.03, 0.1) * h
                draw.line(
                    (x, y, x + reach, y - abs(reach) * 0.5), fill=255, width=max(1, int(half / 4))
                )
        crown = Image.linear_gradient("L").rotate(180).point(_curve(40, 300)).resize(size)
        leaves = ImageChops.multiply(_noise(rng, size, 14, 7, 6), crown)
        mask = ImageChops.lighter(mask, leaves.point(_curve(60, 100, round(140 + 90 * part))))
        floor = _silhouette(size, _ridge(rng, 0.42, 7), 0.72 + 0.2 * part, 0.8 + 0.17 * part)
        mask = ImageChops.lighter(mask.filter(ImageFilter.BoxBlur(0.7)), floor)
        image.paste(
            _gradient(size, [tone, tone, _mix(tone, mist[0], 0.45 * (1 - part)), tone]), mask=mask
        )
    _glow(image, x0, y0, max(w, h) * 0.5, _mix(mist[0], "#000000", 0.55))
    return image


def _coast(rng: Random, size: Size) -> Image.Image:
    """A beach from above: sand, surf, shallows, deep water."""
    w, h = size
    slope = Image.linear_gradient("L").resize((w * 2, h * 2)).rotate(rng.uniform(20, 160))
    slope = slope.crop((w // 2, h // 2, w // 2 + w, h // 2 + h))
    slope = ImageOps.autocontrast(slope)
    depth = Image.blend(slope, _noise(rng, size, 3, 3, 6), 0.2)
    depth = ImageOps.autocontrast(depth)
    ramp = _gradient((1, 256), COAST)
    tables = [list(channel.tobytes()) for channel in ramp.split()]
    image = Image.merge("RGB", [depth.point(table) for table in tables])
    for line, wide in ((92, 9), (104, 5), (122, 4)):
        at = [max(0, 255 - abs(v - line) * 255 // wide) for v in range(256)]
        foam = ImageChops.multiply(
            depth.point(at), _noise(rng, size, 12, 12, 6).point(_curve(60, 170))
        )
        image.paste("#fbfdfb", (0, 0), foam)
    chop = (
        _noise(rng, size, 30, 40, 5)
        .point([244 + v // 12 for v in range(256)])
        .point(lambda v: min(v, 255))
    )
    image = ImageChops.multiply(image, Image.merge("RGB", [chop] * 3))
    draw = ImageDraw.Draw(image)
    for _ in range(rng.randint(0, 14)):
        x, y = rng.randrange(w), rng.randrange(h)
        if depth.crop((x, y, x + 1, y + 1)).tobytes()[0] < 62:  # on dry sand
            r = max(w, h) / 130
            draw.ellipse((x - r * 0.6, y - r * 0.6, x + r * 1.3, y + r * 1.3), fill="#b8976c")
            draw.ellipse(
                (x - r, y - r, x + r, y + r),
                fill=rng.choice(("#e85a4f", "#fff7ea", "#3f88a8", "#f2b84b")),
            )
    return image


def _field(rng: Random, size: Size) -> Image.Image:
    """Rows of blossoms that run to the horizon."""
    w, h = size
    hour = rng.choice(("golden", "dawn", "noon", "dusk"))
    horizon, x0 = rng.uniform(0.36, 0.46), rng.uniform(0.3, 0.7) * w
    image = _sky(rng, size, hour, 0.6, horizon)
    _sun(rng, image, hour, rng.uniform(0.2, 0.8), horizon * 0.75)
    _range(rng, image, hour, horizon - 0.12, horizon + 0.08, 3)
    bloom = rng.choice(("#7a5cc0", "#c8405a", "#e8b820", "#d878a8"))
    rows = Image.new("RGB", size, "#38482a")
    draw = ImageDraw.Draw(rows)
    y0, y1 = h * horizon, h * 1.02
    for i in range(-26, 27):
        a, b = x0 + (i - 0.3) * w * 0.17, x0 + (i + 0.34) * w * 0.17
        draw.polygon(
            [(x0 + i, y0), (a, y1), (b, y1)], fill=_mix(bloom, "#201830", rng.uniform(0, 0.2))
        )
        draw.polygon(
            [(x0 + i, y0), (a + (b - a) * 0.3, y1), (a + (b - a) * 0.7, y1)],
            fill=_mix(bloom, "#ffffff", 0.16),
        )
    specks = _noise(rng, size, 60, 60, 4).point([150 + v * 105 // 255 for v in range(256)])
    rows = ImageChops.multiply(
        rows.filter(ImageFilter.BoxBlur(w / 700)), Image.merge("RGB", [specks] * 3)
    )
    haze = _gradient(size, [SKIES[hour].split()[-1]] * 4 + [bloom] * 6)
    rows = Image.composite(
        haze, rows, _gradient(size, ["#fff"] * 4 + ["#aaa", "#444", "#111", "#000"]).convert("L")
    )
    image.paste(rows.crop((0, round(y0), w, h)), (0, round(y0)))
    return image


def _fireworks(rng: Random, size: Size) -> Image.Image:
    w, h = size
    image = _gradient(size, ["#070a1c", "#10163a", "#2a2450", "#5a3a50"])
    sparks = Image.new("RGB", size)
    draw = ImageDraw.Draw(sparks)
    for _ in range(rng.randint(3, 6)):
        x, y, reach = (
            rng.uniform(0.12, 0.88) * w,
            rng.uniform(0.12, 0.5) * h,
            rng.uniform(0.1, 0.24) * max(w, h),
        )
        colour = rng.choice(("#ffd27a", "#ff6a5a", "#7ad0ff", "#c89aff", "#9affb0", "#fff0d0"))
        for _ in range(170):
            angle, far = rng.uniform(0, math.tau), reach * rng.random() ** 0.5
            path = [
                (
                    x + math.cos(angle) * far * t,
                    y + math.sin(angle) * far * t + 0.22 * reach * t * t,
                )
                for t in (0.1, 0.3, 0.5, 0.7, 0.85, 1)
            ]
            for i, (a, b) in enumerate(pairwise(path)):
                draw.line(
                    (*a, *b), fill=_mix("#000000", colour, 0.35 + 0.16 * i), width=max(1, w // 900)
                )
    glow = sparks.resize((w // 4, h // 4)).filter(ImageFilter.BoxBlur(w / 130)).resize(size)
    image = ImageChops.screen(image, ImageChops.add(glow, glow))
    image = ImageChops.screen(
        ImageChops.screen(image, sparks), sparks.filter(ImageFilter.BoxBlur(2))
    )
    _blocks(rng, image, 0.86, (8, 9, 18), 0.3)
    _mirror(rng, image, 0.86, 0.3)
    return image


def _candles(rng: Random, size: Size) -> Image.Image:
    """Candles on a cake in a dark room."""
    w, h = size
    image = _gradient(size, ["#0c0807", "#1d110c", "#3a2016", "#1c0f0b"])
    for _ in range(22):
        tone = _mix(
            rng.choice(("#ffb454", "#ff7a4a", "#ffd79a")), "#000000", rng.uniform(0.55, 0.85)
        )
        _glow(image, rng.random() * w, rng.random() * h * 0.5, rng.uniform(0.03, 0.09) * w, tone)
    top, side = h * 0.68, rng.choice(("#f0d8c8", "#e8b0b4", "#6a3c28", "#d8e0d0"))
    cake = Image.new("L", size)
    draw = ImageDraw.Draw(cake)
    draw.rectangle((w * 0.14, top, w * 0.86, h), fill=255)
    shades = [_mix(side, "#140a06", part) for part in (0.3, 0.55, 0.8, 0.92)]
    image.paste(
        _gradient((w, h - round(top)), shades), (0, round(top)), cake.crop((0, round(top), w, h))
    )
    plate = Image.new("L", size)
    ImageDraw.Draw(plate).ellipse((w * 0.14, top - h * 0.07, w * 0.86, top + h * 0.07), fill=255)
    image.paste(_mix(side, "#ffe0a8", 0.35), (0, 0), plate.filter(ImageFilter.BoxBlur(2)))
    draw = ImageDraw.Draw(image)
    count = rng.randint(5, 9)
    for i in range(count):
        x = w * (0.2 + 0.6 * (i + 0.5) / count)
        foot = top + h * rng.uniform(-0.035, 0.04)
        tip, half = foot - h * rng.uniform(0.17, 0.24), min(w, h) * 0.011
        wax = rng.choice(("#f4ede0", "#8fc0d8", "#f0a0a8", "#f6d480"))
        draw.rectangle((x - half, tip, x + half, foot), fill=_mix(wax, "#7a4020", 0.15))
        draw.rectangle((x - half * 0.1, tip, x + half * 0.5, foot), fill=_mix(wax, "#ffffff", 0.3))
        _glow(image, x, tip - h * 0.03, max(w, h) * 0.13, "#8a4a18")
        flame = [
            (x, tip - h * 0.065),
            (x + half * 1.2, tip - h * 0.02),
            (x, tip),
            (x - half * 1.2, tip - h * 0.02),
        ]
        draw.polygon(flame, fill="#ffe9a8")
        _glow(image, x, tip - h * 0.022, h * 0.05, "#ffd070")
    return image


def _balloons(rng: Random, size: Size) -> Image.Image:
    """Hot-air balloons over hills in the morning."""
    w, h = size
    hour = rng.choice(("dawn", "golden", "noon"))
    colours = SKIES[hour].split()
    image = _sky(rng, size, hour, 0.4, 0.8)
    _sun(rng, image, hour, rng.uniform(0.2, 0.8), 0.6)
    _range(rng, image, hour, 0.66, 1.02, 4)
    for _ in range(rng.randint(5, 9)):
        near = rng.uniform(0.12, 1) ** 2
        side = round(min(w, h) * (0.05 + 0.27 * near))
        haze = _mix(colours[-2], colours[-1], 0.5)
        balloon = _balloon(rng, side, haze, 0.6 * (1 - near))
        x, y = rng.uniform(0.02, 0.98) * w - side / 2, rng.uniform(0.05, 0.62) * h - side / 4
        image.paste(balloon, (round(x), round(y)), balloon)
    return image


def _balloon(rng: Random, side: int, haze: Colour, veil: float) -> Image.Image:
    big = Image.new("RGBA", (side * 2, round(side * 2.7)))
    draw = ImageDraw.Draw(big)
    tones = rng.choice(
        (
            ("#d8433c", "#f6d9a0"),
            ("#2f6f9f", "#f2efe4"),
            ("#e89a2c", "#8c2f4f"),
            ("#3f8a78", "#f2c14e"),
        )
    )
    r, c = side * 0.95, side
    for i in range(9):
        wide = r * math.cos(i / 9 * math.pi / 2)
        tone = _mix(_mix(tones[i % 2], "#1a1020", 0.28 * (1 - i / 9)), haze, veil)
        skirt = [
            (c - wide, r),
            (c + wide, r),
            (c + wide * 0.18, r * 2.25),
            (c - wide * 0.18, r * 2.25),
        ]
        draw.ellipse((c - wide, 0, c + wide, 2 * r), fill=tone)
        draw.polygon(
            [(c - wide * 0.93, r * 1.38), (c + wide * 0.93, r * 1.38), *skirt[2:]], fill=tone
        )
    basket = _mix("#4a2c18", haze, veil)
    draw.rectangle((c - r * 0.13, r * 2.5, c + r * 0.13, r * 2.72), fill=basket)
    for x in (-0.12, 0.12):
        draw.line((c + r * x, r * 2.2, c + r * x, r * 2.5), fill=basket, width=max(1, side // 60))
    return big.resize((side, round(side * 1.35)), Image.Resampling.LANCZOS)


SCENES = (
    _lake, _flower, _city, _mountains, _forest, _sea, _bokeh, _coast, _night, _field,
    _fireworks, _dunes, _candles, _aurora, _balloons,
)  # fmt: skip


# Files


PILLOW_NAMES = {
    "jpg": "JPEG", "mpo": "MPO", "png": "PNG", "apng": "PNG", "gif": "GIF", "webp": "WEBP",
    "avif": "AVIF", "heic": "HEIF",
}  # fmt: skip
FORMATS = tuple(PILLOW_NAMES)
VENICE = (45.4341, 12.3388)
XMP = (
    b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf='
    b'"http://www.w3.org/1999/02/22-rdf-syntax-ns#"><rdf:Description rdf:about="" '
    b'xmlns:exif="http://ns.adobe.com/exif/1.0/" xmlns:xmp="http://ns.adobe.com/xap/1.0/" '
    b'xmp:CreatorTool="Camera 7.2" %s/></rdf:RDF></x:xmpmeta>'
)


@cache
def photo_bytes(
    format: str = "jpg",  # noqa: A002
    seed: int = 0,
    size: Size = (480, 320),
    *,
    frames: int = 1,
    alpha: bool = False,
    orientation: int = 1,
    gps: tuple[float, float] | None = None,
    metadata: bool = True,
    **options: Any,
) -> bytes:
    """A photo as a phone writes it. Several frames make an animation (in an MPO, a second view);
    gps is latitude and longitude, then in EXIF and in XMP (GIF has neither); options are Pillow's
    own, such as quality=, progressive=, subsampling= and lossless=."""
    image = landscape(seed, size)
    if alpha:
        round_corners = Image.new("L", image.size)
        box = (0, 0, image.width - 1, image.height - 1)
        ImageDraw.Draw(round_corners).rounded_rectangle(box, min(size) // 4, fill=255)
        image.putalpha(round_corners)
    if format in ("apng", "mpo"):
        frames = max(2, frames)
    if metadata and format != "gif":
        options = {"exif": phone_exif(seed, orientation, gps), "xmp": _xmp(gps), **options}
    if frames > 1:
        moves = [ImageChops.offset(image, 3 * i, i) for i in range(1, frames)]
        options |= {"save_all": True, "append_images": moves}
        options |= {} if format in ("mpo", "heic") else {"duration": 120, "loop": 0}
    return encode(image, format, **options)


def encode(image: Image.Image, format: str, **options: Any) -> bytes:  # noqa: A002
    """The image in one of FORMATS; options are Pillow's own."""
    pillow_heif.register_heif_opener()
    if format in ("png", "apng") and (xmp := options.pop("xmp", None)):
        options["pnginfo"] = PngInfo()
        options["pnginfo"].add_itxt("XML:com.adobe.xmp", xmp.decode())
    if format in ("webp", "avif"):
        options = {"method": 1} | options if format == "webp" else {"speed": 9} | options
    content = io.BytesIO()
    image.save(content, PILLOW_NAMES[format], **options)
    return content.getvalue()


def phone_exif(
    seed: int = 0, orientation: int = 1, gps: tuple[float, float] | None = None
) -> bytes:
    """Taken on the first of June 2024 at 20:00:00 Rome time, one second later for each seed."""
    exif = Image.Exif()
    makers = (("Apple", "iPhone 15 Pro"), ("Google", "Pixel 8"), ("samsung", "SM-S918B"))
    exif[Base.Make], exif[Base.Model] = makers[seed % len(makers)]
    exif[Base.Orientation] = orientation
    details = exif.get_ifd(IFD.Exif)
    details[Base.DateTimeOriginal] = f"2024:06:01 20:{seed // 60 % 60:02}:{seed % 60:02}"
    details[Base.OffsetTimeOriginal] = "+02:00"
    if gps:
        place = exif.get_ifd(IFD.GPSInfo)
        place[GPS.GPSLatitudeRef] = "N" if gps[0] >= 0 else "S"
        place[GPS.GPSLatitude] = _sexagesimal(gps[0])
        place[GPS.GPSLongitudeRef] = "E" if gps[1] >= 0 else "W"
        place[GPS.GPSLongitude] = _sexagesimal(gps[1])
    return exif.tobytes()


def _sexagesimal(degrees: float) -> tuple[float, float, float]:
    minutes, seconds = divmod(round(abs(degrees) * 3600, 2), 60)
    return (*divmod(minutes, 60), round(seconds, 2))


def _xmp(gps: tuple[float, float] | None) -> bytes:
    if not gps:
        return XMP % b""
    place = [
        f"{int(abs(v))},{abs(v) % 1 * 60:.4f}{'NSEW'[2 * i + (v < 0)]}" for i, v in enumerate(gps)
    ]
    return XMP % f'exif:GPSLatitude="{place[0]}" exif:GPSLongitude="{place[1]}"'.encode()


@cache
def a_phone_batch(n: int = 30) -> tuple[tuple[str, bytes], ...]:
    """Names and photos as a party brings them: the odd ones first, then cameras' own names."""
    odd: list[tuple[str, str, dict[str, Any]]] = [
        ("IMG_1234.JPG", "jpg", {"gps": VENICE}),
        ("IMG_0001.HEIC", "heic", {"gps": VENICE}),
        ("PXL_20240601_180412345.jpg", "jpg", {"size": (320, 480)}),
        ("Screenshot 2024-06-01 at 20.15.33.png", "png", {"metadata": False}),
        ("写真 3.jpg", "jpg", {}),
        ("Смотри.webp", "webp", {}),
        ("🎂🎉.jpg", "jpg", {"orientation": 6}),
        ("image.jpg", "jpg", {}),
        ("image.jpg", "jpg", {}),
        ("party.gif", "gif", {"frames": 5, "size": (240, 160)}),
        ("dunes.avif", "avif", {"size": (800, 200)}),
        ("PXL_20240601_190012000.MP.jpg", "jpg", {}),
        ("DSC_0042.MPO", "mpo", {}),
        ("sticker.webp", "webp", {"alpha": True, "lossless": True}),
        ("blink.png", "apng", {"frames": 3, "size": (240, 160)}),
    ]
    odd += [(f"IMG_{2000 + i}.jpg", "jpg", {}) for i in range(len(odd), n)]
    batch = []
    for seed, (name, kind, options) in enumerate(odd[:n]):
        content = photo_bytes(kind, seed, **{"size": (480, 320), **options})
        batch.append((name, content + motion_trailer(seed) if ".MP." in name else content))
    return tuple(batch)


def motion_trailer(seed: int = 0) -> bytes:
    """What a Motion Photo has behind its JPEG: the beginning and the data of a small MP4."""
    film = Random(seed).randbytes(4000)
    brand = b"\0\0\0\x18ftypmp42\0\0\0\0isommp42"
    return brand + (len(film) + 8).to_bytes(4) + b"mdat" + film
