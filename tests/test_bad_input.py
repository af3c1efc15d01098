"""Every kind of bad input gives exit status 2 and one line that names the place and the remedy."""

import re
import subprocess
import sys
from dataclasses import dataclass, field

import pytest
import transformers

from course_utils.cli import run_command

COMMANDS = {
    "classify": "train classify --data",
    "regress": "train regress --data",
    "pos": "train pos --data",
    "ner": "train ner --data",
}
# One good example a line, to put something wrong into.
CSV = "text,label\n" + "".join(f"number {i},{'ab'[i % 2]}\n" for i in range(20))
REGRESS = "text,label\n" + "".join(f"number {i},{i}\n" for i in range(20))
POS = "".join(f"the\tDET\nn{i}\tNOUN\n\n" for i in range(20))
NER = "".join(f"in\tO\nn{i}\tB-LOC\n\n" for i in range(20))
CONLLU = "".join(f"1\tthe\tthe\tDET\t_\t_\t2\tdet\t_\t_\n2\tn{i}\tn\tNOUN\t_\t_\t0\troot\t_\t_\n\n" for i in range(20))
RUN = '{"task": "classify", "options": {"seed": 0, "precision": "float32"}, "max_length": 16}'


@dataclass
class Case:
    """Files to write, the command to give, and what the one line must say (regular expressions)."""

    name: str
    command: str
    place: str
    remedy: str
    files: dict[str, str | bytes] = field(default_factory=dict)
    notes: int = 0  # lines that are said before, when the data are read already


def bad_file(
    name: str,
    task: str,
    file: str,
    content: str | bytes,
    line: int | None,
    found: str,
    remedy: str,
    **others: str | bytes,
) -> Case:
    """A file that ``course train`` cannot use; ``line`` is the line that must be named."""
    place = re.escape(f"{file}:{line}: " if line else f"{file}: ") + ".*" + found
    return Case(name, f"{COMMANDS[task]} {file}", place, remedy, {file: content})


def bad_folder(name: str, task: str, files: dict[str, str], place: str, remedy: str) -> Case:
    return Case(
        name, f"{COMMANDS[task]} folder", place, remedy, {f"folder/{file}": text for file, text in files.items()}
    )


def bad_option(name: str, command: str, found: str, remedy: str, notes: int = 0, **files: str) -> Case:
    return Case(name, command, found, remedy, {"good.csv": CSV, "good.conll": POS} | files, notes)


ANY_FILE = [
    Case("missing file", "train classify --data gone.csv", "gone.csv: no such file", "Check the path"),
    Case("missing file of another type", "train pos --data x/gone", "x/gone: no such file", "Check the path"),
    bad_file("empty", "classify", "a.csv", "", None, "the file is empty", "Give a file with examples"),
    bad_file("blank only", "classify", "a.csv", " \n\n\r\n", None, "the file is empty", "Give a file with examples"),
    bad_file("empty jsonl", "classify", "a.jsonl", "", None, "the file is empty", "Give a file with examples"),
    bad_file("empty conll", "pos", "a.conll", "", None, "the file is empty", "Give a file with examples"),
    bad_file("byte order mark only", "classify", "a.csv", b"\xef\xbb\xbf\n", None, "the file is empty", "Give a file"),
    bad_file("UTF-16", "classify", "a.csv", CSV.encode("utf-16"), 1, "the file is UTF-16", "Save it again as UTF-8"),
    bad_file(
        "Latin-1",
        "classify",
        "a.csv",
        b"text,label\nfine,a\ncaf\xe9,b\n",
        3,
        "byte 0xe9 is not UTF-8",
        "Save the file again as UTF-8",
    ),
    bad_file(
        "Latin-1, tagged", "pos", "a.conll", b"a\tX\n\ncaf\xe9\tY\n", 3, "byte 0xe9", "Save the file again as UTF-8"
    ),
    bad_file("NUL", "classify", "a.csv", "text,label\na,b\nx\0y,a\n", 3, "a NUL character", "Remove it"),
    bad_file("unknown type", "classify", "a.docx", "text", None, r'unknown file type "\.docx"', r"Use one of \.csv"),
    bad_file("no type", "classify", "data", "text", None, 'unknown file type ""', r"Use one of \.csv"),
]

