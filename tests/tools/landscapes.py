"""Paints landscapes, for screenshots that should look like a gallery of photographs."""

from collections.abc import Sequence
from itertools import pairwise
from random import Random

from PIL import Image, ImageChops, ImageColor, ImageDraw, ImageFilter, ImageOps

Size = tuple[int, int]

SIZES = ((1600, 1067), (1067, 1600), (1600, 1200), (1200, 1600), (1600, 900), (2000, 500))
SKIES = {
    "dawn": ("#33416f", "#77729f", "#c98f9f", "#f2b79a", "#fbdcb0"),
    "noon": ("#2c68ad", "#5795d0", "#93c0e4", "#cfe3ef", "#e9f1f2"),
    "golden": ("#4d76a6", "#8fb0c8", "#d9d2bb", "#f6d49a", "#f8b968"),
    "dusk": ("#1c1d42", "#4a2f66", "#a2476a", "#e8705a", "#fbb765"),
    "night": ("#04060f", "#091229", "#13213f", "#243a5c", "#3c5474"),
}
"""From the zenith down to the horizon."""
PALETTES = (
    ("#ffb454", "#ff8a3c", "#ffd79a", "#e8583c"),
    ("#5ec8ff", "#3a7bff", "#b48cff", "#ff7ab8"),
    ("#ffcf6a", "#8fd6a0", "#5fb0c8", "#ff9a76"),
)


