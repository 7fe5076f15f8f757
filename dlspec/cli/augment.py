"""`dlspec augment CONFIG --out FILE`."""

import io
from pathlib import Path
from typing import Annotated, Any

import typer

from dlspec.cli import options


def augment(
    config: options.Config,
    out: Annotated[Path, typer.Option(help="The sheet, a PNG file.", metavar="FILE", show_default=False)],
    overrides: options.Set = None,
    examples: Annotated[int, typer.Option(min=1, max=100, help="Rows: training images, from the first.")] = 8,
    copies: Annotated[int, typer.Option(min=1, max=100, help="Columns beside the originals: epochs.")] = 8,
    force: options.Force = False,
) -> None:
    """Draw training images beside what augmentation makes of them."""
    from dlspec import preparation
    from dlspec.config import loader
    from dlspec.errors import UsageError
    from dlspec.run import storage

    if out.suffix.lower() != ".png":
        raise UsageError(f"{out}: expected a name that ends in .png")
    options.check_new(out, force=force)
    sheet = preparation.contact_sheet(
        preparation.prepare(loader.load(config, overrides or ())), examples=examples, copies=copies
    )
    content = _png(sheet)
    storage.make_parents(out.parent)
    storage.write_file(out, content)
    typer.echo(f"{out}: the originals on the left, beside each its first {copies} epochs")


def _png(sheet: Any) -> bytes:
    """The file of an image `(h, w)` or `(h, w, c)`, an array of bytes."""
    from dlspec.errors import UsageError

    try:
        from PIL import Image
    except ImportError:
        raise UsageError("drawing images needs Pillow, which is not installed: pip install 'dlspec[images]'") from None
    buffer = io.BytesIO()
    Image.fromarray(sheet).save(buffer, format="PNG")
    return buffer.getvalue()
