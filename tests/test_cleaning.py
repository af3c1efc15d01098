"""Cleaning: what is mended, exactly, and what stays as it is; and the whole of it on the raw Eastmere reviews."""

import csv
import html
import sys
import unicodedata
from collections import Counter
from html.parser import HTMLParser

import pytest

from course_utils import cleaning
from course_utils.cleaning import (
    INVISIBLE,
    EncodingRepair,
    clean_html,
    fold_width,
    normalise_unicode,
    normalise_whitespace,
    repair_encoding,
    straighten_quotes,
)
from course_utils.corpora import load_corpus
from course_utils.eastmere import data_folder

UNTOUCHED = (
    "",
    " ",
    "Plain text, with a full stop.",
    "a < b",
    "3 <5 and 5> 3",
    "R&B; fish & chips, AT&T",
    "I love it <3 </3",
    "x<y",
    "a <b",
    "the end <b and no more",
    "<your name>",
    "</name>",
    "<anna@example.org>",
    "<https://example.org/p>",
    "<b@example.org>",
    "<bold>",
    "<-- this way -->",
    "<!-- not closed",
    "<! wow >",
    "<!doctypes>",
    "<? what >",
    "< p>",
    "<p",
    "<p title='not closed>",
    "?a=1&copy=2&section=3",
    "&copy &lt &nbsp",
    "&; &#; &#x; &#xZ; &unknown; &notit; &1;",
    "&#12345678; &#x1234567;",
    "& amp;",
)


# Markup


@pytest.mark.parametrize("text", UNTOUCHED)
def test_text_without_markup_is_unchanged(text):
    assert clean_html(text) == text


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("<p>one</p><p>two</p>", "\none\n\ntwo\n"),
        ("one<br>two<br/>three<BR />four", "one\ntwo\nthree\nfour"),
        ("<table><tr><td>1</td><td>2</td></tr></table>", "\n\n\n1\n\n2\n\n\n"),
        ("<h1>A</h1><h6>B</h6><h7>C</h7>", "\nA\n\nB\n<h7>C</h7>"),
        ("a <b>bold</b>, an <I class=x>italic</I> word", "a bold, an italic word"),
        ("un<b>bear</b>able", "unbearable"),
        ('<a href="a.html" title="a > b">link</a>', "link"),
        ("<a title='5 > 4 \" <p>'>link</a>", "link"),
        ("<p\nclass='x'\n>text", "\ntext"),
        ("a<!-- one -->b<!---->c<!-- <p> \n two -->d", "abcd"),
        ("<!DOCTYPE html><html>x</html>", "\nx\n"),
        ("a<script>if (1 < 2) {alert('<p>')}</script>b", "ab"),
        ('a<SCRIPT type="x">\n1\n</script >b<script>2</script>c', "abc"),
        ("a<style>p > b {}</style>b", "ab"),
        ("a<style>1</script>b</style>c", "ac"),
        ("a<script>b", "ab"),
        ("a<script/>b", "ab"),
        ("a<scripted>b</scripted>", "a<scripted>b</scripted>"),
        ("</p>a</b >b", "\nab"),
        ("a<wbr>b<img src='x'>c<hr>d", "abc\nd"),
        ("if a <b and c> d", "if a  d"),  # it has the form of a tag
    ],
)
def test_markup_goes_and_text_stays(text, expected):
    assert clean_html(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("fish &amp; chips", "fish & chips"),
        ("&lt;p&gt; is a tag", "<p> is a tag"),
        ("&amp;lt;", "&lt;"),
        ("&#39;&#x27;&#X27;&apos;", "''''"),
        ("&eacute;&Eacute;&frac12;&there4;", "éÉ½∴"),
        ("&nbsp;", "\u00a0"),
        ("&#1234567;&#x10FFFD;&#x10ffff;", "\ufffd\U0010fffd"),  # no such character; the last one; not a character
        ("&#128;", "€"),
        ("&&amp;;", "&&;"),
        ("&#x1F372;&hellip;", "🍲…"),
        ("<p title='&quot;'>&quot;", '\n"'),
    ],
)
def test_entities_are_decoded_once_and_only_whole_ones(text, expected):
    assert clean_html(text) == expected


