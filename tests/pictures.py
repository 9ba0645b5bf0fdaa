"""Takes the documentation's pictures of the pages: ``python -m tests.pictures [FOLDER]``."""

from __future__ import annotations

import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser

from csr_exporter.status import Status
from tests.fakes import FakeJournal
from tests.page.chromium import chromium, status_page
from tests.page.world import changes, fine, mixed

FOLDER = Path(__file__).parent.parent / "docs" / "pictures"

DESK = {"viewport": {"width": 1280, "height": 800}, "device_scale_factor": 1.2}
PHONE = {"viewport": {"width": 360, "height": 780}, "device_scale_factor": 2}


@dataclass(frozen=True)
class Picture:
    """The page at *path*, of *statuses*, in a browser with these *settings* and the account *opened*."""

    name: str
    statuses: Sequence[Status]
    settings: Mapping[str, Any]
    path: str = ""
    opened: str | None = None
    whole: bool = True


def pictures(now: float) -> Sequence[Picture]:
    """All pictures."""
    return [
        Picture("status-light", mixed(now), {**DESK, "color_scheme": "light"}),
        Picture(
            "status-dark",
            fine(now)[:3],
            {**DESK, "device_scale_factor": 1, "color_scheme": "dark"},
            opened="production",
        ),
        Picture("status-phone", mixed(now), {**PHONE, "color_scheme": "light"}, whole=False),
        Picture("csrs-light", fine(now), {**DESK, "color_scheme": "light"}, "csrs?q=vpn&older_than=90d", whole=False),
        Picture("changes-dark", fine(now), {**DESK, "color_scheme": "dark"}, "changes", whole=False),
        Picture("changes-phone", fine(now), {**PHONE, "color_scheme": "light"}, "changes?q=vpn", whole=False),
        Picture("status-phone-chinese", mixed(now), {**PHONE, "color_scheme": "dark", "locale": "zh-CN"}, whole=False),
    ]


def take(picture: Picture, browser: Browser, file: Path) -> None:
    """Write *picture* to *file*, as PNG."""
    journal = FakeJournal(*changes(picture.statuses, time.time()), failures=0)
    with (
        status_page(picture.statuses, journal=journal) as address,
        browser.new_context(**picture.settings) as context,
    ):
        page = context.new_page()
        page.goto(address + picture.path)
        if picture.opened:
            page.locator("details.account > summary", has_text=picture.opened).click()
            page.mouse.move(0, 0)
        page.screenshot(path=file, full_page=picture.whole, animations="disabled")


def main(folder: Path) -> None:
    """Take all pictures into *folder*."""
    folder.mkdir(parents=True, exist_ok=True)
    with chromium() as browser:
        for picture in pictures(time.time()):
            take(picture, browser, folder / f"{picture.name}.png")


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else FOLDER)
