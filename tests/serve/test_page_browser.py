"""The page at `/` in a real browser: Debian's Chromium, driven by Playwright; .ci/slow installs both."""

from __future__ import annotations

import io
import json
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from zipfile import ZipFile

import httpx
import numpy as np
import pytest
from PIL import Image

from tests.conftest import ROOT
from tests.serve.test_processes import PATIENT, Server, serving

playwright = pytest.importorskip("playwright.sync_api", reason="Playwright is not installed")
CHROMIUM = shutil.which("chromium")
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not CHROMIUM, reason="Chromium is not installed"),
]

COLLINS, GROUP = ROOT / "examples" / "collins.jpg", ROOT / "examples" / "group.jpg"
WIDE, PHONE = {"width": 1280, "height": 860}, {"width": 390, "height": 844}
CAMERA = ("--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream")
DEFAULT = Path("default")


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with serving(DEFAULT, tmp_path_factory.mktemp("server")) as running:
        yield running


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", *CAMERA])
        yield browser
        browser.close()


@contextmanager
def watched(browser: Any, address: str, faults: tuple[str, ...] = (), **context: Any) -> Iterator[Any]:
    """A page; at its end, no request has left for another host, and the console has no error but `faults`."""
    tab = browser.new_context(**{"viewport": WIDE, **context})
    page = tab.new_page()
    errors: list[str] = []
    hosts: set[str] = set()
    page.on("console", lambda said: errors.extend([said.text] * (said.type in ("error", "warning"))))
    page.on("pageerror", lambda error: errors.append(str(error)))
    tab.on("request", lambda request: hosts.add(urlsplit(request.url).netloc))
    page.goto(address)
    yield page
    tab.close()
    assert [error for error in errors if not any(fault in error for fault in faults)] == []
    assert hosts - {""} == {urlsplit(address).netloc}  # blobs have no host


@pytest.fixture
def visit(browser: Any, server: Server) -> Callable[..., Any]:
    return lambda **context: watched(browser, server.address, **context)


def choose(page: Any, picture: Path | dict[str, Any]) -> None:
    page.set_input_files("#file", picture)
    ready(page)


def ready(page: Any) -> None:
    page.wait_for_selector("main[data-state=ready]")
    page.wait_for_selector("#viewer[aria-busy=false]")


def result(page: Any) -> None:
    page.wait_for_selector("#result:not([hidden])")
    page.wait_for_selector("#viewer[aria-busy=false]")


def shown(page: Any, x: float, y: float) -> list[int]:
    """Return red, green, blue and opacity of the overlay at a point of the picture, 0 to 1."""
    script = """(canvas, [x, y]) => {
        const context = new OffscreenCanvas(1, 1).getContext("2d")
        context.drawImage(canvas, -Math.floor(x * canvas.width), -Math.floor(y * canvas.height))
        return [...context.getImageData(0, 0, 1, 1).data]
    }"""
    values: list[int] = page.eval_on_selector("#overlay", script, [x, y])
    return values


def saved(page: Any, form: str) -> tuple[str, bytes]:
    """Return name and bytes of a download."""
    with page.expect_download() as download:
        page.click(f"[data-save={form}]")
    return download.value.suggested_filename, Path(download.value.path()).read_bytes()


HAIR, SKY = (0.45, 0.09), (0.7, 0.05)
"""Points of the portrait, as fractions of its width and height."""


