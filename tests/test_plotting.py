"""Figures: the numbers that were given are the numbers that are drawn, written and told; and everybody can see them."""

import html
import inspect
import itertools
import math
import re
import runpy
from functools import cache
from html.parser import HTMLParser
from importlib.util import find_spec
from pathlib import Path

import matplotlib as mpl
import matplotlib.pyplot as plt
import nbformat
import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import to_hex, to_rgb
from matplotlib.figure import Figure
from matplotlib.text import Text
from nbformat.v4 import new_code_cell, new_notebook

from course_utils import notebooks, plotting
from course_utils.errors import InputError
from course_utils.metrics import Interval, ReliabilityBin, confusion_matrix, reliability_bins
from course_utils.plotting import style
from course_utils.plotting.colours import GRID, INK, MUTED, PLATE, SERIES, SHARES, contrast, readable_on, tint
from course_utils.plotting.evaluation import _null_band

RANDOM = np.random.default_rng(0)
RECORDS = [
    {"epoch": 1, "train_loss": 1.9, "validation_loss": 1.1, "accuracy": 0.61},
    {"epoch": 2, "train_loss": 0.9, "validation_loss": 0.62, "accuracy": 0.84},
    {"epoch": 3, "train_loss": 0.4, "validation_loss": 0.75, "accuracy": 0.83},
]
BINS = [ReliabilityBin(0.5, 0.75, confidence=0.6, accuracy=0.5, count=10), ReliabilityBin(0.75, 1, 0.95, 0.7, 30)]
HEADS = RANDOM.dirichlet(np.ones(5), (3, 5))
TOKENS = ["[CLS]", "$5", "or", "$6", "[SEP]"]
TAGS = "NOUN VERB . ADP DET PRON ADV ADJ PRT CONJ NUM X".split()
LONG = "a setting with a very long name"

# Each function at least once; those of the second table accept axes.
WHOLE = {
    "history": lambda: plotting.plot_history(RECORDS),
    "history, all": lambda: plotting.plot_history(RECORDS, metric="accuracy", learning_rates=[1e-4, 5e-5, 1e-5]),
    "history, one epoch": lambda: plotting.plot_history(RECORDS[:1]),
    "reliability": lambda: plotting.plot_reliability(BINS, null_band=True),
    "heads": lambda: plotting.plot_attention(HEADS, TOKENS),
    "one head": lambda: plotting.plot_attention(HEADS[:1], TOKENS, titles=["the only one"]),
}
ON_AXES = {
    "runs": lambda ax: plotting.plot_runs({"fast": [3, 1, 0.5], "slow": [3, 2, 1.5]}, ax=ax),
    "six runs": lambda ax: plotting.plot_runs({f"{LONG} {k}": [3 + k, 1, 1] for k in range(6)}, ax=ax),
    "sweep": lambda ax: plotting.plot_learning_rate_sweep([1e-4, 1e-3], [0.5, np.nan], reference=("start", 0.7), ax=ax),
    "curves": lambda ax: plotting.plot_learning_curves([50, 2000], {"A": [[0.5, 0.6], [0.7, 0.8]]}, ax=ax),
    "cost": lambda ax: plotting.plot_cost([64, 128, 256], {"layer": [2, 4.1, 8], "scores": [1, 4, 16]}, ax=ax),
    "lengths": lambda ax: plotting.plot_lengths([3, 5, 5, 9, 12], max_length=8, ax=ax),
    "lengths, no limit": lambda ax: plotting.plot_lengths([3, 5, 5, 9, 1200], ax=ax),
    "attention": lambda ax: plotting.plot_attention(HEADS[0], TOKENS, ax=ax),
    "confusion": lambda ax: plotting.plot_confusion_matrix([[8, 2], [0, 9]], ["negative", LONG], ax=ax),
    "confusion of tags": lambda ax: plotting.plot_confusion_matrix(np.eye(12, dtype=int) * 12_345 + 1_234, TAGS, ax=ax),
    "seeds": lambda ax: plotting.plot_seeds({"A": [0.7, 0.8, 0.8], LONG: [0.9]}, reference=("base", 0.6), ax=ax),
    "slices": lambda ax: plotting.plot_slices(["A", LONG], [0.7, 0.9], [(0.6, 0.8), (0.8, 1)], [9, 12_345], ax=ax),
}
CASES = WHOLE | {name: lambda draw=draw: draw(None) for name, draw in ON_AXES.items()}


@cache
def drawn(name: str) -> Figure:
    """A figure that several tests look at and none changes."""
    return CASES[name]()


def by_label(axes, label):
    (found,) = [line for line in axes.lines if line.get_label() == label]
    return found


def pixels(figure: Figure) -> np.ndarray:
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    return np.asarray(canvas.buffer_rgba()).copy()


def visible_texts(figure: Figure) -> list[Text]:
    """All texts that are drawn: not those of ticks outside the axes, which Matplotlib keeps in reserve."""
    FigureCanvasAgg(figure).draw()
    outside = set()
    for axis in itertools.chain.from_iterable((axes.xaxis, axes.yaxis) for axes in figure.axes):
        low, high = sorted(axis.get_view_interval())
        slack = 1e-6 * (high - low)
        ticks = [*axis.get_major_ticks(), *axis.get_minor_ticks()]
        outside |= {tick.label1 for tick in ticks if not low - slack <= tick.get_loc() <= high + slack}
        outside |= {tick.label1 for tick in ticks if not tick.label1.get_visible() or not axis.axes.axison}
        outside |= {tick.label2 for tick in ticks}
        if not axis.get_visible():
            outside |= {tick.label1 for tick in ticks}
    texts = figure.findobj(Text)
    return [text for text in texts if text.get_text().strip() and text.get_visible() and text not in outside]


def overlapping_or_cut_off(figure: Figure) -> list[str | tuple[str, str]]:
    """Texts that lie on another, by more than the air around letters, or reach beyond the figure."""
    boxes = [(text.get_text(), text.get_window_extent()) for text in visible_texts(figure)]
    found: list[str | tuple[str, str]] = []
    for (one, box), (other, second) in itertools.combinations(boxes, 2):
        width = min(box.x1, second.x1) - max(box.x0, second.x0)
        height = min(box.y1, second.y1) - max(box.y0, second.y0)
        if min(width, height) >= 2:
            found.append((one, other))
    paper = figure.bbox
    return found + [
        text for text, box in boxes if min(box.x0, box.y0) < -2 or box.x1 > paper.x1 + 2 or box.y1 > paper.y1 + 2
    ]


# What learners get: one picture, its words, and nothing changed behind their back


@pytest.mark.parametrize("name", CASES)
def test_a_figure_comes_with_its_description_and_changes_nothing_else(name):
    mine = plt.figure()
    before, open_figures, interactive = dict(mpl.rcParams), plt.get_fignums(), plt.isinteractive()
    try:
        figure = CASES[name]()
        assert dict(mpl.rcParams) == before
        assert plt.get_fignums() == open_figures and plt.gcf() is mine
        assert plt.isinteractive() == interactive
    finally:
        plt.close(mine)
    assert isinstance(figure, Figure)
    assert len(figure.alt) > 30 and "\n" not in figure.alt and figure.alt.endswith(".")
    assert figure.get_facecolor() == mpl.colors.to_rgba(PLATE)


