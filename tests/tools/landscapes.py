"""Paints landscapes and evening lights, for screenshots that look like a gallery of photos."""

from collections.abc import Sequence
from math import sin
from random import Random

from PIL import Image, ImageChops, ImageColor, ImageDraw, ImageFilter

Size = tuple[int, int]

SIZES = ((1600, 1067), (1067, 1600), (1600, 1200), (1200, 1600), (1600, 900), (2000, 500))
SKIES = (
    ("#33416f", "#77729f", "#c98f9f", "#f2b79a", "#fbdcb0"),
    ("#2c68ad", "#5795d0", "#93c0e4", "#cfe3ef", "#e9f1f2"),
    ("#4d76a6", "#8fb0c8", "#d9d2bb", "#f6d49a", "#f8b968"),
    ("#1c1d42", "#4a2f66", "#a2476a", "#e8705a", "#fbb765"),
    ("#04060f", "#091229", "#13213f", "#243a5c", "#3c5474"),
)
"""Colours at dawn, noon, late afternoon, dusk and night, from the zenith down to the horizon."""
LIGHTS = ("#ffb454", "#ff8a3c", "#e8583c", "#5ec8ff", "#b48cff", "#8fd6a0", "#ffd79a")


def landscape(seed: int, size: Size | None = None) -> Image.Image:
    """Paint the picture of this number; every number has a picture of its own."""
    chance = Random(seed)
    size = size or SIZES[seed % len(SIZES)]
    image = evening_lights(chance, size) if chance.random() < 0.2 else hills(chance, size)
    grain = Image.effect_noise(size, 7)
    return ImageChops.add(image, Image.merge("RGB", [grain] * 3), offset=-128)


def hills(chance: Random, size: Size) -> Image.Image:
    """Paint rows of hills that grow paler with distance, below clouds and often above a lake."""
    width, height = size
    sky = chance.choice(SKIES)
    image = gradient(size, sky)
    clouds = Image.new("L", size)
    for cells in (48, 24, 12, 6, 3):
        coarse = Image.frombytes("L", (cells, 3 * cells), chance.randbytes(3 * cells * cells))
        clouds = Image.blend(clouds, coarse.resize(size, Image.Resampling.BICUBIC), 0.5)
    image.paste(sky[-1], mask=clouds.point(lambda v: max(0, v - 110) * 2))
    sun = (chance.uniform(0.2, 0.8) * width, chance.uniform(0.2, 0.45) * height)
    image = add_light(image, sun, max(size) // 3, sky[-2])
    image = add_light(image, sun, max(size) // 25, "white")

    top = chance.uniform(0.4, 0.55)
    for distance in (0.8, 0.6, 0.4, 0.2, 0):
        waves = [(n, chance.uniform(0, 7)) for n in (4, 7, 12, 21, 33, 60, 97, 180)]
        skyline = [(0, height)]
        for x in range(width + 1):
            rise = sum(sin(n * x / width + phase) / n for n, phase in waves)
            skyline.append((x, height * (top - 0.2 * rise)))
        mask = Image.new("L", size)
        ImageDraw.Draw(mask).polygon([*skyline, (width, height)], fill=255)
        colour = Image.blend(gradient((1, 1), ["#0e1a1c"]), gradient((1, 1), sky[-2:]), distance)
        image.paste(colour.resize(size), mask=mask.filter(ImageFilter.BoxBlur(1)))
        top += 0.1
    if chance.random() < 0.5:
        shore = round(height * 0.66)
        lake = image.crop((0, 2 * shore - height, width, shore))
        lake = lake.transpose(Image.Transpose.FLIP_TOP_BOTTOM).filter(ImageFilter.BoxBlur((2, 9)))
        image.paste(lake.point(lambda v: v * 4 // 5), (0, shore))
    return image


def evening_lights(chance: Random, size: Size) -> Image.Image:
    """Paint lamps out of focus, like those behind the guests of a party."""
    image = gradient(size, ["#0c0c18", "#241a2c", "#0c0c14"])
    colours = chance.sample(LIGHTS, 3)
    for radius in (80, 50, 25):
        lights = Image.new("RGB", size)
        draw = ImageDraw.Draw(lights)
        for _ in range(18):
            centre = (chance.random() * size[0], chance.gauss(0.5, 0.2) * size[1])
            colour = ImageColor.getrgb(chance.choice(colours))
            part = chance.uniform(0.1, 0.6)
            draw.circle(centre, radius, tuple(round(value * part) for value in colour))
        image = ImageChops.screen(image, lights.filter(ImageFilter.BoxBlur(radius // 10)))
    return image


def gradient(size: Size, colours: Sequence[str]) -> Image.Image:
    """Blend from the first colour at the top to the last one at the bottom."""
    strip = Image.new("RGB", (1, len(colours)))
    strip.putdata([ImageColor.getrgb(colour) for colour in colours])
    return strip.resize((1, size[1]), Image.Resampling.BICUBIC).resize(size)


def add_light(
    image: Image.Image, centre: tuple[float, float], radius: int, colour: str
) -> Image.Image:
    light = Image.new("RGB", image.size)
    ImageDraw.Draw(light).circle(centre, radius / 2, colour)
    return ImageChops.screen(image, light.filter(ImageFilter.GaussianBlur(radius / 3)))
