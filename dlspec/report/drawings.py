"""Pictures of examples as inline SVG: the decision boundary of two features, and the examples that cost the most.

Their content comes from `dlspec.pictures`, by way of `pictures.json`.
"""

from base64 import b64decode
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from dlspec.report import png
from dlspec.report.axes import Axis, short
from dlspec.report.markup import Markup, element, name_of, visible
from dlspec.report.numbers import percent
from dlspec.text import shortened

# Of the classes, in order; each is told from paper and from ink, and the first few from each other in any eye.
COLOURS = (
    (0, 114, 178), (213, 94, 0), (0, 140, 105), (190, 90, 150), (120, 94, 200),
    (140, 100, 50), (150, 140, 0), (30, 150, 190), (128, 128, 128), (200, 50, 70),
)  # fmt: skip
WEAKEST, STRONGEST = 26, 140  # opacity of a class where the network is unsure, and where it is certain
SIDE, LEFT, TOP, LOWER = 310.0, 54.0, 8.0, 36.0
SHAPES = (
    "M-4 0a4 4 0 1 0 8 0a4 4 0 1 0-8 0z", "M-3.5-3.5h7v7h-7z", "M0-4.5l4.4 8h-8.8z", "M0-5l5 5-5 5-5-5z",
    "M0 4.5l-4.4-8h8.8z",
)  # fmt: skip
IMAGE_SIDE = 96  # pixels of the page


def boundary_png(boundary: Mapping[str, Any]) -> bytes:
    """The regions of the classes as an image, the highest y on top; opacity says how sure the network is."""
    rows = list(zip(boundary["regions"], boundary["certainty"], strict=True))[::-1]
    pixels = bytearray()
    for regions, certainty in rows:
        for region, sure in zip(regions, certainty, strict=True):
            pixels += bytes((*COLOURS[int(region)], WEAKEST + (STRONGEST - WEAKEST) * int(sure) // 9))
    return png.encode(bytes(pixels), width=len(rows[0][0]), height=len(rows), channels=4)


def boundary(content: Mapping[str, Any]) -> Markup:
    """The decision boundary: regions, and examples as points; a ring marks one in the wrong region."""
    x_axis, y_axis = Axis(*content["x"]), Axis(*content["y"])
    names = [visible(name) for name in content["features"]]
    wrong = sum(point["class"] != point["predicted"] for point in content["points"])
    label = (
        f"Decision boundary over {names[0]} and {names[1]}, with {len(content['points'])} examples of "
        f"{content['split']}, {wrong} of them in the wrong region."
    )
    picture = element(
        "image",
        {
            "x": LEFT, "y": TOP, "width": SIDE, "height": SIDE, "preserveAspectRatio": "none",
            "href": png.address(boundary_png(content)),
        },
    )  # fmt: skip
    frame = element("rect", {"x": LEFT, "y": TOP, "width": SIDE, "height": SIDE, "class": "frame"})
    points = [_point(point, x_axis, y_axis) for point in content["points"]]
    attributes = {
        "viewBox": f"0 0 {LEFT + SIDE + LOWER:g} {TOP + SIDE + LOWER:g}",
        "class": "boundary",
        "role": "img",
        "aria-label": label,
    }
    return element("svg", attributes, picture, frame, *_scales(x_axis, y_axis, names), *points)


def class_key(number: int) -> Markup:
    """The mark of a class, for the legend."""
    path = element("path", {"d": SHAPES[number % len(SHAPES)], "class": f"point c{number}"})
    return element("svg", {"viewBox": "-7 -7 14 14", "class": "shape", "aria-hidden": "true"}, path)


def _point(point: Mapping[str, Any], x_axis: Axis, y_axis: Axis) -> Markup:
    x, y = LEFT + SIDE * x_axis.place(point["x"]), TOP + SIDE * (1 - y_axis.place(point["y"]))
    number = point["class"]
    kind = "point wrong" if number != point["predicted"] else "point"
    shape = SHAPES[number % len(SHAPES)]
    return element("path", {"transform": f"translate({x:.1f} {y:.1f})", "d": shape, "class": f"{kind} c{number}"})


def _scales(x_axis: Axis, y_axis: Axis, names: Sequence[str]) -> Iterator[Markup]:
    bottom = TOP + SIDE
    for tick in x_axis.ticks():
        x = LEFT + SIDE * x_axis.place(tick)
        yield element("text", {"x": f"{x:.1f}", "y": f"{bottom + 16:g}", "text-anchor": "middle"}, short(tick))
    for tick in y_axis.ticks():
        y = TOP + SIDE * (1 - y_axis.place(tick))
        yield element("text", {"x": f"{LEFT - 6:g}", "y": f"{y + 4:.1f}", "text-anchor": "end"}, short(tick))
    end = {"x": f"{LEFT + SIDE:g}", "y": f"{bottom + 33:g}", "text-anchor": "end", "class": "unit"}
    yield element("text", end, shortened(names[0], 30))
    turned = f"translate({LEFT + SIDE + 16:g} {TOP:g}) rotate(90)"
    yield element("text", {"transform": turned, "class": "unit"}, shortened(names[1], 30))


def worst(content: Mapping[str, Any]) -> Markup:
    """The examples that cost the most, as cards: image, true and predicted, loss."""
    cards = [element("li", {"class": "card"}, *_card(example)) for example in content["examples"]]
    return element("ol", {"class": "cards"}, *cards)


def _card(example: Mapping[str, Any]) -> Iterator[Markup]:
    if example.get("image"):
        yield image(example["image"], alt=f"example {example['row']}")
    yield element("p", {"class": "strong"}, f"Example {example['row']:,}")
    yield element("p", None, "is ", name_of(example["true"]))
    sure = f" ({percent(example['probability'])})" if example.get("probability") is not None else ""
    kind = "wrong" if example["wrong"] else None
    yield element("p", {"class": kind}, "taken for ", name_of(example["predicted"]), sure)
    yield element("p", {"class": "quiet"}, f"loss {example['loss']:.4g}")
    if example.get("features"):
        pairs = [element("li", None, name_of(name), f" {number:.4g}") for name, number in example["features"]]
        yield element("ul", {"class": "features"}, *pairs)


def image_png(content: Mapping[str, Any]) -> bytes:
    """The file of an image whose bytes came in base 64."""
    width, height, channels = content["width"], content["height"], content["channels"]
    return png.encode(b64decode(content["pixels"]), width=width, height=height, channels=channels)


def image(content: Mapping[str, Any], *, alt: str) -> Markup:
    """An image, its pixels as squares."""
    longest = max(content["width"], content["height"])
    size = {side: round(IMAGE_SIDE * content[side] / longest) or 1 for side in ("width", "height")}
    picture = element("image", {**size, "preserveAspectRatio": "none", "href": png.address(image_png(content))})
    attributes = {"viewBox": f"0 0 {size['width']} {size['height']}", **size, "class": "pixels", "role": "img"}
    return element("svg", {**attributes, "aria-label": alt}, picture)