@pytest.mark.parametrize("name", CASES)
def test_the_caller_s_own_style_does_not_show(name):
    plain = pixels(drawn(name))
    with plt.style.context(["dark_background", {"font.size": 25, "axes.grid": True, "lines.marker": "*"}]):
        figure = CASES[name]()
    assert np.array_equal(pixels(figure), plain)


@pytest.mark.parametrize("name", ON_AXES)
def test_on_the_caller_s_axes_the_caller_s_figure_is_returned_open_and_described_part_by_part(name):
    figure, (left, right) = plt.subplots(1, 2, figsize=(14, 6))
    try:
        assert ON_AXES[name](left) is figure
        alone = figure.alt
        assert alone == ON_AXES[name](None).alt
        assert left.has_data() and not right.has_data()
        plotting.plot_seeds({"other": [0.5]}, ax=right)
        assert figure.alt == f"{alone} Accuracy (share) of several seeds. other: 1 seed, 0.5."
        assert plt.fignum_exists(figure.number)
    finally:
        plt.close(figure)


def test_axes_may_lie_in_a_subfigure():
    figure, _ = plotting.panels()
    inner = figure.subfigures(1, 1).subplots()
    assert plotting.plot_seeds({"A": [0.5]}, ax=inner) is figure
    assert figure.alt.startswith("Accuracy")


def test_panels_have_the_size_and_the_background_of_the_course():
    figure, axes = plotting.panels(2, 3, width=5, height=4, row_heights=[2, 1], share_x=True)
    assert len(axes) == 6 and tuple(figure.get_size_inches()) == (5, 4) and figure.dpi == 100
    assert axes[0].get_position().height > axes[3].get_position().height
    axes[0].set_xlim(3, 7)
    assert axes[3].get_xlim() == (3, 7)


CELLS = [
    "from course_utils.plotting import panels, plot_seeds, show_entities",
    'plot_seeds({"A": [0.25, 0.75]})',
    'figure = plot_seeds({"A": [0.25]})',
    'display(plot_seeds({"A": [0.125]}))\n"end"',
    'figure, (left, right) = panels(1, 2)\nplot_seeds({"A": [0.5]}, ax=left)\nplot_seeds({"B": [0.75]}, ax=right)',
    "import matplotlib.pyplot as plt\n_ = plt.plot([1, 2])",
    'show_entities(["Anna"], ["B-PER"])',
]


def test_in_a_notebook_a_figure_appears_exactly_once_and_pyplot_works_as_before(tmp_path):
    path = tmp_path / "01.ipynb"
    nbformat.write(new_notebook(cells=[new_code_cell(cell) for cell in CELLS]), path)
    notebooks.run(path)
    cells = nbformat.read(path, as_version=4).cells
    shown = [[output for output in cell.outputs if "image/png" in output.get("data", {})] for cell in cells]
    assert [len(images) for images in shown] == [0, 1, 0, 1, 1, 1, 0]
    alts = [cell.metadata.get("mystnb", {}).get("image", {}).get("alt") for cell in cells]
    assert [bool(alt) for alt in alts] == [False, True, False, True, True, False, False]
    assert alts[1] == "Accuracy (share) of several seeds. A: 2 seeds, mean 0.50, standard deviation 0.35."
    assert alts[4].count("seed, ") == 2
    assert "Anna" in cells[6].outputs[0].data["text/html"]


# What can be read: size, overlap, contrast, colours


@pytest.mark.parametrize("name", CASES)
def test_no_text_lies_on_another_and_none_is_cut_off(name):
    assert len(visible_texts(drawn(name))) >= 4
    assert overlapping_or_cut_off(drawn(name)) == []


def test_texts_that_overlap_or_are_cut_off_are_noticed():
    figure, (ax,) = plotting.panels()
    for place, text in ((0.5, "one"), (0.52, "two"), (0.2, "three")):
        ax.text(place, 0.5, text)
    ax.text(2, 0.5, "outside").set_in_layout(False)
    assert overlapping_or_cut_off(figure) == [("one", "two"), "outside"]


@pytest.mark.parametrize("name", CASES)
def test_letters_have_the_size_of_the_text_around_the_figure_but_in_large_tables(name):
    sizes = {text.get_fontsize() for text in visible_texts(drawn(name))}
    assert sizes == ({style.FONT_SIZE, style.SMALL} if name == "confusion of tags" else {style.FONT_SIZE})
    assert pytest.approx(16, abs=0.1) == style.FONT_SIZE / 72 * style.DPI  # pixels, as the book's text


@pytest.mark.parametrize("name", CASES)
def test_every_axis_that_has_ticks_has_a_label(name):
    figure = drawn(name)
    shown = visible_texts(figure)
    words = {text.get_text() for text in shown}
    if figure.get_supxlabel():
        assert {figure.get_supxlabel(), figure.get_supylabel()} == {"looked at (key)", "looking (query)"}
        return
    for axes in figure.axes:
        below = [label for label in axes.get_xticklabels() if label in shown and label.get_text()]
        assert not below or axes.get_xlabel() in words or axes.get_title() in words
        named_rows = {label.get_text() for label in axes.get_yticklabels()} & {LONG, "A", "A\nn = 9"}
        beside = [label for label in axes.get_yticklabels() if label in shown and label.get_text()]
        assert not beside or axes.get_ylabel() in words or named_rows


def luminance(colour: str) -> float:
    """Relative luminance, WCAG 2.2."""
    return sum(
        weight * (channel / 12.92 if channel <= 0.04045 else ((channel + 0.055) / 1.055) ** 2.4)
        for weight, channel in zip((0.2126, 0.7152, 0.0722), to_rgb(colour))
    )


def ratio(one: str, other: str) -> float:
    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def in_the_dark(colour: str) -> str:
    """What the theme makes of a colour of a picture on its dark page: ``brightness(.8) contrast(1.2)``."""
    return to_hex([min(max((0.8 * channel - 0.5) * 1.2 + 0.5, 0), 1) for channel in to_rgb(colour)])


def theme_sheet(package: str) -> str:
    folder = Path(find_spec(package).origin).parent / "theme" / package / "static" / "styles"
    return "".join(path.read_text("utf-8") for path in folder.glob("*.css"))


DARK_PAGE = "#121212"


def test_the_theme_still_does_what_these_tests_assume():
    book, base = theme_sheet("sphinx_book_theme"), theme_sheet("pydata_sphinx_theme")
    assert re.search(r"html\[data-theme=dark\]\{[^}]*--pst-color-background:" + DARK_PAGE, book)
    assert re.search(r"html\[data-theme=dark\] img:not\([^)]*\)\{filter:brightness\(\.8\) contrast\(1\.2\)", base)


@pytest.mark.parametrize("colour", [series.colour for series in SERIES])
def test_lines_stand_out_on_white_on_the_dark_page_and_on_the_plate_as_the_dark_page_shows_it(colour):
    assert ratio(colour, PLATE) >= 3  # WCAG 1.4.11
    assert ratio(colour, DARK_PAGE) >= 3  # for who saves a figure without its plate
    assert ratio(in_the_dark(colour), in_the_dark(PLATE)) >= 3


@pytest.mark.parametrize("colour", [INK, MUTED])
def test_letters_stand_out_on_the_plate(colour):
    assert ratio(colour, PLATE) >= 4.5  # WCAG 1.4.3
    assert ratio(in_the_dark(colour), in_the_dark(PLATE)) >= 4.5
    assert ratio(GRID, PLATE) < 1.5  # and the grid does not


def test_the_plate_stands_out_on_the_dark_page():
    assert ratio(in_the_dark(PLATE), DARK_PAGE) >= 10


