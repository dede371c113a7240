"""The screenshots of the server's page, with the model in the box: page.jpg (1280 px) and page-phone.jpg (390 px).

python docs/images/page.py [FOLDER], with `pip install playwright` and Debian's Chromium
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

from playwright.sync_api import Browser, sync_playwright

HERE = Path(__file__).parent
EXAMPLES = HERE.parents[1] / "examples"
READY = "main[data-state=ready] #viewer[aria-busy=false]"


def main() -> None:
    """Start a server, take the screenshots, stop the server."""
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else HERE
    command = [sys.executable, "-m", "faceparse", "serve", "--port", "0"]
    with (
        subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server,
        sync_playwright() as driver,
    ):
        try:
            assert server.stdout
            address = re.split(r"\s", server.stdout.readline())[0]
            browser = driver.chromium.launch(
                executable_path=shutil.which("chromium"),
                args=["--no-sandbox", "--use-fake-device-for-media-stream"],
            )
            wide(browser, address, folder / "page.jpg")
            phone(browser, address, folder / "page-phone.jpg")
        finally:
            server.terminate()


def wide(browser: Browser, address: str, path: Path) -> None:
    """The classes of three faces, with the pointer on one of them."""
    page = browser.new_page(viewport={"width": 1280, "height": 800})
    page.goto(address)
    page.set_input_files("#file", EXAMPLES / "group.jpg")
    page.wait_for_selector(READY)
    page.hover("#stage", position={"x": 700, "y": 60})
    page.wait_for_timeout(300)  # until the colours have faded in
    page.screenshot(path=path, type="jpeg", quality=80)


def phone(browser: Browser, address: str, path: Path) -> None:
    """Other hair and lips, at half between before and after."""
    page = browser.new_page(
        viewport={"width": 390, "height": 844}, device_scale_factor=2, color_scheme="dark", has_touch=True
    )
    page.goto(address)
    page.set_input_files("#file", EXAMPLES / "collins.jpg")
    page.wait_for_selector(READY)
    page.check("[value=colours]")
    page.click("[aria-label='Lips: Crimson']")
    page.click("[aria-label='Hair: Copper']")
    page.wait_for_selector("[data-save=edit]:enabled")
    page.fill("#compare", "43")
    page.evaluate("() => { document.activeElement.blur(); scrollTo(0, 0) }")
    page.wait_for_timeout(300)
    page.screenshot(path=path, type="jpeg", quality=80)


if __name__ == "__main__":
    main()