@pytest.mark.parametrize("size", [WIDE, PHONE], ids=["wide", "phone"])
def test_from_a_picture_to_downloads(visit: Any, server: Server, size: dict[str, int]) -> None:
    photo = COLLINS.read_bytes()
    with visit(viewport=size) as page:
        assert not page.is_visible("#panel")
        with page.expect_file_chooser() as chooser:
            page.click("#choose")
        chooser.value.set_files(COLLINS)
        ready(page)
        assert page.inner_text("#status").startswith("512 × 512 px, 1 face, ")
        assert page.evaluate("document.documentElement.scrollWidth") == size["width"]
        assert page.eval_on_selector("#stage", "e => e.getBoundingClientRect().width") <= size["width"]

        assert shown(page, *HAIR) == [0, 0, 204, 255]
        assert shown(page, *SKY)[3] == 0
        page.uncheck("#classes label:has-text('hair') input")
        assert shown(page, *HAIR)[3] == 0
        page.click("#none")
        assert page.locator("#classes input:checked").count() == 0
        page.click("#all")
        page.mouse.move(0, 0)
        assert shown(page, *HAIR) == [0, 0, 204, 255]
        page.fill("#opacity", "80")
        assert page.eval_on_selector("#overlay", "e => e.style.opacity") == "0.8"
        assert page.inner_text("output[for=opacity]") == "80 %"

        stage = page.locator("#stage")
        stage.scroll_into_view_if_needed()
        box = stage.bounding_box()
        page.mouse.move(box["x"] + HAIR[0] * box["width"], box["y"] + HAIR[1] * box["height"])
        assert page.inner_text("#chip") == "hair · face 1"
        page.mouse.move(box["x"] + SKY[0] * box["width"], box["y"] + SKY[1] * box["height"])
        assert page.inner_text("#chip") == "background"

        page.click("#faces button")
        assert page.get_attribute("#faces button", "aria-pressed") == "true"
        assert page.is_visible("#boxes .chosen")
        page.click("#faces button")
        assert not page.is_visible("#boxes div")

        name, mask = saved(page, "mask")
        assert (name, mask) == ("collins_mask.png", server.post(photo).content)
        name, overlay = saved(page, "overlay")
        query = {"save": "overlay", "alpha": "0.8"}
        assert (name, overlay) == ("collins_overlay.jpg", server.post(photo, params=query).content)
        name, record = saved(page, "json")
        assert name == "collins_parsing.json"
        assert json.loads(record)["masks"]["hair"]
        name, archive = saved(page, "zip")
        assert name == "collins.zip"
        forms = ("mask.png", "overlay.jpg", "cutout.png", "parsing.json")
        assert {*ZipFile(io.BytesIO(archive)).namelist()} == {f"picture_{form}" for form in forms}

        page.check("[value=cutout]")
        result(page)
        page.select_option("#keep", "hair")
        page.wait_for_selector("#viewer[aria-busy=false]")
        name, cutout = saved(page, "cutout")
        query = {"save": "cutout", "classes": "hair"}
        assert (name, cutout) == ("collins_cutout.png", server.post(photo, params=query).content)

        page.select_option("#keep", "*")
        page.click("#none")
        page.wait_for_selector("#error >> text=Tick a class")
        page.check("#classes label:has-text('hair') input")
        page.wait_for_selector("#viewer[aria-busy=true]")
        page.wait_for_selector("#viewer[aria-busy=false]")
        assert saved(page, "cutout")[1] == cutout
        page.check("[value=colours]")
        assert page.is_disabled("[data-save=edit]")
        page.fill("[aria-label='Colour of the hair']", "#6a1fb0")
        result(page)
        page.click("[aria-label='Lips: Crimson']")
        page.fill("[aria-label='Strength for the lips']", "40")
        page.wait_for_selector("[data-save=edit]:disabled")
        page.wait_for_selector("[data-save=edit]:enabled")
        name, edited = saved(page, "edit")
        wanted = {"edit": ["hair=#6a1fb0,strength=1", "lips=#b0103a,strength=0.4"]}
        answer = httpx.post(f"{server.address}/v1/edit", content=photo, params=wanted, timeout=PATIENT)
        assert (name, edited) == ("collins_edit.jpg", answer.content)
        page.fill("#compare", "50")
        assert page.is_visible("#divider")
        assert page.inner_text("#error") == ""


def test_every_pixel_has_the_servers_label(visit: Any, server: Server) -> None:
    with visit() as page, Image.open(io.BytesIO(server.post(GROUP.read_bytes()).content)) as mask:
        expected = np.asarray(mask)
        record = server.post(GROUP.read_bytes(), headers={"Accept": "application/json"}).json()
        masks = [[record["classes"][name]["label"], one["counts"]] for name, one in record["masks"].items()]
        script = """async ([width, height, masks]) => {
            const {LabelMap} = await import("./page/labelmap.js")
            return [...new LabelMap(width, height, masks, 0).labels]
        }"""
        height, width = expected.shape
        labels = page.evaluate(script, [width, height, masks])
        assert (expected == np.array(labels).reshape(width, height).T).all()


def test_dropped_and_pasted(visit: Any) -> None:
    script = """async ([kind, target, name]) => {
        const canvas = document.createElement("canvas")
        canvas.width = 320
        canvas.height = 200
        canvas.getContext("2d").fillRect(0, 0, 320, 200)
        const data = new DataTransfer()
        const blob = await new Promise((done) => canvas.toBlob(done))
        if (name) data.items.add(new File([blob], name, {type: blob.type}))
        const options = {bubbles: true, cancelable: true, dataTransfer: data, clipboardData: data}
        const event = kind === "paste" ? new ClipboardEvent(kind, options) : new DragEvent(kind, options)
        document.querySelector(target).dispatchEvent(event)
    }"""
    with visit() as page:
        page.evaluate(script, ["dragenter", "#start", "a.png"])
        assert page.is_visible("body.dropping")
        page.evaluate(script, ["drop", "#start", "a.png"])
        ready(page)
        assert not page.is_visible("body.dropping")
        assert "320 × 200 px, no face" in page.inner_text("#status")
        assert "No face" in page.inner_text("#faces")
        page.evaluate("document.getElementById('main').dataset.state = 'empty'")
        page.evaluate(script, ["paste", "body", "b.png"])
        ready(page)
        page.evaluate(script, ["drop", "#stage", ""])
        assert "not fetched" in page.inner_text("#error")