@pytest.mark.parametrize("share", np.linspace(0, 1, 51))
def test_numbers_stand_out_on_every_colour_of_a_table(share):
    background = to_hex(SHARES(share))
    assert ratio(to_hex(readable_on(background)), background) >= 4.5
    # The theme makes pictures darker on its dark page, which takes some contrast from black on blue.
    assert ratio(in_the_dark(readable_on(background)), in_the_dark(background)) >= 3


def test_a_darker_cell_is_a_larger_share_also_in_grey():
    luminances = [luminance(to_hex(SHARES(share))) for share in np.linspace(0, 1, 21)]
    assert luminances == sorted(luminances, reverse=True)
    assert luminances[0] - luminances[-1] > 0.8


@pytest.mark.parametrize("one", ["#000000", "#767676", "#ffffff", SERIES[0].colour])
def test_contrast_equals_an_independent_implementation(one):
    assert contrast(one, "#123456") == pytest.approx(ratio(one, "#123456"))


# Machado, Oliveira and Fernandes (2009), A Physiologically-based Model for Simulation of Color Vision Deficiency,
# IEEE Transactions on Visualization and Computer Graphics 15(6), severity 1.0. They act on linear RGB.
SIGHT = {
    "normal": np.eye(3),
    "protanopia": [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]],
    "deuteranopia": [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]],
    "tritanopia": [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.303900]],
}
XYZ = np.array(
    [[0.4124564, 0.3575761, 0.1804375], [0.2126729, 0.7151522, 0.0721750], [0.0193339, 0.1191920, 0.9503041]]
)


def lab(colour: str, sight: str = "normal") -> tuple[float, float, float]:
    """CIELAB coordinates (D65) of a colour as it is seen."""
    channels = np.array(to_rgb(colour))
    linear = np.where(channels <= 0.04045, channels / 12.92, ((channels + 0.055) / 1.055) ** 2.4)
    relative = XYZ @ np.clip(np.array(SIGHT[sight]) @ linear, 0, 1) / XYZ.sum(axis=1)
    x, y, z = np.where(relative > (6 / 29) ** 3, np.cbrt(relative), relative / (3 * (6 / 29) ** 2) + 4 / 29)
    return 116 * y - 16, 500 * (x - y), 200 * (y - z)


def ciede2000(one, other) -> float:
    """CIEDE2000 difference of two CIELAB colours: Sharma, Wu and Dalal (2005), Color Research & Application 30(1)."""
    (l1, a1, b1), (l2, a2, b2) = one, other
    mean = (math.hypot(a1, b1) + math.hypot(a2, b2)) / 2
    stretch = 1 + (1 - math.sqrt(mean**7 / (mean**7 + 25**7))) / 2
    a1, a2 = a1 * stretch, a2 * stretch
    c1, c2 = math.hypot(a1, b1), math.hypot(a2, b2)
    h1, h2 = math.degrees(math.atan2(b1, a1)) % 360, math.degrees(math.atan2(b2, a2)) % 360
    turn = 0 if c1 * c2 == 0 else (h2 - h1 + 180) % 360 - 180
    hue = h1 + h2 if c1 * c2 == 0 else (h1 + turn / 2) % 360
    lightness, chroma = (l1 + l2) / 2, (c1 + c2) / 2
    cosines = zip((-0.17, 0.24, 0.32, -0.20), (1, 2, 3, 4), (-30, 0, 6, -63))
    t = 1 + sum(weight * math.cos(math.radians(k * hue + shift)) for weight, k, shift in cosines)
    dl = (l2 - l1) / (1 + 0.015 * (lightness - 50) ** 2 / math.sqrt(20 + (lightness - 50) ** 2))
    dc = (c2 - c1) / (1 + 0.045 * chroma)
    dh = 2 * math.sqrt(c1 * c2) * math.sin(math.radians(turn / 2)) / (1 + 0.015 * chroma * t)
    turned = math.radians(60 * math.exp(-(((hue - 275) / 25) ** 2)))
    rotation = -2 * math.sin(turned) * math.sqrt(chroma**7 / (chroma**7 + 25**7))
    return math.sqrt(dl**2 + dc**2 + dh**2 + rotation * dc * dh)


def smallest_difference(palette: list[str], sight: str) -> float:
    seen = [lab(colour, sight) for colour in palette]
    return min(ciede2000(one, other) for one, other in itertools.combinations(seen, 2))


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [  # from the table of test data of Sharma, Wu and Dalal
        ((50, 2.6772, -79.7751), (50, 0, -82.7485), 2.0425),
        ((50, 3.1571, -77.2803), (50, 0, -82.7485), 2.8615),
        ((50, 0, 0), (50, -1, 2), 2.3669),
        ((50, 2.5, 0), (73, 25, -18), 27.1492),
        ((50, 2.5, 0), (61, -5, 29), 22.8977),
        ((60.2574, -34.0099, 36.2677), (60.4626, -34.1751, 39.4387), 1.2644),
    ],
)
def test_the_difference_of_colours_is_that_of_its_authors(one, other, expected):
    assert ciede2000(one, other) == pytest.approx(expected, abs=1e-4)


OKABE_ITO = ["#000000", "#E69F00", "#56B4E9", "#009E73", "#F0E442", "#0072B2", "#D55E00", "#CC79A7"]
# A difference of 1 is just seen when two large patches touch; lines and points that lie apart need many times that.
# Okabe and Ito's palette (2008), the usual choice for colour-blind readers, keeps 11.6 between any two colours as they
# are seen without red- or green-sensitive cones. Six colours, made darker so that they stand out on white, can keep 15.
# Blindness to blue is far rarer: there the bound is what Okabe and Ito's palette keeps, 10.9.
BOUNDS = {"normal": 15, "protanopia": 15, "deuteranopia": 15, "tritanopia": 10.9}


@pytest.mark.parametrize("sight", SIGHT)
def test_any_two_colours_of_the_palette_differ_for_colour_blind_readers_too(sight):
    assert smallest_difference([series.colour for series in SERIES], sight) >= BOUNDS[sight]


def test_the_measure_praises_a_good_palette_less_and_rejects_a_bad_one():
    reference = min(smallest_difference(OKABE_ITO, sight) for sight in ("protanopia", "deuteranopia"))
    assert reference == pytest.approx(11.6, abs=0.1)
    assert smallest_difference(OKABE_ITO, "tritanopia") == pytest.approx(10.9, abs=0.1)
    usual = [to_hex(colour) for colour in mpl.colormaps["tab10"].colors[:6]]
    assert smallest_difference(usual, "normal") > 15 and smallest_difference(usual, "protanopia") < 5


def test_series_differ_without_any_colour():
    assert len({series.marker for series in SERIES}) == len({series.line for series in SERIES}) == len(SERIES)
    figure = drawn("six runs")
    lines = [by_label(figure.axes[0], f"{LONG} {k}") for k in range(6)]
    assert [line.get_marker() for line in lines] == [series.marker for series in SERIES]
    assert [to_hex(line.get_color()) for line in lines] == [series.colour for series in SERIES]


def test_more_series_than_can_be_told_apart_are_refused():
    with pytest.raises(InputError, match=r"1 to 6 series can be told apart in one figure, got 7\. Draw several"):
        plotting.plot_runs({str(k): [1, 2] for k in range(7)})
    with pytest.raises(InputError, match="got 0"):
        plotting.plot_cost([1, 2], {})