def landscape(seed: int, size: Size | None = None) -> Image.Image:
    """The scene of this number: the same picture every time, another for another number."""
    rng = Random(f"3 {seed}")  # the best looking of the first three series
    image = SCENES[seed % len(SCENES)](rng, size or SIZES[seed % len(SIZES)])
    # What a lens and a film add: darker corners and grain.
    darker = [255 - max(0, v - 110) // 3 for v in range(256)]
    corners = Image.radial_gradient("L").resize(image.size).point(darker)
    image = ImageChops.multiply(image, Image.merge("RGB", [corners] * 3))
    grain = Image.frombytes("L", image.size, rng.randbytes(image.width * image.height))
    grain = grain.filter(ImageFilter.BoxBlur(0.6)).point([128 + (v - 128) // 9 for v in range(256)])
    return ImageChops.add(image, Image.merge("RGB", [grain] * 3), 1, -128)


def _mix(a: str, b: str, part: float) -> str:
    """A colour, as CSS writes it, from a (0) to b (1)."""
    pairs = zip(ImageColor.getrgb(a), ImageColor.getrgb(b), strict=True)
    return "#" + "".join(f"{round(x + (y - x) * part):02x}" for x, y in pairs)


def _gradient(size: Size, colours: Sequence[str]) -> Image.Image:
    """From the first colour on top to the last at the bottom."""
    strip = Image.new("RGB", (1, len(colours)))
    strip.putdata([ImageColor.getrgb(colour) for colour in colours])
    return strip.resize((1, size[1]), Image.Resampling.BICUBIC).resize(size)


def _noise(rng: Random, size: Size, across: int, down: int, octaves: int) -> Image.Image:
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


def _glow(image: Image.Image, x: float, y: float, radius: float, colour: str) -> None:
    """Adds light around a point; all in shares of the image."""
    r = round(radius * max(image.size))
    left, top = round(x * image.width) - r, round(y * image.height) - r
    box = (left, top, left + 2 * r, top + 2 * r)
    # Pillow's gradient reaches 255 only in the corners; the light has to end at the edge.
    falloff = [round(255 * max(0.0, 1 - 1.42 * v / 255) ** 2.2) for v in range(256)]
    disc = Image.radial_gradient("L").resize((2 * r, 2 * r)).point(falloff)
    light = Image.composite(Image.new("RGB", disc.size, colour), Image.new("RGB", disc.size), disc)
    image.paste(ImageChops.screen(image.crop(box), light), box[:2])


def _ridge(rng: Random, rough: float, steps: int = 9) -> list[float]:
    """A skyline by midpoint displacement: 2**steps + 1 heights from 0 to 1."""
    line, swing = [rng.random(), rng.random()], 1.0
    for _ in range(steps):
        swing *= rough
        middle = [(a + b) / 2 + rng.uniform(-swing, swing) for a, b in pairwise(line)]
        line = [v for pair in zip(line, middle, strict=False) for v in pair] + line[-1:]
    low, high = min(line), max(line)
    return [(v - low) / (high - low) for v in line]


def _silhouette(size: Size, line: Sequence[float], top: float, bottom: float) -> Image.Image:
    """A mask of all below the line, which runs between the heights top and bottom (0 to 1)."""
    w, h = size
    step = w / (len(line) - 1)
    points = [(i * step, h * (bottom + (top - bottom) * v)) for i, v in enumerate(line)]
    mask = Image.new("L", size)
    ImageDraw.Draw(mask).polygon([*points, (w, h), (0, h)], fill=255)
    return mask.filter(ImageFilter.BoxBlur(0.7))


def _sky(rng: Random, size: Size, hour: str, clouds: float, horizon: float) -> Image.Image:
    """A sky with clouds lit from below; clouds is how much of it they cover."""
    colours = SKIES[hour]
    image = Image.new("RGB", size, colours[-1])
    size = (size[0], round(size[1] * horizon))
    small = (size[0] // 2, size[1] // 2)
    mask = _noise(rng, small, 2, 5, 6).point(_curve(int(235 - 150 * clouds), 255, 215))
    mask = ImageChops.multiply(mask, Image.linear_gradient("L").rotate(180).resize(small))
    white = "#ffffff" if hour == "noon" else _mix(colours[-1], "#ffffff", 0.25)
    lit = _mix(white, colours[1], 0.05)
    shade = _gradient(size, [_mix(colours[1], lit, 0.35), _mix(colours[2], lit, 0.85), lit])
    image.paste(_gradient(size, colours))
    image.paste(shade, mask=mask.resize(size, Image.Resampling.BILINEAR))
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


def _mirror(rng: Random, image: Image.Image, shore: float, calm: float) -> None:
    """Water below the shore line (0 to 1): what stands above it, upside down and rippled."""
    w, h = image.size
    y = round(h * shore)
    size = (w, h - y)
    above = image.crop((0, max(0, 2 * y - h), w, y)).transpose(Image.Transpose.FLIP_TOP_BOTTOM)
    above = above.resize(size).filter(ImageFilter.BoxBlur((1, h / 150 / calm)))
    ripple = _noise(rng, size, 6, 90, 2).point(_curve(90, 220))
    far = ImageChops.offset(above, 0, round(h * 0.02 / calm))
    far.paste(above.crop((0, 0, w, round(h * 0.02 / calm))), (0, 0))
    depth = _gradient(size, ["#e4e4e4", "#b6bec6", "#828e9a"])
    image.paste(ImageChops.multiply(Image.composite(far, above, ripple), depth), (0, y))


def _range(rng: Random, image: Image.Image, hour: str, top: float, bottom: float) -> None:
    """Mountains, one behind the other, each bluer and paler the farther it is."""
    colours = SKIES[hour]
    near = _mix(_mix("#16231f", "#101a2a", rng.random()), colours[1], 0.18)
    for layer in range(5):
        part = ((layer + 0.6) / 5) ** 1.2
        line = _ridge(rng, rng.uniform(0.47, 0.56) - 0.06 * part)
        high = top + (bottom - top) * layer / 5
        mask = _silhouette(image.size, line, high, high + (bottom - top) * 0.42)
        body = _mix(_mix(colours[-2], colours[1], 0.6), near, part)
        veil = _mix(body, colours[-1], 0.55 * (1 - part) + 0.12)
        rows = [body] * max(1, round(high * 8)) + [_mix(body, veil, 0.5), veil, veil, veil]
        image.paste(_gradient(image.size, rows), mask=mask)


def _sun(image: Image.Image, hour: str, x: float, y: float) -> None:
    for radius, shade in ((0.55, 0.45), (0.16, 0.1)):
        _glow(image, x, y, radius, _mix(SKIES[hour][-1], "#000000", shade))
    _glow(image, x, y, 0.035, "#fffbe8")


def _mountains(rng: Random, size: Size) -> Image.Image:
    hour = rng.choice(("dawn", "noon", "golden", "dusk"))
    image = _sky(rng, size, hour, rng.uniform(0.2, 0.8), 0.72)
    _sun(image, hour, rng.uniform(0.2, 0.8), rng.uniform(0.2, 0.4))
    _range(rng, image, hour, rng.uniform(0.28, 0.42), 0.95)
    wood = _trees(rng, size, 0.95, rng.uniform(0.12, 0.3), 90)
    image.paste(_mix("#0c1512", SKIES[hour][1], 0.1), mask=wood)
    return image


def _lake(rng: Random, size: Size) -> Image.Image:
    hour = rng.choice(("dawn", "golden", "noon", "dusk"))
    shore = rng.uniform(0.55, 0.64)
    image = _sky(rng, size, hour, rng.uniform(0.3, 0.9), shore)
    _sun(image, hour, rng.uniform(0.15, 0.85), shore * 0.6)
    _range(rng, image, hour, shore * 0.4, shore + 0.05)
    wood = _trees(rng, size, shore - 0.01, 0.09, 160)
    image.paste(_mix("#0e1a18", SKIES[hour][2], 0.15), mask=wood)
    _mirror(rng, image, shore, rng.uniform(0.4, 1.2))
    return image


def _sea(rng: Random, size: Size) -> Image.Image:
    w, h = size
    hour = rng.choice(("dusk", "golden", "dawn"))
    shore, x = rng.uniform(0.5, 0.66), rng.uniform(0.25, 0.75)
    image = _sky(rng, size, hour, rng.uniform(0.5, 1), shore)
    _sun(image, hour, x, shore * rng.uniform(0.72, 0.97))
    _mirror(rng, image, shore, 0.35)
    sea = (w, h - round(h * shore))
    path = ImageOps.invert(Image.radial_gradient("L").point(_curve(0, 190)))
    glitter = Image.new("L", sea)
    glitter.paste(path.resize((w // 3, sea[1] * 2)), (round(w * x) - w // 6, -sea[1] // 2))
    glitter = ImageChops.multiply(glitter, _noise(rng, sea, 8, 60, 3).point(_curve(150, 250)))
    image.paste(_mix(SKIES[hour][-1], "#ffffff", 0.5), (0, h - sea[1]), glitter)
    line = [max(0.0, v - 0.45) for v in _ridge(rng, 0.45)]
    isles = _silhouette(size, line, shore - 0.16, shore + 0.002)
    isles.paste(0, (0, round(h * shore), w, h))
    image.paste(_mix(SKIES[hour][0], SKIES[hour][2], 0.3), mask=isles)
    return image


def _night(rng: Random, size: Size) -> Image.Image:
    w, h = size
    image = _gradient(size, SKIES["night"])
    nebulas = _noise(rng, size, 3, 3, 6).point(_curve(130, 255, 190))
    image.paste(_gradient(size, ["#5a6aa8", "#9a8fc0", "#d8b8a8"]), mask=nebulas)
    draw = ImageDraw.Draw(image)
    for _ in range(w * h // 900):
        x, y, r = rng.random() * w, rng.random() * h * 0.95, rng.random() ** 6 * w / 700 + 0.35
        light = rng.randint(90, 255)
        draw.ellipse((x - r, y - r, x + r, y + r), fill=(light, light, min(255, light + 20)))
    _range(rng, image, "night", 0.68, 1)
    image.paste("#04070b", mask=_trees(rng, size, 0.97, 0.28, 45))
    return image


def _bokeh(rng: Random, size: Size) -> Image.Image:
    w, h = size
    palette = rng.choice(PALETTES)
    dark = _mix(palette[1], "#05060c", 0.9), "#0c0c14", _mix(palette[3], "#05060c", 0.75)
    image = _gradient(size, dark)
    for _ in range(6):
        x, y = rng.random(), rng.gauss(0.5, 0.2)
        _glow(image, x, y, 0.35, _mix(rng.choice(palette), "#000000", 0.72))
    for depth, count in ((0.06, 30), (0.04, 45), (0.02, 60)):
        lights = Image.new("RGB", size)
        draw = ImageDraw.Draw(lights)
        for _ in range(count):
            x, y = rng.random() * w, rng.gauss(0.5, 0.22) * h
            r = depth * max(w, h) * rng.uniform(0.6, 1.1)
            tone = _mix(rng.choice(palette), "#000000", rng.uniform(0.25, 0.8))
            rim, width = _mix(tone, "#ffffff", 0.14), max(2, int(r / 14))
            draw.ellipse((x - r, y - r, x + r, y + r), fill=tone, outline=rim, width=width)
        image = ImageChops.screen(image, lights.filter(ImageFilter.BoxBlur(max(w, h) * depth / 14)))
    return image


SCENES = (_lake, _bokeh, _mountains, _night, _sea)
