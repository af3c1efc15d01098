"""The book, built as `make book` builds it, and read by a browser that may load nothing from another host.

The notebooks are taken with their stored outputs. One more page is added that holds what a notebook may hold.
"""

import re
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import partial
from html.parser import HTMLParser
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import unquote, urljoin, urlsplit

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output
from playwright.sync_api import BrowserContext, Page, sync_playwright

from course_utils.notebooks import NOTEBOOK_METADATA

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[1]
BOOK = ROOT / "book"
PROBE = "19_probe.html"
NUM_PROBE_FORMULAS = 4
PROBE_TEXT = r"""# Probe the book

Read {cite:t}`vaswani2017attention` and look up [logits](glossary.md#term-logits). Inline $p_k$ and numbered:

$$\mathrm{softmax}\left(QK^\top / \sqrt{d_k}\right)V$$ (eq-probe)

See {eq}`eq-probe`. Too long for a telephone:

$$a + b + c + d + e + f + g + h + i + j + k + l + m + n + o + p + q + r + s + t + u$$

:::{exercise}
:label: probe-exercise

Which axis?
:::

:::{solution} probe-exercise
:class: dropdown

The last.
:::
"""


def probe() -> nbformat.NotebookNode:
    """A notebook with formulas, a citation, a term, an exercise, a widget, a table, a formula in an output."""
    widget = {"application/vnd.jupyter.widget-view+json": {"model_id": "1"}, "text/plain": "0 %"}
    table = '<table class="dataframe"><thead><tr><th></th><th>F1</th></tr></thead><tr><td>a</td><td>1</td></tr></table>'
    outputs = [{"text/plain": "a", "text/html": table}, widget, {"text/markdown": "so $x^2$", "text/plain": "so"}]
    cell = new_code_cell("show()", outputs=[new_output("display_data", data=data) for data in outputs])
    hidden = new_code_cell("long()", metadata={"tags": ["hide-input"]}, outputs=[new_output("stream", text="done\n")])
    return new_notebook(cells=[new_markdown_cell(PROBE_TEXT), cell, hidden], metadata=NOTEBOOK_METADATA)


@pytest.fixture(scope="session")
def book(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of the HTML pages."""
    if not (BOOK / "node_modules").is_dir():
        pytest.skip("KaTeX is not installed: npm ci --prefix book")
    base = tmp_path_factory.mktemp("book")
    source, html = base / "source", base / "html"
    shutil.copytree(ROOT / "notebooks", source, ignore=shutil.ignore_patterns(".*"))
    nbformat.write(probe(), source / PROBE.replace(".html", ".ipynb"))
    options = ["-b", "html", "-nW", "--keep-going", "-q", "-c", str(BOOK), "-d", str(base / "doctrees")]
    command = [sys.executable, "-m", "sphinx", *options, str(source), str(html)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return html


def pages(book: Path) -> list[str]:
    return sorted(path.name for path in book.glob("*.html"))


class References(HTMLParser):
    """Collects what a page links to, what it loads, and the anchors that it offers."""

    LOADING = frozenset({"audio", "embed", "iframe", "img", "input", "link", "object", "script", "source", "video"})

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.links: list[str] = []
        self.loads: list[str] = []
        self.anchors: set[str] = set()
        self.feed(path.read_text(encoding="utf-8"))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value for name, value in attrs if value}
        self.anchors |= {given[name] for name in ("id", "name") if name in given}
        addresses = [given[name] for name in ("href", "src", "data", "poster") if name in given]
        addresses += [part.split()[0] for part in given.get("srcset", "").split(",") if part.strip()]
        (self.loads if tag in self.LOADING else self.links).extend(addresses)


def test_no_page_and_no_style_sheet_names_a_resource_of_another_host(book):
    foreign = [
        (page, address)
        for page in pages(book)
        for address in References(book / page).loads
        if urlsplit(address).netloc and not address.startswith("data:")
    ]
    for sheet in [*book.rglob("*.css"), *book.glob("*.html")]:
        named = re.findall(r"url\(\s*['\"]?([^'\")]+)|@import\s+['\"]([^'\"]+)", sheet.read_text(encoding="utf-8"))
        foreign += [(sheet.name, one or two) for one, two in named if urlsplit(one or two).netloc]
    assert foreign == []


def test_every_link_between_pages_has_a_page_and_an_anchor_at_its_end(book):
    references = {page: References(book / page) for page in pages(book)}
    broken = []
    for page, found in references.items():
        for address in found.links + found.loads:
            parts = urlsplit(address)
            if parts.scheme or parts.netloc or address == "#":
                continue
            target = unquote(parts.path) or page
            anchors = references[target].anchors if target in references else set()
            missing_anchor = parts.fragment and target in references and unquote(parts.fragment) not in anchors
            if not (book / target).exists() or missing_anchor:
                broken.append((page, address))
    assert broken == []


def test_formulas_are_rendered_and_none_is_marked_as_wrong(book):
    html = {page: (book / page).read_text(encoding="utf-8") for page in pages(book)}
    for page, text in html.items():
        assert "#cc0000" not in text, f"KaTeX could not read a formula in {page}"
        assert text.count('class="math') == text.count('<span class="katex">'), page
    assert html[PROBE].count('<span class="katex">') == NUM_PROBE_FORMULAS
    # the style sheet's fonts lie beside it
    sheet = (book / "_static/katex/katex.min.css").read_text(encoding="utf-8")
    fonts = re.findall(r"url\((fonts/[^)]+\.woff2)\)", sheet)
    assert len(fonts) == 20
    assert all((book / "_static/katex" / font).exists() for font in fonts)


@dataclass
class Visit:
    """A browser's page and all that went wrong while it was looked at."""

    page: Page
    address: str
    blocked: list[str] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)
    console: list[str] = field(default_factory=list)

    def open(self, page: str) -> Page:
        self.page.goto(urljoin(self.address, page), wait_until="networkidle")
        return self.page

    def troubles(self) -> list[str]:
        return self.blocked + self.failed + self.console