# One run and several


def test_history_draws_losses_metric_and_learning_rates():
    rates = [1e-4, 3e-4, 2e-4, 1e-4, 5e-5, 0]
    figure = plotting.plot_history(RECORDS, metric="accuracy", learning_rates=rates, metric_label="accuracy (share)")
    top, middle, bottom = figure.axes
    for label, key in (("training", "train_loss"), ("validation", "validation_loss")):
        line = by_label(top, label)
        assert line.get_xdata().tolist() == [1, 2, 3]
        assert line.get_ydata().tolist() == [row[key] for row in RECORDS]
    dotted, metric = middle.lines
    assert metric.get_ydata().tolist() == [0.61, 0.84, 0.83]
    assert dotted.get_xdata() == [2, 2]  # the lowest validation loss
    assert bottom.lines[1].get_ydata().tolist() == rates
    assert bottom.lines[1].get_xdata().tolist() == [0.5, 1, 1.5, 2, 2.5, 3]  # in epochs
    assert [axes.get_ylabel() for axes in figure.axes] == ["loss (nats)", "accuracy (share)", "learning rate"]
    assert figure.alt == (
        "Losses over 3 epochs, in loss (nats): training from 1.9 to 0.4; validation from 1.1 to 0.75, lowest 0.62 "
        "after epoch 2. Accuracy (share): from 0.61 to 0.83, between 0.61 and 0.84. "
        "Learning rate over 6 steps: from 1e-4 to 0, highest 3e-4."
    )


def test_history_of_a_resumed_run_begins_where_its_rows_begin():
    figure = plotting.plot_history(RECORDS[1:], learning_rates=[1e-4, 5e-5], loss_label="squared error (stars²)")
    assert figure.axes[1].lines[1].get_xdata().tolist() == [2, 3]
    assert figure.axes[0].get_ylabel() == "squared error (stars²)"
    assert "squared error (stars²): training from 0.9 to 0.4" in figure.alt


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"records": []}, "one row an epoch, got none"),
        ({"records": [{"epoch": 1, "loss": 2}]}, 'no "train_loss" in every row; the first has epoch, loss'),
        ({"records": RECORDS, "metric": "f1"}, 'no "f1" in every row'),
        (
            {"records": [RECORDS[0] | {"train_loss": math.nan}]},
            "train_loss must be finite, got NaN or infinity 1 times",
        ),
        ({"records": RECORDS, "learning_rates": [1e-3] * 4}, "equally many for each of 3 epochs, got 4"),
        ({"records": RECORDS, "learning_rates": [-1e-3] * 3}, r"learning_rates must lie in \[0, inf\], got -0\.001"),
    ],
)
def test_history_refuses_what_it_cannot_draw(arguments, message):
    with pytest.raises(InputError, match=message):
        plotting.plot_history(**arguments)


def test_runs_are_smoothed_by_a_running_mean_and_end_where_they_stop_being_finite():
    figure = plotting.plot_runs({"A": [4, 2, 3, 1], "B": [4, 6, math.inf, 1]}, smoothing=2, x=[10, 20, 30, 40])
    (axes,) = figure.axes
    assert by_label(axes, "A").get_xdata().tolist() == [20, 30, 40]
    assert by_label(axes, "A").get_ydata().tolist() == [3, 2.5, 2]
    assert by_label(axes, "B").get_xdata().tolist() == [20] and by_label(axes, "B").get_ydata().tolist() == [5]
    assert [4, 2, 3, 1] in [list(line.get_ydata()) for line in axes.lines]  # the values themselves, pale
    (cross,) = [line for line in axes.lines if line.get_marker() == "x"]
    assert (cross.get_xdata()[0], cross.get_ydata()[0]) == (20, 5)
    assert figure.alt == (
        "Training loss (nats), mean over 2 steps, against optimiser step. A: from 3 to 2. "
        "B: from 5 to 5, not finite after optimiser step 20."
    )


def test_runs_may_have_different_lengths_and_other_units():
    runs = {"short": [1, 2], "long": [3, 2, 1]}
    figure = plotting.plot_runs(runs, x_label="epoch", y_label="learning rate")
    for name, values in runs.items():
        assert by_label(figure.axes[0], name).get_ydata().tolist() == values
        assert by_label(figure.axes[0], name).get_xdata().tolist() == list(range(1, len(values) + 1))
    assert figure.axes[0].get_xlabel() == "epoch" and figure.axes[0].get_ylabel() == "learning rate"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"runs": {"A": [math.nan, 1]}}, 'run "A" has 0 finite values at its start; smoothing needs 1'),
        ({"runs": {"A": [1, 2]}, "smoothing": 3}, "has 2 finite values at its start; smoothing needs 3"),
        ({"runs": {"A": [1, 2]}, "smoothing": 0}, "of at least 1, got 0"),
        ({"runs": {"A": [1, 2]}, "x": [1]}, "a place for each of 2 steps, got 1"),
        ({"runs": {"A": [[1, 2]]}}, r'run "A" must have shape \(num_steps,\), got \(1, 2\)'),
        ({"runs": {"A": []}}, r"got \(0,\)"),
        ({"runs": {"A": ["low"]}}, 'run "A" must be numbers of shape .*could not convert'),
    ],
)
def test_runs_refuse_what_they_cannot_draw(arguments, message):
    with pytest.raises(InputError, match=message):
        plotting.plot_runs(**arguments)


# Learning rates, training sizes, lengths


def test_a_sweep_draws_every_seed_the_means_the_best_and_what_diverged():
    rates, results = [1e-5, 1e-4, 1e-3], [[0.6, 0.8], [0.3, 0.5], [0.2, math.nan]]
    figure = plotting.plot_learning_rate_sweep(rates, results, reference=("untrained", 0.69))
    (axes,) = figure.axes
    seeds = [line for line in axes.lines if line.get_linestyle() == "None" and line.get_markersize() == 4]
    assert [line.get_ydata().tolist()[:2] for line in seeds] == [[0.6, 0.3], [0.8, 0.5]]
    mean = by_label(axes, "mean")
    assert mean.get_xdata().tolist() == rates
    assert mean.get_ydata()[:2].tolist() == pytest.approx([0.7, 0.4]) and math.isnan(mean.get_ydata()[2])
    (ring,) = [line for line in axes.lines if line.get_markerfacecolor() == "none"]
    assert ring.get_xdata().tolist() == [1e-4]
    (cross,) = [line for line in axes.lines if line.get_marker() == "x"]
    assert cross.get_xdata().tolist() == [1e-3]
    assert axes.get_xscale() == "log"
    assert [label.get_text() for label in axes.get_xticklabels()] == ["1e-5", "1e-4", "1e-3"]
    assert figure.alt == (
        "Validation loss (nats) against learning rate, 2 seeds each. 1e-5: 0.7; 1e-4: 0.4; 1e-3: 1 of 2 diverged. "
        "Best: 1e-4 with 0.4. untrained: 0.69."
    )


def test_a_sweep_of_scores_has_its_best_at_the_highest_mean():
    figure = plotting.plot_learning_rate_sweep([1e-4, 1e-3], [0.7, 0.9], higher_is_better=True)
    assert "Best: 1e-3 with 0.9." in figure.alt