class Parser(HTMLParser):
    """The text as the standard library's parser sees it; our block tags become a line feed."""

    def __init__(self):
        super().__init__()
        self.text, self.hidden = "", False

    def handle_starttag(self, tag, attributes):
        self.hidden = tag in ("script", "style")
        self.text += "\n" if tag in ("p", "br", "div", "li", "ul", "h1") else ""

    def handle_startendtag(self, tag, attributes):
        self.handle_starttag(tag, attributes)

    def handle_endtag(self, tag):
        self.hidden = False
        self.text += "\n" if tag in ("p", "br", "div", "li", "ul", "h1") else ""

    def handle_data(self, data):
        self.text += "" if self.hidden else data


@pytest.mark.parametrize(
    "page",
    [
        "<h1 lang='en'>A &amp; B</h1><p>One<br/>two.</p>",
        "<ul><li>one</li><li>t<i>w</i>o</li></ul><!-- end --><script>var a = '<p>';</script>",
        '<div data-x="1 > 0"><span style="color: red">Caf&eacute;</span>&nbsp;<a href="?a=1&amp;b=2">more</a></div>',
        "<style>p { color: red }</style><p>x &lt; y</p>",
    ],
)
def test_whole_markup_is_read_as_the_standard_library_does(page):
    parser = Parser()
    parser.feed(page)
    parser.close()
    assert clean_html(page) == parser.text


# Characters


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("  two   words ", "two words"),
        ("tab\tcr\rlf\ncrlf\r\nvt\vff\fend", "tab cr lf crlf vt ff end"),
        ("no\u00a0break\u202fnarrow\u3000wide\u2003em\u2028line\u2029paragraph\u0085next", None),
        ("\ufeffstart", "start"),
        ("co\u00adop\u200ber\u2060ate", "cooperate"),
        ("a \u200b b", "a b"),
        ("\u200b", ""),
        ("", ""),
        (" \n ", ""),
    ],
)
def test_white_space_becomes_one_space(text, expected):
    expected = "no break narrow wide em line paragraph next" if expected is None else expected
    assert normalise_whitespace(text) == expected


def test_every_character_that_python_calls_white_space_counts():
    spaces = [chr(code) for code in range(sys.maxunicode + 1) if chr(code).isspace()]
    assert len(spaces) == 29
    assert all(normalise_whitespace(f"a{space}b") == "a b" for space in spaces)


def test_only_the_listed_invisible_characters_go():
    assert list(INVISIBLE) == ["\u00ad", "\u200b", "\u2060", "\ufeff"]
    assert list(INVISIBLE.values()) == ["soft hyphen", "zero-width space", "word joiner", "byte order mark"]
    for kept in ("می\u200cخواهم", "👩\u200d🔬", "☕\ufe0f", "\u200eabc\u200f"):
        assert normalise_whitespace(kept) == kept


def test_composed_and_decomposed_letters_become_equal():
    assert normalise_unicode("cafe\u0301 A\u030a \u212b") == "caf\u00e9 \u00c5 \u00c5"
    kept = "“quotes” – ﬁ ² ½ ™ ｗｉｄｅ … STRASSE ß I ı 🍲\u200d"
    assert normalise_unicode(kept) == kept


def test_wide_letters_and_digits_become_narrow():
    wide = "".join(chr(code) for code in range(0xFF01, 0xFF5F))
    narrow = unicodedata.normalize("NFKC", wide)
    expected = "".join(n if n.isalnum() else w for w, n in zip(wide, narrow))
    assert fold_width(wide) == expected
    assert fold_width("ＡＺ ａｚ ０９") == "AZ az 09"
    assert fold_width("好，！（）。ｱ　\uff00") == "好，！（）。ｱ　\uff00"


def test_quotes_become_straight():
    assert straighten_quotes("“a” „b‟ ‘c’ ‚d‛ it’s") == "\"a\" \"b\" 'c' 'd' it's"
    kept = "«a» ‹b› `c´ 5′ 6″ – …"
    assert straighten_quotes(kept) == kept


# Encoding


def misread(text: str, encoding: str = "cp1252") -> str:
    return text.encode("utf-8").decode(encoding)