TEXT_FILES = [
    bad_file("header only", "classify", "a.csv", "text,label\n", 1, "only a header", "Add rows"),
    bad_file("header only, lower", "classify", "a.csv", "\n\ntext,label\n", 3, "only a header", "Add rows"),
    bad_file("no text column", "classify", "a.csv", "body,label\nx,a\n", 2, 'no column "text"', "--text-column"),
    bad_file("no label column", "classify", "a.tsv", "text\tstars\nx\t1\n", 2, 'no column "label"', "--label-column"),
    bad_file(
        "no key", "classify", "a.jsonl", '{"text": "x", "label": "a"}\n{"text": "y"}', 2, "no column", "--label-col"
    ),
    bad_file(
        "column twice", "classify", "a.csv", "text,label,text\nx,a,y\n", 1, 'column "text" occurs twice', "Give each"
    ),
    bad_file("too many columns", "classify", "a.csv", CSV + "a, b,a\n", 22, "3 columns, expected 2", "must be quoted"),
    bad_file(
        "too few columns", "classify", "a.tsv", "text\tlabel\nx\ta\ny\n", 3, "1 columns, expected 2", "Mend the row"
    ),
    bad_file("quote not closed", "classify", "a.csv", 'text,label\nx,a\n"open,b\nz,a\n', 3, "broken quoting", "Double"),
    bad_file("quote inside", "classify", "a.csv", 'text,label\n"one "two" three",a\n', 2, "broken quoting", "Double"),
    bad_file("empty text", "classify", "a.csv", "text,label\nx,a\n  ,b\n", 3, '"text" is empty', "remove the row"),
    bad_file("empty label", "classify", "a.csv", "text,label\nx,a\ny,\n", 3, '"label" is empty', "Give the label"),
    bad_file(
        "null label", "classify", "a.jsonl", '{"text": "x", "label": null}', 1, '"label" is empty', "Give the label"
    ),
    bad_file("text a number", "classify", "a.jsonl", '{"text": 3, "label": "a"}', 1, '"text" is "3"', "in quotes"),
    bad_file("text null", "classify", "a.jsonl", '{"text": null, "label": "a"}', 1, '"text" is "None"', "in quotes"),
    bad_file(
        "half a character",
        "classify",
        "a.jsonl",
        '{"text": "\\ud83c", "label": "a"}',
        1,
        "half a character",
        "Write both",
    ),
    bad_file(
        "not JSON", "classify", "a.jsonl", '{"text": "x", "label": "a"}\n{text: x}\n', 2, "not JSON", "one object"
    ),
    bad_file("JSON list", "classify", "a.jsonl", '[{"text": "x", "label": "a"}]', 1, "a JSON list", "Write {"),
    bad_file("label a list", "classify", "a.jsonl", '{"text": "x", "label": ["a"]}', 1, '"label" is', "Give one name"),
    bad_file("not a number", "regress", "a.csv", REGRESS + "x,five\n", 22, '"label" is "five"', "needs numbers"),
    bad_file("NaN", "regress", "a.csv", REGRESS + "x,nan\n", 22, "not a finite number", "needs numbers"),
    bad_file("infinite", "regress", "a.csv", REGRESS + "x,-inf\n", 22, "not a finite number", "needs numbers"),
    bad_file("true", "regress", "a.jsonl", '{"text": "x", "label": true}', 1, "not a finite number", "needs numbers"),
    bad_file("one class", "classify", "a.csv", CSV.replace(",b", ",a"), None, 'only one label, "a"', "at least two"),
    bad_file("two examples", "classify", "a.csv", "text,label\nx,a\ny,b\n", None, "2 different examples", "At least 3"),
    bad_file(
        "one text", "classify", "a.csv", "text,label\n" + "x,a\nx,b\n" * 9, None, "1 different examples", "At least 3"
    ),
    bad_file(
        "two authors",
        "classify",
        "a.csv",
        "text,label,author\n" + "".join(f"n{i},{i % 2},{i % 2}\n" for i in range(9)),
        None,
        '2 different values of "author"',
        "At least 3",
    ),
    bad_file(
        "author on some rows",
        "classify",
        "a.jsonl",
        '{"text": "x", "label": "a", "author": "Ann"}\n{"text": "y", "label": "b"}',
        None,
        '"author" is given on 1 of 2 rows',
        "Give it on all",
    ),
]