@pytest.mark.parametrize(
    ("rates", "results", "message"),
    [
        ([1e-3, 1e-4], [1, 2], "must be positive and rise, got 0.001, 1e-4"),
        ([0, 1e-4], [1, 2], "must be positive"),
        ([1e-4, 1e-3], [1, 2, 3], r"results must have shape \(2, num_seeds\), got \(3, 1\)"),
        ([1e-4, 1e-3], [[1, 2], [1]], "results must be numbers"),
        ([1e-4], [math.nan], "a rate without a run that diverged, got none. Add lower"),
    ],
)
def test_a_sweep_refuses_what_it_cannot_draw(rates, results, message):
    with pytest.raises(InputError, match=message):
        plotting.plot_learning_rate_sweep(rates, results)


def band(axes) -> list[tuple[float, float, float]]:
    """Place, low and high end of the corners of the only band."""
    (collection,) = axes.collections
    corners = collection.get_paths()[0].vertices
    places = sorted(set(corners[:, 0].tolist()))
    rows = [(place, corners[corners[:, 0] == place, 1]) for place in places]
    return [(place, float(ys.min()), float(ys.max())) for place, ys in rows]


def test_learning_curves_draw_means_in_a_band_from_the_lowest_to_the_highest():
    figure = plotting.plot_learning_curves([50, 200], {"A": [[0.5, 0.6, 0.4], [0.7, 0.8, 0.9]]})
    (axes,) = figure.axes
    assert by_label(axes, "A").get_xdata().tolist() == [50, 200]
    assert by_label(axes, "A").get_ydata().tolist() == pytest.approx([0.5, 0.8])
    assert band(axes) == [(50, 0.4, 0.6), (200, 0.7, 0.9)]
    assert "bands: from the lowest to the highest of 3 seeds" in axes.get_xlabel()
    assert figure.alt == (
        "Accuracy (share) against training examples, with bands from the lowest to the highest of 3 seeds. "
        "A: 0.5 with 50, 0.8 with 200 (0.7 to 0.9)."
    )


def test_learning_curves_draw_intervals_that_are_given():
    intervals = {"A": [Interval(0.4, 0.55), (0.75, 0.9)]}
    figure = plotting.plot_learning_curves([50, 200], {"A": [0.5, 0.8]}, intervals=intervals, y_label="macro F1")
    assert band(figure.axes[0]) == [(50, 0.4, 0.55), (200, 0.75, 0.9)]
    assert "with bands of 95 % intervals" in figure.alt and "0.8 with 200 (0.75 to 0.9)" in figure.alt
    assert figure.axes[0].get_ylabel() == "macro F1"


def test_curves_may_have_different_numbers_of_seeds():
    figure = plotting.plot_learning_curves([50], {"A": [[0.5]], "B": [[0.5, 0.6, 0.7]]})
    assert "lowest to the highest of 1 to 3 seeds" in figure.alt
    assert "of 1 seed." in plotting.plot_learning_curves([50], {"A": [[0.5]]}).alt


def test_many_training_sizes_leave_ticks_out_and_no_point():
    figure = plotting.plot_learning_curves(list(range(10, 110, 10)), {"A": [[0.5]] * 10})
    assert len(figure.axes[0].get_xticklabels()) == 5
    assert len(by_label(figure.axes[0], "A").get_xdata()) == 10


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"num_examples": [200, 50], "scores": {"A": [[1], [1]]}}, "num_examples must rise, got 200, 50. Sort them"),
        ({"num_examples": [0, 50], "scores": {"A": [[1], [1]]}}, r"num_examples must lie in \[1, inf\]"),
        ({"num_examples": [50], "scores": {"A": [1]}}, r'scores of "A" must have shape \(1, num_seeds\), got \(1,\)'),
        (
            {"num_examples": [50], "scores": {"A": [1]}, "intervals": {"B": [(0, 1)]}},
            r"must have the names of scores, got \['B'\] and \['A'\]",
        ),
        (
            {"num_examples": [50], "scores": {"A": [0.5]}, "intervals": {"A": [(0.9, 0.4)]}},
            r'intervals of "A" must be pairs of low and high, got \(0.9, 0.4\)',
        ),
    ],
)
def test_learning_curves_refuse_what_they_cannot_draw(arguments, message):
    with pytest.raises(InputError, match=message):
        plotting.plot_learning_curves(**arguments)


def test_cost_is_drawn_with_the_power_law_that_fits_it():
    lengths, noise = np.array([64, 128, 256, 512]), np.array([1.1, 0.9, 1.05, 0.95])
    costs = {"exact": 3e-6 * lengths**2.0, "rough": 0.01 * lengths**1.2 * noise}
    figure = plotting.plot_cost(lengths, costs)
    (axes,) = figure.axes
    assert (axes.get_xscale(), axes.get_yscale()) == ("log", "log")
    for name, cost in costs.items():
        assert by_label(axes, name).get_xdata().tolist() == lengths.tolist()
        assert by_label(axes, name).get_ydata().tolist() == cost.tolist()
    assert axes.lines[0].get_ydata() == pytest.approx(costs["exact"])  # the fit lies on it
    # the normal equation of a straight line through the logarithms
    x, y = np.log(lengths), np.log(costs["rough"])
    slope = ((x - x.mean()) * (y - y.mean())).sum() / ((x - x.mean()) ** 2).sum()
    assert axes.lines[2].get_ydata() == pytest.approx(np.exp(y.mean() + slope * (x - x.mean())))
    assert "exact: from 0.0123 at 64 to 0.786 at 512, exponent 2." in figure.alt
    assert f"exponent {slope:.2f}." in figure.alt
    assert [text.get_text() for text in axes.texts if text.get_text()] == [
        "exact: exponent\n2.00",
        f"rough: exponent\n{slope:.2f}",
    ]


@pytest.mark.parametrize(
    ("lengths", "costs"), [([64], [1]), ([128, 64], [1, 2]), ([64, 128], [0, 1]), ([0, 128], [1, 2])]
)
def test_cost_needs_two_lengths_that_rise_and_positive_numbers(lengths, costs):
    with pytest.raises(InputError, match="two or more that rise; lengths and costs must be above 0"):
        plotting.plot_cost(lengths, {"A": costs})


# Texts and attention


def bars(axes) -> dict[tuple[float, float], int]:
    found = {}
    for bar in axes.patches:
        if bar.get_height():
            edges = (bar.get_x(), bar.get_x() + bar.get_width())
            found[edges] = found.get(edges, 0) + int(bar.get_height())
    return found


def test_lengths_are_counted_and_those_beyond_the_limit_are_marked():
    figure = plotting.plot_lengths([3, 5, 5, 9, 12], max_length=8)
    (axes,) = figure.axes
    assert bars(axes) == {(2.5, 3.5): 1, (4.5, 5.5): 2, (8.5, 9.5): 1, (11.5, 12.5): 1}
    hatched = [bar.get_x() for bar in axes.patches if bar.get_hatch() and bar.get_height()]
    assert hatched == [8.5, 11.5]
    assert axes.lines[0].get_xdata() == [8.5, 8.5]
    assert axes.texts[0].get_text() == "limit 8\n2 of 5 longer (40 %)"
    assert figure.alt == (  # 9 + 12 - 2 * 8 = 5 of 34 pieces are cut
        "Histogram of 5 lengths (word pieces): median 5, longest 12. Longer than 8: 2 of 5 (40 %); "
        "cutting them loses 5 of 34 (14.7 %)."
    )