@pytest.mark.parametrize(
    ("text", "mended", "replaced"),
    [
        ("cafÃ©", "café", {"Ã©": "é"}),
        ("Ã©tÃ©", "été", {"Ã©": "é"}),
        ("itâ€™s â€œgoodâ€\x9d", "it’s “good”", {"â€™": "’", "â€œ": "“", "â€\x9d": "”"}),
        ("Â£5", "£5", {"Â£": "£"}),
        ("19 Â°C", "19 °C", {"Â°": "°"}),
        ("Â°", "°", {"Â°": "°"}),
        ("Ã–gedei", "Ögedei", {"Ã–": "Ö"}),
        ("PetroviÄ‡", "Petrović", {"Ä‡": "ć"}),
        ("rÃªve", "rêve", {"Ãª": "ê"}),
        ("TÃªte", "Tête", {"Ãª": "ê"}),
        ("HÃ´tel", "Hôtel", {"Ã´": "ô"}),
        ("ðŸ\x8d²", "🍲", {"ðŸ\x8d²": "🍲"}),
        ("â˜…â˜…", "★★", {"â˜…": "★"}),
        ("æ±¤", "汤", {"æ±¤": "汤"}),
        ("Ð¿Ñ€Ð¸Ð²ÐµÑ‚", "привет", {"Ð¿": "п", "Ñ€": "р", "Ð¸": "и", "Ð²": "в", "Ðµ": "е", "Ñ‚": "т"}),
        ("\u00ef\u00bb\u00bfstart", "\ufeffstart", {"ï»¿": "\ufeff"}),
    ],
)
def test_what_is_certainly_read_wrongly_is_mended(text, mended, replaced):
    assert repair_encoding(text) == EncodingRepair(mended, replaced, 1)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "plain",
        "café",
        "cafÃ© and café",  # not read wrongly as a whole
        "SÃO PAULO",
        "AMANHÃ…",
        "MAÇÃ”",
        "IRMÃ\u00a0»",
        "IRMÃ®",
        "CAFÉ´s",
        "É…",
        "É… uma pena",
        "“É”",
        "café…”",
        "voilà\u00a0»",
        "Ã",
        "Â",
        "â€",
        "Ã©\ufffd",
        "汤",
    ],
)
def test_what_may_be_right_is_left_alone(text):
    assert repair_encoding(text) == EncodingRepair(text, {}, 0)


def test_each_sign_that_may_follow_a_letter_is_no_proof():
    """After a capital that begins a word: "É…" is a letter and three dots, "Ê€" is nothing."""
    allowed = "\u00a0…“”‘’´–—•†‡›»‹«™®°ªº¹²³·"
    for code in range(0x80, 0xC0):
        for encoding in ("cp1252", "latin-1"):
            sign = bytes([code]).decode(encoding, errors="ignore")
            if sign:
                assert (repair_encoding(f"É{sign}").rounds == 0) == (sign in allowed), sign


@pytest.mark.parametrize(
    ("before", "rounds"), [("", 1), (" ", 1), ("5", 1), (".", 1), ("a", 1), ("A", 0), ("É…", 1), ("Ê", 0)]
)
@pytest.mark.parametrize("lead", ["Â", "Ã"])
def test_what_stands_before_decides_where_the_sign_does_not(lead, before, rounds):
    assert repair_encoding(f"{before}{lead}…").rounds == rounds
    assert repair_encoding(f"{before}{lead}… and on").rounds == rounds


@pytest.mark.parametrize(("after", "rounds"), [("", 0), ("A", 0), (" a", 0), ("1", 0), ("a", 1)])
@pytest.mark.parametrize("lead", ["Â", "Ã", "Ä"])
def test_a_small_letter_after_it_shows_that_the_word_is_not_in_capitals(lead, after, rounds):
    assert repair_encoding(f"A{lead}…{after}").rounds == (0 if lead == "Ä" else rounds)


@pytest.mark.parametrize(("before", "rounds"), [("", 0), (" ", 0), ("5", 0), ("a", 1), ("A", 0), ("aÉ…", 1)])
def test_another_capital_is_proof_only_within_a_word(before, rounds):
    assert repair_encoding(f"{before}Ä…").rounds == rounds


def test_a_small_letter_is_no_capital():
    assert repair_encoding("aé…”").rounds == 0
    assert repair_encoding("aé…€").rounds == 1