def test_the_camera(visit: Any) -> None:
    with visit(permissions=["camera"]) as page:
        page.click("#open-camera")
        page.click("#shoot")
        ready(page)
        assert not page.is_visible("#camera")
        assert page.evaluate("document.getElementById('video').srcObject") is None
        assert saved(page, "mask")[0] == "camera_mask.png"


def test_the_keyboard_alone(visit: Any) -> None:
    with visit() as page:

        def tab_to(selector: str) -> None:
            for _ in range(60):
                page.keyboard.press("Tab")
                if page.evaluate("s => document.activeElement.matches(s)", selector):
                    style = "getComputedStyle(document.activeElement.matches('.modes input') ? document.activeElement.nextElementSibling : document.activeElement)"
                    assert page.evaluate(f"{style}.outlineStyle") == "solid", selector
                    return
            raise AssertionError(f"Tab never comes to {selector}")

        page.on("filechooser", lambda chooser: chooser.set_files(COLLINS))
        tab_to("#choose")
        page.keyboard.press("Enter")
        ready(page)
        tab_to("#stage")
        for _ in range(20):
            page.keyboard.press("ArrowUp")
        assert page.inner_text("#readout") == "hair · face 1"
        assert page.get_attribute("#cross", "hidden") is None
        tab_to("[name=mode]")
        tab_to("#opacity")
        page.keyboard.press("ArrowRight")
        assert page.inner_text("output[for=opacity]") == "51 %"
        tab_to("#classes li:nth-child(2) input")
        page.keyboard.press("Space")
        assert not page.is_checked("#classes li:nth-child(2) input")
        tab_to("#faces button")
        page.keyboard.press("Enter")
        assert page.is_visible("#boxes .chosen")
        tab_to("[data-save=mask]")
        with page.expect_download() as download:
            page.keyboard.press("Enter")
        assert download.value.suggested_filename == "collins_mask.png"
        page.focus("[name=mode]")
        page.keyboard.press("ArrowRight")
        result(page)


def test_everything_has_a_name(visit: Any) -> None:
    script = """() => [...document.querySelectorAll("button, input, select, [role], img, canvas, h1, h2, aside, section, dialog")]
        .filter((e) => e.matches("button, input, select, aside, section, dialog, [role=application]"))
        .filter((e) => !e.closest("[aria-hidden=true]"))
        .filter((e) => !(e.labels?.[0]?.textContent || e.ariaLabel || e.textContent).trim() && !e.ariaLabelledByElements?.length)
        .map((e) => e.outerHTML)"""
    with visit() as page:
        choose(page, COLLINS)
        assert page.evaluate(script) == []
        assert page.get_attribute("html", "lang") == "en"
        assert page.evaluate("[...document.images].every((e) => e.hasAttribute('alt'))")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_light_and_dark(visit: Any, scheme: str) -> None:
    script = """(selector) => {
        const e = document.querySelector(selector)
        let behind = e
        while (behind.parentElement && getComputedStyle(behind).backgroundColor === "rgba(0, 0, 0, 0)") behind = behind.parentElement
        return [getComputedStyle(e).color, getComputedStyle(behind).backgroundColor].map((c) => c.match(/[\\d.]+/g).slice(0, 3).map(Number))
    }"""
    with visit(color_scheme=scheme) as page:
        choose(page, COLLINS)
        for selector in (
            "h1",
            "#status",
            "#classes li",
            "output",
            "#model",
            ".modes :checked + span",
            ".link",
        ):
            front, behind = (luminance(colour) for colour in page.evaluate(script, selector))
            light, dark = max(front, behind), min(front, behind)
            assert (light + 0.05) / (dark + 0.05) >= 4.5, selector  # WCAG AA
        behind = page.evaluate(script, "h1")[1]
        assert (luminance(behind) < 0.1) == (scheme == "dark")


def luminance(colour: list[float]) -> float:
    """Return WCAG's relative luminance of red, green and blue, 0 to 255."""
    part = np.array(colour) / 255
    linear = np.where(part <= 0.04045, part / 12.92, ((part + 0.055) / 1.055) ** 2.4)
    return float(linear @ [0.2126, 0.7152, 0.0722])