TAGGED_FILES = [
    bad_file("no tab", "pos", "a.conll", "the\tDET\ndog NOUN\n", 2, 'no tab in "dog NOUN"', "Write token TAB tag"),
    bad_file("four columns", "pos", "a.conll", "a\tX\tO\t_\n", 1, "4 columns, expected 2 or 3", "Keep the token"),
    bad_file(
        "changing columns", "pos", "a.conll", "a\tX\n\nb\tX\tO\n", 3, "3 columns, expected 2 as", "Give all lines"
    ),
    bad_file("empty token", "pos", "a.conll", "a\tX\n\tY\n", 2, "an empty token", "Write the token"),
    bad_file("empty tag", "pos", "a.conll", "a\tX\nb\t\n", 2, "the tag .* is empty", "Write one tag"),
    bad_file("space in a tag", "pos", "a.conll", "a\tX\nb\tY Z\n", 2, 'the tag "Y Z"', "Write one tag"),
    bad_file("unknown tag", "ner", "a.conll", "a\tO\n# note\nb\tLOC\n", 3, 'unknown tag "LOC"', "O, B-TYPE and I-TYPE"),
    bad_file("tag without type", "ner", "a.conll", NER + "a\tB-\n", 61, 'unknown tag "B-"', "O, B-TYPE and I-TYPE"),
    bad_file("I- at the start", "ner", "a.conll", NER + "a\tI-LOC\n", 61, '"I-LOC" follows "O"', 'scheme="iob1"'),
    bad_file("I- after O", "ner", "a.conll", "# n\na\tO\nb\tI-LOC\n", 3, '"I-LOC" follows "O"', 'Write "B-LOC"'),
    bad_file(
        "I- of other type", "ner", "a.conll", "a\tB-PER\nb\tI-LOC\n", 2, '"I-LOC" follows "B-PER"', 'Write "B-LOC"'
    ),
    bad_file("comments only", "pos", "a.conll", "# one\n\n# two\n", None, "no sentences", "Give one token"),
    bad_file("one tag", "pos", "a.conll", POS.replace("DET", "NOUN"), None, 'only one label, "NOUN"', "at least two"),
    bad_file("O only", "ner", "a.conll", NER.replace("B-LOC", "O"), None, 'only one label, "O"', "at least two"),
    bad_file("nine columns", "pos", "a.conllu", CONLLU + "1\tx" + "\t_" * 7, 61, "9 columns, expected the 10", "Mend"),
    bad_file(
        "id", "pos", "a.conllu", CONLLU + "one\tx\t_\tX" + "\t_" * 6, 61, 'the id "one"', "Number the words from 1"
    ),
    bad_file(
        "no UPOS", "pos", "a.conllu", CONLLU + "1\tx" + "\t_" * 8, 61, 'the word "x" has no universal', "Fill column 4"
    ),
    bad_file(
        "iob2 comment, then I-", "ner", "a.iob2", "# id = 1\n1\tx\tO\n2\ty\tI-LOC\n", 3, '"I-LOC" follows', "B-LOC"
    ),
    bad_file("iob2 no tab", "ner", "a.iob2", "x O\n", 1, 'no tab in "x O"', "Write token TAB tag"),
    bad_file("iob2 id", "ner", "a.iob2", "x\ty\tO\n", 1, 'the id "x" is not a number', "Write id TAB token TAB tag"),
    bad_file("conllu for ner", "ner", "a.conllu", CONLLU, None, "has no entity tags", r"Use \.conll or \.iob2"),
    bad_file("iob2 for pos", "pos", "a.iob2", NER, None, "has no part-of-speech tags", r"Use \.conll or \.conllu"),
    bad_file("csv for pos", "pos", "a.csv", CSV, None, "cannot be used for pos", r"Use one of \.conll"),
    bad_file(
        "conll for classify", "classify", "a.conll", POS, None, "cannot be used for classify", r"Use one of \.csv"
    ),
]

FOLDERS = [
    bad_folder("no train", "classify", {"test.csv": CSV}, "folder: the folder has no train file", r"\.csv"),
    bad_folder(
        "two trains", "classify", {"train.csv": CSV, "train.tsv": CSV}, "both train.csv and train.tsv", "Keep one"
    ),
    bad_folder(
        "types", "pos", {"train.conll": POS, "test.conllu": CONLLU}, "folder: files of different types", "same type"
    ),
    bad_folder(
        "new label in test",
        "classify",
        {"train.csv": CSV, "test.csv": "text,label\nx,a\ny,c\n"},
        r'folder/test.csv:3: label "c" occurs in test, not in train \(which has a, b\)',
        "Add training examples of it, or remove it",
    ),
    bad_folder(
        "new type in validation",
        "ner",
        {"train.conll": NER, "validation.conll": NER + "x\tB-PER\n", "test.conll": NER},
        'folder/validation.conll:61: label "PER" occurs in validation, not in train',
        "Add training examples of it, or remove it",
    ),
    bad_folder(
        "other columns in test",
        "ner",
        {"train.conll": NER.replace("\t", "\tX\t").replace("in\tX", "in\tY"), "test.conll": NER},
        "folder/test.conll: it has ner_tags, but train.conll has pos_tags, ner_tags",
        "Give all splits the same",
    ),
    bad_folder(
        "bad line in test", "pos", {"train.conll": POS, "test.conll": "x\n"}, "folder/test.conll:1: no tab", "TAB"
    ),
]

