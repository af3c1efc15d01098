"""Good files of every format, read by hand. What bad files get is in ``test_bad_input``."""

import json

import pytest

from course_utils.errors import InputError
from course_utils.file_formats import read_tagged_file, read_text_file

ROWS = (["Great soup 🍲, really", "cold chips"], ["good", "bad"], [2, 3])


@pytest.fixture
def write(tmp_path):
    def write(name: str, content: str | bytes):
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    return write


# Text files


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.csv", 'text,label\n"Great soup 🍲, really",good\ncold chips,bad\n'),
        ("a.tsv", "text\tlabel\nGreat soup 🍲, really\tgood\ncold chips\tbad\n"),
        ("columns in another order.csv", 'label,text\ngood,"Great soup 🍲, really"\nbad,cold chips\n'),
        ("spaces around names and labels.tsv", " text \t label\nGreat soup 🍲, really\t good\ncold chips\tbad \n"),
        ("capital suffix.TSV", "text\tlabel\nGreat soup 🍲, really\tgood\ncold chips\tbad\n"),
        ("capital suffix.CSV", 'text,label\n"Great soup 🍲, really",good\ncold chips,bad\n'),
    ],
)
@pytest.mark.parametrize("bom", [b"", b"\xef\xbb\xbf"], ids=["plain", "bom"])
@pytest.mark.parametrize("newline", ["\n", "\r\n"], ids=["lf", "crlf"])
@pytest.mark.parametrize("last", [True, False], ids=["last newline", "no last newline"])
def test_tables(write, name, content, bom, newline, last):
    content = content if last else content.removesuffix("\n")
    read = read_text_file(write(name, bom + content.replace("\n", newline).encode()))
    assert (read.texts, read.labels, read.lines) == ROWS


@pytest.mark.parametrize("bom", [b"", b"\xef\xbb\xbf"], ids=["plain", "bom"])
@pytest.mark.parametrize("newline", [b"\n", b"\r\n"], ids=["lf", "crlf"])
@pytest.mark.parametrize("name", ["a.jsonl", "A.JSONL"])
def test_jsonl(write, name, bom, newline):
    lines = [
        '{"text": "Great soup \\ud83c\\udf72", "label": "good"}',
        "",
        '{"label": 3, "text": "two\\nlines", "other": [1]}',
        '{"text": "Größe 🍲", "label": " x "}',
        '{"text": "yes", "label": true}',
    ]
    read = read_text_file(write(name, bom + newline.join(line.encode() for line in lines)))
    assert read.texts == ["Great soup 🍲", "two\nlines", "Größe 🍲", "yes"]
    assert read.labels == ["good", "3", "x", "True"]
    assert read.lines == [1, 3, 4, 5]


def test_csv_quotes_commas_and_newlines_and_lines_stay_right(write):
    content = 'text,label\n"one, two",a\n"three\nfour",b\n\n"he said ""no""",a\nlast,b\n'
    read = read_text_file(write("a.csv", content))
    assert read.texts == ["one, two", "three\nfour", 'he said "no"', "last"]
    assert read.labels == ["a", "b", "a", "b"]
    assert read.lines == [2, 3, 6, 7]  # the third text takes lines 3 and 4, line 5 is blank


def test_tsv_does_not_quote(write):
    read = read_text_file(write("a.tsv", 'text\tlabel\n"so-called\ta\nhe said ""no""\tb\n'))
    assert read.texts == ['"so-called', 'he said ""no""']


def test_unusual_line_separators_do_not_end_a_line(write):
    text = "one\u2028two\x85three\x0cfour"
    for name, content in {
        "a.tsv": f"text\tlabel\n{text}\ta\nx\tb\n",
        "a.csv": f"text,label\n{text},a\nx,b\n",
        "a.jsonl": "".join(
            json.dumps({"text": t, "label": label}, ensure_ascii=False) + "\n" for t, label in ((text, "a"), ("x", "b"))
        ),
    }.items():
        assert read_text_file(write(name, content)).texts == [text, "x"], name


def test_columns_by_name_and_group_columns(write):
    path = write("a.csv", "id,review,stars,author,document\n1,fine,5,Ann,d1\n2,dull,1,Bob,d1\n")
    read = read_text_file(path, text_column="review", label_column="stars")
    assert (read.texts, read.labels) == (["fine", "dull"], ["5", "1"])
    assert read.groups == {"author": ["Ann", "Bob"], "document": ["d1", "d1"]}


def test_regression_reads_numbers(write):
    read = read_text_file(write("a.csv", "text,label\na,1\nb,-2.5\nc, 1e3 \n"), task="regress")
    assert read.labels == [1.0, -2.5, 1000.0]
    assert all(isinstance(label, float) for label in read.labels)
    read = read_text_file(
        write("a.jsonl", '{"text": "a", "label": 3}\n{"text": "b", "label": "0.5"}\n'), task="regress"
    )
    assert read.labels == [3.0, 0.5]


# Tagged files


CONLL = """\
# genre = news
# a comment without a value

# document = d1
I\tPRON
saw\tVERB
#tag\tX
#\tSYM
# \tSYM
🍲\tNOUN


# document = d2
# genre = mail
New York\tPROPN
one\u2028token\tNOUN
"\tPUNCT"""


@pytest.mark.parametrize("bom", ["", "\ufeff"], ids=["plain", "bom"])
@pytest.mark.parametrize("newline", ["\n", "\r\n"], ids=["lf", "crlf"])
def test_conll_of_two_columns(write, bom, newline):
    read = read_tagged_file(write("a.conll", bom + CONLL.replace("\n", newline)), task="pos")
    assert read.tokens == [["I", "saw", "#tag", "#", "# ", "🍲"], ["New York", "one\u2028token", '"']]
    assert read.tags == {"pos_tags": [["PRON", "VERB", "X", "SYM", "SYM", "NOUN"], ["PROPN", "NOUN", "PUNCT"]]}
    assert read.lines == [5, 15]
    assert read.meta == [{"genre": "news", "document": "d1"}, {"genre": "mail", "document": "d2"}]
    assert read.notes == []


