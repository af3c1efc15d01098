"""The notebook machinery, on notebooks of a few cells."""

from pathlib import Path

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from course_utils import notebooks


def write(path: Path, *cells: nbformat.NotebookNode | str) -> Path:
    nodes = [new_code_cell(cell) if isinstance(cell, str) else cell for cell in cells]
    path.parent.mkdir(parents=True, exist_ok=True)
    nbformat.write(new_notebook(cells=nodes), path)
    return path


def code_cells(path: Path) -> list[nbformat.NotebookNode]:
    return [cell for cell in nbformat.read(path, as_version=4).cells if cell.cell_type == "code"]


NOISY = """\
import sys, time
print("one"); sys.stdout.flush()
print("careful", file=sys.stderr); sys.stderr.flush()
print("two"); print(object())"""
# IPython draws a figure that is a cell's value once pyplot has drawn one, and only if it has axes.
FIGURE = """\
from matplotlib.figure import Figure
figure = Figure(figsize=(1, 1))
figure.subplots()
figure.alt = "An empty square."
figure"""
SHOWN = """\
import matplotlib.pyplot as plt
figure, axes = plt.subplots(figsize=(1, 1))
figure.alt = "Axes without data."
plt.show()"""


def test_two_runs_change_no_line_and_the_first_stores_what_a_reader_wants(tmp_path):
    moving = new_code_cell("import time\nprint(time.time_ns())", metadata={"tags": ["nbval-ignore-output"]})
    failing = new_code_cell("import warnings\nwarnings.warn('old')\n1 / 0", metadata={"tags": ["raises-exception"]})
    progress = "print('10 %', end='\\r'); print('99 %', end='\\r'); print('done')"
    sources = (NOISY, SHOWN, FIGURE, moving, failing, progress)
    path = write(tmp_path / "01.ipynb", new_markdown_cell("# Title"), *sources)

    notebooks.run(path)
    first = path.read_text()
    notebooks.run(path)
    assert path.read_text() == first

    noisy, shown, figure, _, failed, overwritten = code_cells(path)
    assert [(output.name, output.text) for output in noisy.outputs] == [
        ("stdout", "one\ntwo\n<object object at 0x...>\n"),
        ("stderr", "careful\n"),
    ]
    assert figure.metadata.mystnb.image.alt == "An empty square."
    assert shown.metadata.mystnb.image.alt == "Axes without data."
    assert "image/png" in figure.outputs[0].data
    assert failed.outputs[0].text.startswith("<cell>:2: UserWarning: old")
    assert "\x1b" not in "".join(failed.outputs[1].traceback)
    assert overwritten.outputs[0].text == "done\n"

    notebook = nbformat.read(path, as_version=4)
    assert notebook.metadata == notebooks.NOTEBOOK_METADATA
    assert {key for cell in notebook.cells for key in cell.metadata} <= {"tags", "mystnb"}


def test_a_tagged_cell_keeps_its_output_until_its_source_changes_or_a_fresh_one_is_asked_for(tmp_path):
    cell = new_code_cell("import time\nprint(time.time_ns())", metadata={"tags": ["nbval-ignore-output"]})
    path = write(tmp_path / "01.ipynb", cell)
    notebooks.run(path)
    stored = code_cells(path)[0].outputs

    notebooks.run(path, fresh=True)
    fresh = code_cells(path)[0].outputs
    assert fresh != stored

    notebook = nbformat.read(path, as_version=4)
    notebook.cells[0].source += "\n"
    nbformat.write(notebook, path)
    notebooks.run(path)
    assert code_cells(path)[0].outputs != fresh


def test_a_tagged_cell_keeps_its_output_only_as_long_as_no_code_above_it_changes(tmp_path):
    tagged = {"tags": ["nbval-ignore-output"]}
    shown = "import time\nprint(factor, time.time_ns())"
    path = write(tmp_path / "01.ipynb", "factor = 1", new_code_cell(shown, metadata=tagged))
    notebooks.run(path)
    stored = code_cells(path)[1].outputs
    notebooks.run(path)
    assert code_cells(path)[1].outputs == stored

    notebook = nbformat.read(path, as_version=4)
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    code[0].source = "factor = 2"
    nbformat.write(notebook, path)
    notebooks.run(path)
    assert code_cells(path)[1].outputs[0].text.startswith("2 ")