@pytest.fixture(scope="session")
def address(book: Path) -> Iterator[str]:
    class Quiet(SimpleHTTPRequestHandler):
        def log_message(self, *arguments: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(book))) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()


@pytest.fixture(scope="session")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[BrowserContext]:
    names = ("chromium", "chromium-browser", "google-chrome")
    executable = next(filter(None, map(shutil.which, names)), None)
    if executable is None:
        pytest.skip("no Chromium: install it with the system's package client, for example apt-get install chromium")
    quiet = [
        "disable-quic",
        "no-first-run",
        "disable-background-networking",
        "disable-component-update",
        "disable-sync",
    ]
    with sync_playwright() as playwright:
        context = playwright.chromium.launch_persistent_context(
            tmp_path_factory.mktemp("profile"),
            executable_path=executable,
            args=["--headless", "--no-sandbox", "--disable-gpu", *(f"--{option}" for option in quiet)],
        )
        yield context
        context.close()


@pytest.fixture
def visit(browser: BrowserContext, address: str) -> Iterator[Visit]:
    page = browser.new_page()
    page.set_default_timeout(120_000)  # for a busy machine: a page takes a second or two on a free one
    visit = Visit(page, address)

    def guard(route, request):
        if request.url.startswith((address, "data:", "blob:")):
            route.continue_()
        else:
            visit.blocked.append(request.url)
            route.abort()

    page.route("**/*", guard)
    page.on("response", lambda r: visit.failed.append(f"{r.status} {r.url}") if r.status >= 400 else None)
    page.on("console", lambda m: visit.console.append(m.text) if m.type == "error" else None)
    page.on("pageerror", lambda error: visit.console.append(str(error)))
    yield visit
    page.close()


def test_every_page_loads_without_another_host_an_http_error_or_a_console_error(visit, book):
    for name in pages(book):
        visit.open(name)
    assert visit.troubles() == []


def test_no_page_is_wider_than_a_telephone_and_no_formula_begins_outside_it(visit, book):
    visit.page.set_viewport_size({"width": 390, "height": 844})
    lefts = "formulas => formulas.map(formula => formula.getBoundingClientRect().left)"
    wide, cut_off = {}, {}
    for name in pages(book):
        page = visit.open(name)
        wide[name] = page.evaluate("document.documentElement.scrollWidth") > 390
        cut_off[name] = min(page.eval_on_selector_all("div.math .katex-html", lefts), default=0) < 0
    assert [name for name in wide if wide[name]] == []
    assert [name for name in cut_off if cut_off[name]] == []


def test_search_finds_a_word_and_shows_where(visit):
    page = visit.open("search.html?q=softmax")
    page.wait_for_selector("ul.search li a")
    targets = [link.get_attribute("href") or "" for link in page.query_selector_all("ul.search li > a")]
    assert any(target.startswith("glossary.html") for target in targets)
    assert any(target.startswith(PROBE) for target in targets)
    assert visit.troubles() == []


def test_a_reader_goes_from_the_landing_page_to_a_notebook_and_on_to_a_term(visit):
    page = visit.open("index.html")
    page.click(f"article a[href='{PROBE}']")
    page.wait_for_url(f"**/{PROBE}")
    page.click("article a[href='glossary.html#term-logits']")
    page.wait_for_url("**/glossary.html#term-logits")
    assert page.is_visible("#term-logits")
    assert visit.troubles() == []


def test_a_solution_opens_with_the_keyboard(visit):
    page = visit.open(PROBE)
    answer = page.locator(".solution").get_by_text("The last.")
    assert not answer.is_visible()
    page.locator(".solution button, .solution summary").first.focus()
    page.keyboard.press("Enter")
    answer.wait_for(state="visible")


@pytest.mark.parametrize("mode", ["light", "dark"])
def test_axe_finds_no_violation(visit, book, mode):
    visit.page.add_init_script(f"localStorage.setItem('mode', '{mode}'); localStorage.setItem('theme', '{mode}');")
    violations = []
    for name in pages(book):
        page = visit.open(name)
        page.add_script_tag(path=BOOK / "node_modules/axe-core/axe.min.js")
        found = page.evaluate("axe.run()")["violations"]
        violations += [(name, one["id"], node["html"][:120]) for one in found for node in one["nodes"]]
    assert page.evaluate("document.documentElement.dataset.theme") == mode
    assert violations == []