@pytest.mark.parametrize("limit", [None, 1, 50, 128, 300, 1000])
@pytest.mark.parametrize("num_bins", [1, 7, 30])
def test_no_bar_has_lengths_on_both_sides_of_the_limit_and_none_is_lost(limit, num_bins):
    lengths = np.random.default_rng(1).integers(2, 400, 500)
    figure = plotting.plot_lengths(lengths, max_length=limit, num_bins=num_bins)
    found = bars(figure.axes[0])
    assert sum(found.values()) == 500
    for (low, high), count in found.items():
        assert count == np.sum((lengths > low) & (lengths < high))
        assert limit is None or high <= limit + 0.5 or low >= limit + 0.5
    assert len(found) <= num_bins + 1  # the limit may cut one in two


def test_empty_texts_have_length_0_and_lose_nothing():
    alt = plotting.plot_lengths([0, 0], max_length=4, x_label="length (words)", y_label="reviews").alt
    assert alt == (
        "Histogram of 2 lengths (words): median 0, longest 0. Longer than 4: 0 of 2 (0 %); "
        "cutting them loses 0 of 1 (0 %)."
    )


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"lengths": [1.5]}, "lengths must be whole numbers"),
        ({"lengths": [-1]}, r"lengths must lie in \[0, inf\], got -1 to -1"),
        ({"lengths": []}, r"lengths must have shape \(num_texts,\), got \(0,\)"),
        ({"lengths": [1], "max_length": 0}, "at least 1, got 30 and 0"),
        ({"lengths": [1], "num_bins": 0}, "at least 1, got 0 and None"),
    ],
)
def test_lengths_refuse_what_they_cannot_draw(arguments, message):
    with pytest.raises(InputError, match=message):
        plotting.plot_lengths(**arguments)


def test_one_attention_map_shows_its_numbers_and_its_tokens_as_they_are():
    weights = [[0.9, 0.1, 0], [0.25, 0.5, 0.25], [0, 0, 1]]
    figure = plotting.plot_attention(weights, ["$5", "or", "$6"])
    axes = figure.axes[0]
    assert axes.images[0].get_array().tolist() == weights
    assert [text.get_text() for text in axes.texts] == [".90", ".10", ".00", ".25", ".50", ".25", ".00", ".00", "1.00"]
    for labels in (axes.get_xticklabels(), axes.get_yticklabels()):
        assert [label.get_text() for label in labels] == ["$5", "or", "$6"]
        assert not any(label.get_parse_math() for label in labels)
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("looked at (key)", "looking (query)")
    assert (
        figure.alt == "Attention map of 3 tokens. Strongest in each row: $5 at $5 (0.9), or at or (0.5), $6 at $6 (1)."
    )


def test_queries_and_keys_may_be_different_tokens():
    weights = RANDOM.dirichlet(np.ones(4), 2)
    figure = plotting.plot_attention(
        weights, ["le", "port"], key_tokens=["the", "old", "port", "."], titles=["layer 2"]
    )
    axes = figure.axes[0]
    assert len(axes.get_xticklabels()) == 4 and len(axes.get_yticklabels()) == 2
    assert axes.get_title() == "layer 2"


def test_heads_are_small_maps_in_one_scale_with_tokens_at_the_edges():
    tokens = [f"t{k}" for k in range(12)]
    weights = RANDOM.dirichlet(np.full(12, 0.3), (7, 12))
    figure = plotting.plot_attention(weights, tokens)
    maps = [axes for axes in figure.axes if axes.images]
    assert len(maps) == 7
    for axes, weight, k in zip(maps, weights, range(7)):
        (image,) = axes.images
        assert np.array_equal(image.get_array(), weight)
        assert image.get_clim() == (0, weights.max())
        assert axes.get_title() == f"head {k + 1}"
        assert not axes.texts  # no room for numbers
    shown = visible_texts(figure)
    rows, columns = (
        [any(label in shown for label in labels()) for labels in which]
        for which in ([axes.get_yticklabels for axes in maps], [axes.get_xticklabels for axes in maps])
    )
    assert rows == [True, False, False, True, False, False, True]
    assert columns == [False] * 4 + [True] * 3  # nothing is below these
    assert sum(not axes.axison for axes in figure.axes) == 2
    row, column = np.unravel_index(weights[6].argmax(), (12, 12))
    assert f"head 7: t{row} at t{column} ({weights[6].max():.3g})" in figure.alt
    assert figure.alt.startswith("Attention maps of 7 heads over 12 tokens. Strongest weights: head 1: ")


def test_attention_that_is_all_zero_can_be_looked_at():
    assert "(0)" in plotting.plot_attention(np.zeros((2, 2)), ["a", "b"]).alt


@pytest.mark.parametrize(
    ("weights", "options", "message"),
    [
        (np.eye(3), {}, r"weights must have shape \(2, 2\), got \(3, 3\)"),
        (np.zeros((1, 2, 3)), {}, r"weights must have shape \(num_heads, 2, 2\), got \(1, 2, 3\)"),
        (np.zeros(2), {}, "weights must have shape"),
        (np.eye(2) * 3, {}, r"weights must lie in \[0, 1\.001\], got 0 to 3"),
        (-np.eye(2), {}, "got -1 to"),
        (np.eye(2), {"titles": ["a", "b"]}, "titles must have one for each of 1 map, got 2"),
    ],
)
def test_attention_refuses_what_it_cannot_draw(weights, options, message):
    with pytest.raises(InputError, match=message):
        plotting.plot_attention(weights, ["a", "b"], **options)


def test_several_maps_do_not_fit_on_one_pair_of_axes():
    _, (ax,) = plotting.panels()
    with pytest.raises(InputError, match="ax can hold one map"):
        plotting.plot_attention(np.zeros((2, 1, 1)), ["a"], ax=ax)


# Evaluation


def test_a_confusion_matrix_shows_counts_and_shares_of_the_rows():
    counts = confusion_matrix(np.array([0] * 10 + [1] * 4), np.array([0] * 8 + [1] * 2 + [0, 1, 1, 1]), 3)
    figure = plotting.plot_confusion_matrix(counts, ["no", "yes", "never"])
    (axes,) = figure.axes
    assert axes.images[0].get_array().tolist() == [[0.8, 0.2, 0], [0.25, 0.75, 0], [0, 0, 0]]
    written = {(int(t.get_position()[1]), int(t.get_position()[0])): t.get_text() for t in axes.texts}
    assert written == {(0, 0): "8\n80 %", (0, 1): "2\n20 %", (1, 0): "1\n25 %", (1, 1): "3\n75 %"}  # zeros are empty
    assert [label.get_text() for label in axes.get_yticklabels()] == ["no  n = 10", "yes  n = 4", "never  n = 0"]
    assert [label.get_text() for label in axes.get_xticklabels()] == ["no", "yes", "never"]
    assert figure.alt == (
        "Confusion matrix of 14 examples, rows gold, columns predicted. Correct: 78.6 %; no 80 % of 10, yes 75 % of 4, "
        "never 0 % of 0. Most frequent confusion: no taken for yes, 2 times (20 % of no)."
    )


def test_small_shares_and_large_counts_are_not_rounded_to_something_else():
    counts = np.eye(12, dtype=int) * 12_345
    counts[0, 1] = 1
    figure = plotting.plot_confusion_matrix(counts, TAGS)
    written = [text.get_text() for text in figure.axes[0].texts]
    assert written[:3] == ["12.3k\n>99 %", "1\n<1 %", "12.3k\n100 %"]
    assert "NOUN 99.9919 % of 12,346" in figure.alt
    assert "NOUN taken for VERB, 1 time (0.0081 % of NOUN)" in figure.alt