def test_pictures_that_browsers_cannot_show_or_move(visit: Any) -> None:
    with visit() as page, Image.open(COLLINS) as image:
        file = io.BytesIO()
        image.resize((300, 200)).save(file, "TIFF")
        choose(page, {"name": "a.tif", "mimeType": "image/tiff", "buffer": file.getvalue()})
        size = "e => [e.naturalWidth, e.naturalHeight]"
        assert page.eval_on_selector("#picture", size) == [300, 200]
        page.check("[value=colours]")
        page.click("[aria-label='Hair: Blue']")
        result(page)
        assert saved(page, "edit")[0] == "a_edit.png"

        file = io.BytesIO()
        exif = Image.Exif()
        exif[0x0112] = 6  # turned
        image.resize((300, 200)).save(file, "JPEG", exif=exif)
        choose(page, {"name": "b.jpg", "mimeType": "image/jpeg", "buffer": file.getvalue()})
        assert page.eval_on_selector("#picture", size) == [200, 300]
        assert "200 × 300 px" in page.inner_text("#status")


def test_a_touch_names_the_class(visit: Any) -> None:
    with visit(viewport=PHONE, has_touch=True, is_mobile=True) as page:
        choose(page, COLLINS)
        box = page.locator("#stage").bounding_box()
        page.touchscreen.tap(box["x"] + HAIR[0] * box["width"], box["y"] + HAIR[1] * box["height"])
        assert page.inner_text("#chip") == "hair · face 1"


def test_a_scheme_without_lips(visit: Any) -> None:
    with visit() as page:
        page.route("**/v1/parse", lambda route: route.continue_(url=f"{route.request.url}?scheme=hair2"))
        choose(page, COLLINS)
        assert page.locator("#classes li").all_inner_texts()[0].startswith("hair")
        page.check("[value=colours]")
        assert page.is_visible("[data-name=hair]")
        assert not page.is_visible("[data-name=lips]")
        page.check("[value=cutout]")
        assert page.is_disabled("#keep option[value=face]")
        assert page.is_enabled("#keep option[value=hair]")


def test_errors_in_one_line(visit: Any) -> None:
    with visit(faults=("415", "ERR_FAILED")) as page:
        page.set_input_files("#file", {"name": "a.jpg", "mimeType": "image/jpeg", "buffer": b"no picture"})
        page.wait_for_selector("#error p")
        assert page.get_attribute("#error", "role") == "alert"
        assert page.inner_text("#error p").startswith("The body is not a picture")
        page.click("#error >> text=Close")
        choose(page, COLLINS)
        page.route("**/v1/parse?save=cutout", lambda route: route.abort())
        page.check("[value=cutout]")
        page.wait_for_selector("#error p")
        assert "does not answer" in page.inner_text("#error p")
        page.unroute("**/v1/parse?save=cutout")
        page.click("#error >> text=Try again")
        result(page)
        assert page.inner_text("#error") == ""


def test_only_the_newest_picture_is_shown(visit: Any) -> None:
    with visit() as page:
        held: list[Any] = []

        def hold(route: Any) -> None:
            held.append(route)

        page.route("**/v1/parse", hold)
        page.set_input_files("#file", GROUP)
        page.wait_for_selector("#viewer[aria-busy=true]")
        while not held:
            page.wait_for_timeout(10)
        assert page.inner_text("#status") == "Labelling the picture …"
        with page.expect_event("requestfailed") as failed:
            page.set_input_files("#file", COLLINS)
        assert failed.value.failure == "net::ERR_ABORTED"
        while len(held) < 2:
            page.wait_for_timeout(10)
        held[1].continue_()
        ready(page)
        assert page.inner_text("#status").startswith("512 × 512 px")
        page.unroute("**/v1/parse")
        page.route("**/v1/parse?save=cutout", hold)
        page.check("[value=cutout]")
        page.click("#cancel")
        page.wait_for_selector("#viewer[aria-busy=false]")
        assert page.inner_text("#error") == ""


def test_the_token_is_asked_for_once(browser: Any, tmp_path: Path) -> None:
    with (
        serving(DEFAULT, tmp_path, FACEPARSE_TOKEN="s3cret") as server,
        watched(browser, server.address, faults=("401",)) as page,
    ):
        for token, why in (("wrong", ""), ("s3cret", "refuses")):
            page.wait_for_selector("#token[open]")
            page.wait_for_function(
                "why => document.getElementById('token-why').textContent.includes(why)", arg=why
            )
            page.fill("#token-text", token)
            page.keyboard.press("Enter")
        page.wait_for_function("() => document.getElementById('model').textContent")
        choose(page, COLLINS)
        page.reload()
        choose(page, COLLINS)
        assert not page.is_visible("#token")
        stores = "[JSON.stringify(localStorage), document.cookie, Object.values(sessionStorage).join()]"
        assert page.evaluate(stores) == ["{}", "", "s3cret"]
        other = page.context.browser.new_context().new_page()
        other.goto(server.address)
        other.wait_for_selector("#token[open]")
        other.click("#token .close")
        other.wait_for_selector("#error p")
        other.context.close()