TRAIN = "train classify --data good.csv"
OPTIONS = [
    bad_option("unknown task", "train summarise --data good.csv", "summarise", "'classify'"),
    bad_option("unknown corpus", "train pos --data xyz", 'no corpus or file is called "xyz"', "choose one of .*brown"),
    bad_option("close name", "train pos --data treebnk", 'called "treebnk"', r'did you mean "treebank"\?'),
    bad_option("corpus of another task", "train ner --data brown", "for pos, not for ner", "there are eastmere-tagged"),
    bad_option(
        "corpus for no such task", "train regress --data sst2", '"sst2" is for classify', "there are eastmere-reviews"
    ),
    bad_option("no data", "train classify", "Missing option '--data'", "Try course --help"),
    bad_option("same column twice", f"{TRAIN} --text-column label", 'both "label"', "Name two different columns"),
    bad_option("no epochs", f"{TRAIN} --epochs 0", "epochs must be at least 1, got 0", "at least 1"),
    bad_option("half an epoch", f"{TRAIN} --epochs 0.5", "--epochs", "integer"),
    bad_option("no batch", f"{TRAIN} --batch-size 0", "batch.size must be at least 1, got 0", "at least 1"),
    bad_option("no rate", f"{TRAIN} --learning-rate 0", "learning.rate must lie .*, got 0", r"\(0, 1\)"),
    bad_option("negative rate", f"{TRAIN} --learning-rate -1", "learning.rate must lie .*, got -1", r"\(0, 1\)"),
    bad_option("NaN rate", f"{TRAIN} --learning-rate nan", "learning.rate must lie .*, got nan", r"\(0, 1\)"),
    bad_option("rate in words", f"{TRAIN} --learning-rate high", "--learning-rate", "float|number"),
    bad_option("unknown device", f"{TRAIN} --device tpu", 'device must be one of auto, cpu, .* got "tpu"', "one of"),
    bad_option("absent device", f"{TRAIN} --device cuda:99", 'device "cuda:99" was asked for', "Use|CUDA devices"),
    bad_option("unknown precision", f"{TRAIN} --precision int8", 'precision must be .* got "int8"', "one of auto"),
    bad_option("float16 on CPU", f"{TRAIN} --device cpu --precision float16", '"float16" needs a GPU', 'Use "auto"'),
    bad_option("unknown model", f"{TRAIN} --model gpt9", 'no model is called "gpt9"', "Use minilm, bert"),
    bad_option("model folder missing", f"{TRAIN} --model ./gone", "./gone: not a folder", "Give a folder"),
    bad_option("model a file", f"{TRAIN} --model good.csv", "good.csv: not a folder", "Give a folder"),
    bad_option("model folder empty", f"{TRAIN} --model m", "m: no config.json", "save_pretrained", **{"m/x": "x"}),
    bad_option("model damaged", f"{TRAIN} --model m", "m: the checkpoint cannot be read", "", **{"m/config.json": "{"}),
    bad_option("no layers", f"{TRAIN} --num-layers 0", r"--num-layers must be at least 1, got 0", "at least 1"),
    bad_option("too many layers", f"{TRAIN} --num-layers 99", "num_layers must lie .* got 99", r"\[1, 6\]", 2),
    bad_option("no training rows", f"{TRAIN} --train-size 0", "--train-size must be at least 1, got 0", "at least 1"),
    bad_option("no evaluation rows", f"{TRAIN} --eval-size -5", "--eval-size must be at least 1, got -5", "at least 1"),
    bad_option("negative seed", f"{TRAIN} --seed -1", "seed must lie in .* got -1", r"\[0, 2\*\*32\)"),
    bad_option("resume from nowhere", f"{TRAIN} --resume", "--resume needs --output", "say where"),
    bad_option(
        "resume from nothing", f"{TRAIN} --resume --output new", "new.*: no checkpoint to resume", "Train without"
    ),
    bad_option("output a file", f"{TRAIN} --output good.csv", "good.csv: not a folder", "Give a new folder"),
    bad_option(
        "output in use", f"{TRAIN} --output .", r"\.: this folder holds other files", "Give a new or empty folder"
    ),
    bad_option("output below a file", f"{TRAIN} --output good.csv/new", "good.csv/new: ", "Give another --output"),
    bad_option(
        "json into no folder", f"{TRAIN} --json gone/a.json", "gone/a.json: cannot be written", "folder that exists"
    ),
    bad_option("json a folder", f"{TRAIN} --json .", r"\.: a folder", "expected a file to write"),
    bad_option("unknown option", f"{TRAIN} --epoch 3", "--epoch", "Try course --help"),
    bad_option("unknown command", "trian pos", "trian", "Try course --help"),
    bad_option("evaluate nothing", "evaluate gone --data good.csv", "gone: no such folder", "course train --output"),
    bad_option("not a run", "evaluate m --data good.csv", "m: it has no training.json", "course train", **{"m/x": ""}),
    bad_option(
        "unfinished run", "evaluate m --data good.csv", "not finished", "course train", **{"m/checkpoints/step-1/x": ""}
    ),
    bad_option(
        "damaged run", "evaluate m --data good.csv", "m/training.json: damaged", "again", **{"m/training.json": "{"}
    ),
    bad_option(
        "empty run", "evaluate m --data good.csv", "m/training.json: damaged", "again", **{"m/training.json": "{}"}
    ),
    bad_option(
        "run a list", "evaluate m --data good.csv", "m/training.json: damaged", "again", **{"m/training.json": "[]"}
    ),
    bad_option(
        "run of no task",
        "evaluate m --data good.csv",
        "training.json: damaged",
        "again",
        **{"m/training.json": '{"task": "x"}'},
    ),
    bad_option(
        "run without model", "evaluate m --data good.csv", "m: no config.json", "save_pr", **{"m/training.json": RUN}
    ),
    bad_option(
        "unknown split",
        "evaluate m --data good.csv --split dev",
        '--split must be .* "dev"',
        "val",
        **{"m/training.json": RUN},
    ),
    bad_option("evaluate no rows", "evaluate m --data good.csv --eval-size 0", "--eval-size must be at least 1", "1"),
    bad_option(
        "predict with nothing", "predict gone --input good.csv", "gone: no such folder", "course train --output"
    ),
    bad_option("predict from nothing", "predict m --input gone.txt", "gone.txt: no such file", "Give a text file"),
    bad_option(
        "predict into nothing", "predict m --output gone/a.jsonl", "gone/a.jsonl: cannot be written", "folder that"
    ),
    Case(
        "predict Latin-1",
        "predict m --input a.txt",
        "a.txt:2: byte 0xe9",
        "Save the file as UTF-8",
        {"a.txt": b"a\n\xe9\n"},
    ),
    bad_option("unknown corpus to show", "data show xyz", '"xyz"', "choose one of"),
    bad_option("unknown corpus to fetch", "data fetch brwn", '"brwn"', r'did you mean "brown"\?'),
]