def test_a_perfect_confusion_matrix_has_no_confusion():
    assert plotting.plot_confusion_matrix([[3, 0], [0, 2]], ["a", "b"]).alt.endswith("b 100 % of 2. No confusion.")


@pytest.mark.parametrize(
    ("counts", "message"),
    [
        ([[1, 2]], r"counts must have shape \(2, 2\), got \(1, 2\)"),
        ([[0.9, 0.1], [0.2, 0.8]], "whole numbers, at least one above 0. Give counts, not shares"),
        ([[0, 0], [0, 0]], "at least one above 0"),
        ([[1, -1], [0, 0]], r"counts must lie in \[0, inf\]"),
    ],
)
def test_a_confusion_matrix_needs_counts(counts, message):
    with pytest.raises(InputError, match=message):
        plotting.plot_confusion_matrix(counts, ["a", "b"])


def test_reliability_draws_bins_gaps_and_counts():
    figure = plotting.plot_reliability(BINS)
    top, bottom = figure.axes
    points = by_label(top, "this model")
    assert points.get_xdata().tolist() == [0.6, 0.95] and points.get_ydata().tolist() == [0.5, 0.7]
    (gaps,) = top.collections
    assert [segment.tolist() for segment in gaps.get_segments()] == [
        [[0.6, 0.6], [0.6, 0.5]],
        [[0.95, 0.95], [0.95, 0.7]],
    ]
    assert list(by_label(top, "perfect").get_xdata()) == list(by_label(top, "perfect").get_ydata()) == [0.5, 1]
    assert bars(bottom) == {(0.5, 0.75): 10, (0.75, 1.0): 30}
    assert figure.alt == (  # (10 * 0.6 + 30 * 0.95) / 40 and (10 * 0.5 + 30 * 0.7) / 40
        "Reliability diagram of 40 examples in 2 bins. Mean confidence 0.863, accuracy 0.65. "
        "Most of the gap: confidence 0.95, accuracy 0.7, 30 examples."
    )


def binomial_range(share: float, size: int) -> tuple[float, float]:
    """The smallest counts whose cumulative probability reaches 2.5 % and 97.5 %, by adding up."""
    chances = [math.comb(size, k) * share**k * (1 - share) ** (size - k) for k in range(size + 1)]
    cumulative = list(itertools.accumulate(chances))
    low, high = (next(k for k, total in enumerate(cumulative) if total >= level) for level in (0.025, 0.975))
    return low / size, high / size


def test_the_null_band_is_where_a_perfect_model_would_be():
    figure = plotting.plot_reliability(BINS, null_band=True)
    assert band_of(figure) == [(0.6, *binomial_range(0.6, 10)), (0.95, *binomial_range(0.95, 30))]
    assert figure.alt.endswith(" 1 bin outside the band of a perfectly calibrated model.")  # 0.7 of 30, not 0.5 of 10


def band_of(figure: Figure) -> list[tuple[float, float, float]]:
    corners = figure.axes[0].collections[1].get_paths()[0].vertices
    return [
        (place, float(corners[corners[:, 0] == place, 1].min()), float(corners[corners[:, 0] == place, 1].max()))
        for place in sorted(set(corners[:, 0].tolist()))
    ]


def test_the_null_band_holds_most_bins_of_a_perfectly_calibrated_model():
    # 20 models that are right as often as they say, 10 bins each. 95 % are expected inside, some more because counts
    # are whole and confidences differ within a bin. In ten sets of 20 seeds the share lay between 96.5 and 99 %.
    inside: list[bool] = []
    for seed in range(20):
        random = np.random.default_rng(seed)
        sure = random.uniform(0.5, 1, 400)
        labels = (random.random(400) > sure).astype(int)
        bins = reliability_bins(np.stack([sure, 1 - sure], axis=1), labels, num_bins=20)
        ends = _null_band(np.array([one.confidence for one in bins]), np.array([one.count for one in bins]))
        inside += [low <= one.accuracy <= high for one, (low, high) in zip(bins, ends)]
    assert len(inside) == 200 and 0.94 < np.mean(inside) < 1


@pytest.mark.parametrize(
    ("bins", "message"),
    [
        ([], r"confidence must have shape \(num_bins,\), got \(0,\)"),
        ([ReliabilityBin(0, 1, 0.5, 1.5, 3)], r"accuracy must lie in \[0, 1\], got 1\.5"),
        ([ReliabilityBin(0, 1, 0.5, 0.5, 0)], r"count must lie in \[1, inf\], got 0"),
        ([ReliabilityBin(0, 1, math.nan, 0.5, 1)], "confidence must be finite"),
    ],
)
def test_reliability_refuses_what_it_cannot_draw(bins, message):
    with pytest.raises(InputError, match=message):
        plotting.plot_reliability(bins)


def test_seeds_are_points_with_their_mean_and_standard_deviation():
    scores = {"A": [0.7, 0.8, 0.9, 0.8, 0.8], "B": [0.5]}
    figure = plotting.plot_seeds(scores, reference=("majority", 0.45))
    (axes,) = figure.axes
    for name, seeds in scores.items():
        assert by_label(axes, name).get_xdata().tolist() == seeds
    heights = by_label(axes, "A").get_ydata()
    assert len(set(heights[[1, 3]])) == 2  # equal scores stay visible
    assert np.abs(heights).max() < 0.5  # in their row
    ticks = [line.get_xdata()[0] for line in axes.lines if line.get_marker() == "|"]
    assert ticks == pytest.approx([0.8, 0.5])
    spread = math.sqrt(2 * 0.1**2 / 4)  # by hand, with n - 1
    assert axes.lines[2].get_xdata() == pytest.approx([0.8 - spread, 0.8 + spread])
    assert [text.get_text() for text in axes.texts] == ["0.800 ± 0.071", "0.5", "majority"]
    assert axes.get_ylim() == (1.5, -0.5)  # the first setting is on top
    assert figure.alt == (
        "Accuracy (share) of several seeds. A: 5 seeds, mean 0.800, standard deviation 0.071. B: 1 seed, 0.5. "
        "majority: 0.45."
    )


def test_seeds_without_any_spread():
    assert "A: 2 seeds, mean 0.5, standard deviation 0." in plotting.plot_seeds({"A": [0.5, 0.5]}).alt


@pytest.mark.parametrize(
    ("scores", "message"),
    [
        ({}, "scores must have at least one setting, got none"),
        ({"A": []}, r'scores of "A" must have shape \(num_seeds,\), got \(0,\)'),
        ({"A": [0.5, math.nan]}, 'scores of "A" must be finite, got NaN or infinity 1 times'),
    ],
)
def test_seeds_refuse_what_they_cannot_draw(scores, message):
    with pytest.raises(InputError, match=message):
        plotting.plot_seeds(scores)


def test_slices_are_points_with_intervals_and_numbers_of_examples():
    intervals = [Interval(0.86, 0.94), (0.5, 0.8)]
    figure = plotting.plot_slices(
        ["short", "more than sixty words"],
        [0.9, 0.7],
        intervals,
        [1234, 40],
        reference=("all", 0.88),
        x_label="macro F1",
    )
    (axes,) = figure.axes
    assert axes.lines[0].get_xdata().tolist() == [0.9, 0.7]
    assert [segment[:, 0].tolist() for segment in axes.collections[0].get_segments()] == [[0.86, 0.94], [0.5, 0.8]]
    labels = [label.get_text() for label in axes.get_yticklabels()]
    assert labels == ["short\nn = 1,234", "more than sixty\nwords\nn = 40"]
    assert [text.get_text() for text in axes.texts] == ["0.900 [0.860, 0.940]", "0.70 [0.50, 0.80]", "all"]
    assert axes.get_xlabel().startswith("macro F1")
    assert figure.alt == (
        "Macro F1 by slice, with 95 % intervals. short: 0.900 [0.860, 0.940], n = 1,234. "
        "more than sixty words: 0.70 [0.50, 0.80], n = 40. all: 0.88."
    )