def test_a_copy_is_executed_elsewhere_and_the_notebook_stays_as_it_is(tmp_path, capsys):
    source = tmp_path / "source"
    path = write(source / "01.ipynb", "open('left_behind.txt', 'w').close()")
    (source / "index.md").write_text("# Index\n")
    before = path.read_bytes()

    assert notebooks.main(["--folder", str(source), "--into", str(tmp_path / "copy")]) == 0

    assert path.read_bytes() == before
    assert {p.name for p in source.iterdir()} == {"01.ipynb", "index.md"}
    assert {p.name for p in (tmp_path / "copy").iterdir()} == {"01.ipynb", "index.md", "left_behind.txt"}
    assert "01.ipynb: " in capsys.readouterr().out


def test_the_first_error_stops_with_one_line_that_names_notebook_and_cell(tmp_path, capsys):
    path = write(tmp_path / "01.ipynb", new_markdown_cell("# Title"), "x = 1", "int('many\\nlines')  # here\n")
    write(tmp_path / "02.ipynb", "print('never run')")
    before = path.read_bytes()

    assert notebooks.main(["--folder", str(tmp_path)]) == 1

    captured = capsys.readouterr()
    assert captured.err.count("\n") == 1
    assert captured.err.startswith(f"{path}, cell 3 (`int('many\\nlines')  # here`): ValueError: invalid literal")
    assert captured.out == ""
    assert path.read_bytes() == before


def test_a_cell_that_takes_too_long_is_stopped(tmp_path):
    path = write(tmp_path / "01.ipynb", "import time\ntime.sleep(60)")
    with pytest.raises(notebooks.NotebookError, match=r"01\.ipynb, cell 1 .*longer than 1 seconds"):
        notebooks.run(path, timeout=1)


def test_the_kernel_has_no_mirror_no_hub_and_a_fixed_hash_seed(tmp_path, monkeypatch):
    monkeypatch.setenv("COURSE_MIRROR", "/somewhere")
    monkeypatch.setenv("NLTK_DATA", "/somewhere")
    monkeypatch.setenv("PYTHONHASHSEED", "7")
    names = "['COURSE_MIRROR', 'NLTK_DATA', 'HF_HUB_OFFLINE', 'PYTHONHASHSEED', 'TQDM_DISABLE']"
    path = write(tmp_path / "01.ipynb", f"import os\n[os.environ.get(name) for name in {names}]")
    notebooks.run(path)
    assert code_cells(path)[0].outputs[0].data["text/plain"] == "[None, None, '1', '0', '1']"


def test_normalise_drops_widgets_and_gives_every_cell_an_id_of_its_own():
    widget = new_output("display_data", data={notebooks.WIDGET: {"model_id": "1"}, "text/plain": "0 %"})
    only_widget = new_output("display_data", data={notebooks.WIDGET: {"model_id": "2"}})
    cells = [new_code_cell("a"), new_code_cell("a", outputs=[widget, only_widget]), new_markdown_cell("c")]
    notebook = new_notebook(cells=cells, metadata={"widgets": {}})
    del cells[2]["id"]

    notebooks.normalise(notebook)

    assert len({cell.id for cell in cells}) == 3
    assert [output.data for output in cells[1].outputs] == [{"text/plain": "0 %"}]
    nbformat.validate(notebook)


def test_a_solution_is_folded_in_the_book_and_in_jupyterlab():
    folded, open_again = new_code_cell("a", metadata={"tags": ["hide-cell"]}), new_code_cell("b")
    open_again.metadata.jupyter = {"source_hidden": True}  # somebody folded it by hand
    notebooks.normalise(new_notebook(cells=[folded, open_again]))
    assert folded.metadata == {"tags": ["hide-cell"], "jupyter": {"source_hidden": True, "outputs_hidden": True}}
    assert open_again.metadata == {}


def test_as_text_shows_sources_and_outputs_but_no_image(tmp_path):
    picture = new_output("display_data", data={"image/png": "aGVsbG8=", "text/plain": "<Figure>"})
    cell = new_code_cell("draw()", outputs=[picture], metadata={"tags": ["hide-input"]})
    path = write(tmp_path / "01.ipynb", new_markdown_cell("# Title"), cell)
    assert notebooks.as_text(path) == (
        "--- markdown\n# Title\n--- code hide-input\ndraw()\n>>> output image/png text/plain\n<Figure>\n"
    )
