"""Pages with charts, and images of these: where they are written, and shown."""

from __future__ import annotations

import tempfile
import webbrowser
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import KW_ONLY, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from outdial.cli.output import fail, say

if TYPE_CHECKING:
    from outdial.drawing.charts import Chart
    from outdial.drawing.page import Page

Html = Annotated[
    Path | None,
    typer.Option("--html", help="Write a page with charts to a file.", show_default=False),
]
Opened = Annotated[bool, typer.Option("--open", help="Open the page in a browser.")]


@dataclass(frozen=True)
class Drawn:
    """What a command is to draw besides printing."""

    html: Path | None
    _: KW_ONLY
    opened: bool
    """Without a file for the page, it is a temporary one."""
    png: Path | None = None

    def __bool__(self) -> bool:
        return self.opened or self.html is not None or self.png is not None

    def write_page(self, page: Callable[[], Page], name: str) -> None:
        """Write the page and open it, where that is to be done."""
        from outdial.drawing.page import write_page

        path = self.html
        if path is None and not self.opened:
            return
        text = write_page(page())
        with writing():
            if path is None:
                path = Path(tempfile.mkdtemp(prefix="outdial-")) / f"{name}.html"
            path.write_text(text, encoding="utf-8")
        say(f"The page is {path}.", to_stderr=True)
        if self.opened:
            webbrowser.open(path.absolute().as_uri())

    def write_images(self, charts: Callable[[], Mapping[str, Chart]]) -> None:
        """Write each chart as a PNG, where that is to be done."""
        from outdial.drawing.images import draw_png

        if self.png is None:
            return
        images = {name: draw_png(chart) for name, chart in charts().items()}
        with writing():
            self.png.mkdir(parents=True, exist_ok=True)
            for name, image in images.items():
                (self.png / f"{name}.png").write_bytes(image)
        say(f"Images are in {self.png}.", to_stderr=True)


@contextmanager
def writing() -> Iterator[None]:
    """A file that can't be written ends the command with a line."""
    try:
        yield
    except OSError as error:
        fail(f"can't write {error.filename}: {error.strerror}")