@pytest.mark.parametrize(
    ("names", "scores", "intervals", "counts", "message"),
    [
        (["a"], [0.5, 0.6], [(0, 1)] * 2, [1, 2], "names must have one for each of 2 scores, got 1"),
        (["a", "b"], [0.5, 0.6], [(0, 1)], [1, 2], r"intervals must have shape \(2, 2\), got \(1, 2\)"),
        (["a"], [0.5], [(0.6, 0.4)], [1], r"intervals must be pairs of low and high, got \(0\.6, 0\.4\)"),
        (["a"], [0.5], [(0.4, 0.6)], [1, 2], r"counts must have shape \(1,\), got \(2,\)"),
    ],
)
def test_slices_refuse_what_they_cannot_draw(names, scores, intervals, counts, message):
    with pytest.raises(InputError, match=message):
        plotting.plot_slices(names, scores, intervals, counts)


# Entities


class Reader(HTMLParser):
    """What is read aloud, the labels of groups and the styles of marks."""

    def __init__(self, source: str) -> None:
        super().__init__()
        self.words, self.groups, self.marks = "", [], []
        self.feed(source)
        self.words = " ".join(self.words.split())

    def handle_starttag(self, tag, attrs):
        given = dict(attrs)
        if given.get("role") == "group":
            self.groups.append(given["aria-label"])
        if tag == "div":
            self.words += " "
        if tag == "mark":
            self.marks.append(dict(part.split(": ") for part in given["style"].split("; ")))

    def handle_data(self, data):
        self.words += data


SENTENCE = "Anna May left the May Queen at the harbour .".split()
GOLD = "B-PER I-PER O O B-MISC I-MISC O O O O".split()
WRONG = "B-PER I-PER O O B-PER I-PER O O O O".split()


def test_entities_are_read_with_their_types_in_brackets():
    read = Reader(plotting.show_entities(SENTENCE, GOLD).data)
    assert read.words == "Anna May (PER) left the May Queen (MISC) at the harbour ."
    assert read.groups == ["2 entities: Anna May (PER), May Queen (MISC)"]


def test_gold_and_predicted_entities_lie_one_above_the_other():
    read = Reader(plotting.show_entities(SENTENCE, {"gold": GOLD, "predicted": WRONG}).data)
    assert read.groups == [
        "2 entities: Anna May (PER), May Queen (MISC)",
        "2 entities: Anna May (PER), May Queen (PER)",
    ]
    assert read.words.startswith("gold Anna May (PER) left") and " . predicted Anna May (PER)" in read.words
    kinds = [(mark["background"], mark["border-bottom"]) for mark in read.marks]
    assert kinds[0] == kinds[2] == kinds[3] != kinds[1]  # a type looks the same in both


def test_types_differ_in_colour_and_border_and_keep_them_from_text_to_text():
    kinds = ["PER", "LOC", "ORG", "MISC", "WORK", "DATE"]
    marks = Reader(plotting.show_entities(kinds, [f"B-{kind}" for kind in kinds]).data).marks
    assert len({(mark["background"], mark["border-bottom"]) for mark in marks}) == 6
    assert len({mark["border-bottom"].split()[1] for mark in marks[:4]}) == 4
    assert Reader(plotting.show_entities(["x"], ["B-MISC"]).data).marks[0] == marks[3]
    for mark in marks:
        assert ratio(mark["color"], mark["background"]) >= 4.5
        assert mark["background"] == tint(mark["border-bottom"].split()[2])
        assert ratio(mark["border-bottom"].split()[2], PLATE) >= 3


def test_a_sentence_without_entities_says_so():
    read = Reader(plotting.show_entities(["It", "rained"], ["O", "O"]).data)
    assert read.groups == ["0 entities: none"] and read.words == "It rained"


def test_neither_tokens_nor_tags_nor_headings_become_markup():
    source = plotting.show_entities(["<b>bold", "&"], {"<i>": ["B-<u>{x}", "O"]}).data
    assert Reader(source).words == "<i> <b>bold (<u>{x}) &"
    assert not re.search(r"<(b|i|u)>", source)
    assert html.escape("<b>bold (<u>{x})") in source


@pytest.mark.parametrize(
    ("tags", "message"),
    [
        (["O"], "a tag for each of 2 tokens, got 1"),
        ({"gold": ["O", "O"], "predicted": []}, "got 0"),
        (["O", "PER"], 'must be O, B-TYPE or I-TYPE, got "PER"'),
    ],
)
def test_entities_need_a_bio_tag_a_token(tags, message):
    with pytest.raises(InputError, match=message):
        plotting.show_entities(["a", "b"], tags)


# The page of the book


@pytest.fixture(scope="module")
def script() -> dict:
    return runpy.run_path(str(Path(__file__).parents[1] / "book" / "figures.py"))


def public_functions() -> set[str]:
    return {name for name in plotting.__all__ if inspect.isfunction(getattr(plotting, name)) and name != "panels"}


def test_every_function_has_an_example_of_few_short_lines(script):
    assert {example.name for example in script["EXAMPLES"]} == public_functions()
    for example in script["EXAMPLES"]:
        lines = example.code.splitlines()
        assert len(lines) <= 5 and max(map(len, lines)) <= 110, example.title


@pytest.mark.slow
def test_the_page_has_every_figure_with_its_caption_its_words_and_its_code(script, tmp_path, monkeypatch):
    saved: list[Figure] = []
    save = Figure.savefig
    monkeypatch.setattr(Figure, "savefig", lambda figure, *a, **k: (saved.append(figure), save(figure, *a, **k)))
    script["write_page"](tmp_path)
    assert [found for figure in saved for found in overlapping_or_cut_off(figure)] == []
    page = (tmp_path / "figures.md").read_text("utf-8")
    assert [figure.alt for figure in saved] == re.findall(r"^:alt: (.+)$", page, flags=re.MULTILINE)
    pictures = sorted(path.name for path in (tmp_path / "figures").iterdir())
    assert re.findall(r"\{figure\} figures/(\S+)", page) == pictures
    assert len(pictures) == len(script["EXAMPLES"]) - 1  # entities are text
    for example in script["EXAMPLES"]:
        assert f"## {example.title}\n" in page and example.code in page and example.caption in page
    alts = re.findall(r"^:alt: (.+)$", page, flags=re.MULTILINE)
    assert len(alts) == len(pictures) and all(f"In words: {alt}\n" in page for alt in alts)
    assert "Anna May" in page and "{raw} html" in page


def test_the_same_numbers_give_the_same_picture(script, tmp_path):
    example = next(one for one in script["EXAMPLES"] if one.name == "plot_seeds")
    for folder in (tmp_path / "one", tmp_path / "two"):
        folder.mkdir()
        script["section"](example, 1, folder)
    one, two = ((tmp_path / name / "figures" / "01_plot_seeds.png").read_bytes() for name in ("one", "two"))
    assert one == two
