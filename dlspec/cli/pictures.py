"""Pictures that commands write."""

import io
from pathlib import Path
from typing import Any

from dlspec.cli.options import check_new


def check(out: Path, *, force: bool) -> None:
    """Refuse a name that cannot be written, before the work begins.

    Args:
        out: name of the picture.
        force: whether an existing file may be replaced.

    Raises:
        UsageError: it does not end in .png, is there already, or is a directory.
        RunBusyError: the place is not writable.
    """
    from dlspec.errors import UsageError

    if out.suffix.lower() != ".png":
        raise UsageError(f"{out}: expected a name that ends in .png")
    check_new(out, force=force)


def write(out: Path, picture: Any) -> None:
    """Write an image `(h, w)` or `(h, w, c)`, an array of bytes, as PNG.

    Raises:
        UsageError: no Pillow.
        RunError: the system refused.
    """
    from dlspec.errors import UsageError
    from dlspec.run import storage

    try:
        from PIL import Image
    except ImportError:
        raise UsageError("drawing images needs Pillow, which is not installed: pip install 'dlspec[images]'") from None
    buffer = io.BytesIO()
    Image.fromarray(picture).save(buffer, format="PNG")
    storage.make_parents(out.parent)
    storage.write_file(out, buffer.getvalue())