CASES = ANY_FILE + TEXT_FILES + TAGGED_FILES + FOLDERS + OPTIONS


@pytest.fixture
def write(tmp_path, monkeypatch):
    """Write the files of a case into an empty current folder."""

    def write(files):
        for name, content in files.items():
            path = tmp_path / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content if isinstance(content, bytes) else content.encode())

    monkeypatch.chdir(tmp_path)
    return write


def test_the_list_is_long_and_names_are_its_own():
    assert len(CASES) >= 45
    assert len({case.name for case in CASES}) == len(CASES)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_bad_input(case, write, no_mirror, monkeypatch, capsys):
    def never(*_, **__):
        raise AssertionError("bad input must be found before a model is loaded")

    monkeypatch.setattr(transformers.PreTrainedModel, "from_pretrained", never)
    write(case.files)
    status = run_command(case.command.split())
    captured = capsys.readouterr()
    assert captured.out == ""
    lines = captured.err.splitlines()
    assert len(lines) == case.notes + 1, captured.err
    assert lines[-1].startswith("course: ")
    assert re.search(case.place, lines[-1]), lines[-1]
    assert re.search(case.remedy, lines[-1]), lines[-1]
    assert "Traceback" not in captured.err
    assert status == 2


@pytest.mark.slow
@pytest.mark.parametrize("name", ["Latin-1", "no tab", "unknown option", "close name"])
def test_bad_input_in_a_process_of_its_own(name, write, no_mirror):
    case = next(case for case in CASES if case.name == name)
    write(case.files)
    command = [sys.executable, "-m", "course_utils.cli", *case.command.split()]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.stdout == ""
    assert re.fullmatch(f"course: .*{case.place}.*{case.remedy}.*\n", done.stderr), done.stderr
    assert done.returncode == 2