def test_conll_of_three_columns(write):
    path = write("a.conll", "Ann\tPROPN\tB-PER\nSmith\tPROPN\tI-PER\nslept\tVERB\tO\n")
    for task in ("pos", "ner", None):
        read = read_tagged_file(path, task=task)
        assert read.tags == {"pos_tags": [["PROPN", "PROPN", "VERB"]], "ner_tags": [["B-PER", "I-PER", "O"]]}


@pytest.mark.parametrize(
    ("content", "column"),
    [("Ann\tB-PER\nslept\tO\n", "ner_tags"), ("Ann\tNOUN\nslept\tVERB\n", "pos_tags"), ("O\tX\n", "pos_tags")],
)
def test_the_tags_of_two_columns_tell_the_task(write, content, column):
    assert list(read_tagged_file(write("a.conll", content)).tags) == [column]


def test_the_task_is_told_by_the_whole_file(write):
    read = read_tagged_file(write("a.conll", "No\tO\nname\tO\n\nAnn\tB-PER\n"))
    assert list(read.tags) == ["ner_tags"]
    read = read_tagged_file(write("a.conll", "O\tO\n\ndog\tNOUN\n"))
    assert list(read.tags) == ["pos_tags"]


CONLLU = """\
# newdoc id = mail-1
# sent_id = 1
# text = I don't #know
1\tI\tI\tPRON\tPRP\t_\t2\tnsubj\t_\t_
2-3\tdon't\t_\t_\t_\t_\t_\t_\t_\t_
2\tdo\tdo\tAUX\tVBP\t_\t4\taux\t_\t_
3\tn't\tnot\tPART\tRB\t_\t4\tadvmod\t_\t_
3.1\tever\tever\tADV\tRB\t_\t_\t_\t4:advmod\t_
4\t#know\tknow\tVERB\tVB\t_\t0\troot\t_\t_

# sent_id = 2
1\tNew York\t_\tPROPN\t_\t_\t0\troot\t_\t_

# newdoc id = mail-2
1\tOK\t_\tINTJ\t_\t_\t0\troot\t_\t_
"""


@pytest.mark.parametrize("newline", ["\n", "\r\n"], ids=["lf", "crlf"])
def test_conllu(write, newline):
    read = read_tagged_file(write("a.conllu", CONLLU.replace("\n", newline)), task="pos")
    assert read.tokens == [["I", "do", "n't", "#know"], ["New York"], ["OK"]]
    assert read.tags == {"pos_tags": [["PRON", "AUX", "PART", "VERB"], ["PROPN"], ["INTJ"]]}
    assert [meta["document"] for meta in read.meta] == ["mail-1", "mail-1", "mail-2"]
    assert read.notes == ["1 multiword ranges and 1 empty nodes left out (their words are read)"]


@pytest.mark.parametrize("name", ["a.conll", "A.CONLL", "A.IOB2"])
def test_suffixes_in_capitals(write, name):
    assert read_tagged_file(write(name, "Ann\tB-PER\n"), task="ner").tokens == [["Ann"]]


@pytest.mark.parametrize(
    "content",
    [
        "# source = x\n1\tAnn\tB-PER\t-\t-\n2\tSmith\tI-PER\t-\t-\n3\t#\tO\t-\t-\n\n1\tno\tO\t-\t-\n",
        "Ann\tB-PER\nSmith\tI-PER\n#\tO\n\nno\tO\n",
    ],
    ids=["five columns", "two columns"],
)
def test_iob2(write, content):
    read = read_tagged_file(write("a.iob2", content), task="ner")
    assert read.tokens == [["Ann", "Smith", "#"], ["no"]]
    assert read.tags == {"ner_tags": [["B-PER", "I-PER", "O"], ["O"]]}


def test_iob1_becomes_iob2_and_is_counted(write):
    iob1 = ["I-PER", "I-PER", "O", "I-PER", "I-LOC", "B-LOC", "I-LOC", "B-LOC"]
    iob2 = ["B-PER", "I-PER", "O", "B-PER", "B-LOC", "B-LOC", "I-LOC", "B-LOC"]
    path = write("a.conll", "".join(f"w\t{tag}\n" for tag in iob1) + "\nw\tI-LOC\n")
    read = read_tagged_file(path, task="ner", scheme="iob1")
    assert read.tags == {"ner_tags": [iob2, ["B-LOC"]]}
    assert read.notes == ["4 tags converted from IOB1 to IOB2"]


def test_good_iob2_is_iob2_under_either_scheme(write):
    path = write("a.conll", "a\tB-PER\nb\tI-PER\nc\tB-PER\nd\tO\n")
    assert read_tagged_file(path, task="ner").tags == read_tagged_file(path, task="ner", scheme="iob1").tags
    assert read_tagged_file(path, task="ner", scheme="iob1").notes == []


def test_types_may_hold_hyphens(write):
    read = read_tagged_file(write("a.conll", "a\tB-creative-work\nb\tI-creative-work\n"), task="ner")
    assert read.tags == {"ner_tags": [["B-creative-work", "I-creative-work"]]}


def test_unknown_scheme(write):
    with pytest.raises(InputError, match='scheme must be "iob2" or "iob1", got "bioes"'):
        read_tagged_file(write("a.conll", "a\tO\n"), scheme="bioes")