@pytest.mark.parametrize("encoding", ["cp1252", "latin-1"])
def test_one_proof_is_enough_for_the_whole_text(encoding):
    text = "Â É Ô ê … ™ é"
    assert repair_encoding(misread(text, encoding)).text == text


@pytest.mark.parametrize("rounds", [1, 2, 3])
def test_every_reading_is_undone(rounds):
    text = "Ça coûte 5 € – déjà vu"
    spoiled = text
    for _ in range(rounds):
        spoiled = spoiled.encode("utf-8").decode("latin-1")
    repair = repair_encoding(spoiled)
    assert (repair.text, repair.rounds) == (text, rounds)
    assert repair.replaced["Ã\x87"] == "Ç"


def test_both_readings_are_reported():
    assert repair_encoding("ÃƒÂ©") == EncodingRepair("é", {"Ãƒ": "Ã", "Â©": "©", "Ã©": "é"}, 2)


@pytest.mark.parametrize("name", ["spanish.txt", "chinese.csv"])
def test_other_languages_are_mended_and_otherwise_left_alone(name):
    lines = [line for line in (data_folder() / "eastmere" / name).read_text("utf-8").splitlines() if line.strip()]
    assert sum(not line.isascii() for line in lines) >= 50
    for line in lines:
        assert repair_encoding(line) == EncodingRepair(line, {}, 0)
        assert repair_encoding(misread(line, "latin-1")).text == line


# All of it


def clean(text: str) -> str:
    text = repair_encoding(clean_html(text)).text
    return straighten_quotes(fold_width(normalise_whitespace(normalise_unicode(text))))


def read_rows(name: str) -> list[dict[str, str]]:
    with open(data_folder() / "eastmere" / name, encoding="utf-8", newline="") as handle:
        return list(csv.DictReader(handle))


def test_clean_texts_are_left_alone():
    texts = [text for part in load_corpus("eastmere-reviews").values() for text in part["text"]]
    steps = (clean_html, normalise_whitespace, normalise_unicode, fold_width, straighten_quotes)
    assert len(texts) == 2310
    assert sum("&" in text for text in texts) > 10 and any("é" in text for text in texts)
    for text in texts:
        assert [step(text) for step in steps] == [text] * 5
        assert repair_encoding(text) == EncodingRepair(text, {}, 0)


def test_all_dirt_of_the_raw_reviews_is_mended():
    """Every text with these faults equals its clean source to the character; near duplicates have other words."""
    sources = {row["id"]: row["text"] for row in read_rows("reviews.csv") if row["split"] != "vault"}
    mended, wrongly_decoded = Counter(), Counter()
    for row, entry in zip(read_rows("reviews_raw.csv"), read_rows("reviews_raw_key.csv"), strict=True):
        faults = set(entry["faults"].split())
        wrongly_decoded[repair_encoding(clean_html(row["text"])).rounds, "mojibake" in faults] += 1
        if row["text"] and "near-duplicate" not in faults:
            assert clean(row["text"]) == sources[entry["source"]]
            mended.update(faults)
    expected = {"white-space": 220, "html-entities": 139, "html-tags": 236, "mojibake": 104}
    expected |= {"curly-quotes": 87, "full-width": 19, "zero-width": 48, "decomposed": 5}
    assert {fault: mended[fault] for fault in expected} == expected
    assert wrongly_decoded == {(0, False): 2328, (1, True): 110}, "those that were read wrongly, and no other"


def test_the_order_matters():
    """A no-break space is half of the "à" that was read wrongly: normalised first, it is lost."""
    spoiled = misread("déjà vu")
    assert normalise_whitespace(repair_encoding(spoiled).text) == "déjà vu"
    assert repair_encoding(normalise_whitespace(spoiled)).text == "dÃ©jÃ vu"
    assert repair_encoding(clean_html(html.escape("<cafÃ©>"))).text == "<café>"


def test_results_cannot_be_changed():
    for kind in (cleaning.BioRepair, cleaning.EncodingRepair, cleaning.TagChange):
        assert kind.__dataclass_params__.frozen


def test_every_promised_name_is_here():
    assert all(hasattr(cleaning, name) for name in cleaning.__all__)
    design = {"clean_html", "normalise_whitespace", "find_near_duplicates", "split_grouped", "repair_bio"}
    assert design <= set(cleaning.__all__)
