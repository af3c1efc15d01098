"""Count what the data card states, and write it into ``README.md`` between its two marker comments.

``python describe.py`` rewrites the card's figures. The vault is counted like the other parts; nothing of it is shown.
"""

import csv
import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from pathlib import Path

from course_utils.eastmere import PARTS
from course_utils.file_formats import TaggedFile, read_tagged_file

HERE = Path(__file__).parent
CARD = HERE / "README.md"
TRANSFER = HERE.parents[1] / "benchmarks" / "results" / "eastmere_transfer.json"
BEGIN, END = "<!-- figures: begin -->", "<!-- figures: end -->"
Row = list[object]


def read_rows(name: str) -> list[dict[str, str]]:
    """The rows of a CSV file of the collection."""
    with open(HERE / name, encoding="utf-8", newline="") as handle:
        return list(csv.DictReader(handle))


def read_tagged(folder: str) -> TaggedFile:
    """All sentences of a folder of tagged files, the vault's too."""
    result = TaggedFile(tags={"pos_tags": [], "ner_tags": []})
    for path in sorted((HERE / folder).glob("*.conll")):
        read = read_tagged_file(path)
        result.tokens += read.tokens
        result.meta += read.meta
        for name, tags in result.tags.items():
            tags += read.tags[name]
    return result


def table(head: Sequence[str], rows: Iterable[Row]) -> str:
    """A Markdown table: the first column is text, the others are figures."""
    shown = [[f"{cell:,}" if isinstance(cell, int) else str(cell) for cell in row] for row in rows]
    lines = [list(head), ["---", *["---:"] * (len(head) - 1)], *shown]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def count(parts: Iterable[str], name: str) -> Row:
    """A row: the name, how many there are in each part, and in all."""
    counts = Counter(parts)
    return [name, *(counts[part] for part in PARTS), sum(counts.values())]


def count_each(pairs: Sequence[tuple[str, str]], form: str = "{}") -> list[Row]:
    """A row for each thing that occurs in the pairs of part and thing, by alphabet."""
    names = sorted({name for _, name in pairs})
    return [count((part for part, own in pairs if own == name), form.format(name)) for name in names]


def describe_reviews() -> str:
    """Reviews, authors, stars, domains and phenomena by part."""
    rows = read_rows("reviews.csv")
    authors = {(row["split"], row["author"]) for row in rows}
    lines = [count((row["split"] for row in rows), "**reviews**"), count((part for part, _ in authors), "authors")]
    for column, form in (("stars", "stars: {}"), ("domain", "domain: {}"), ("phenomenon", "phenomenon: {}")):
        lines += count_each([(row["split"], row[column]) for row in rows], form)
    return table(["reviews", *PARTS, "all"], lines)


def describe_tagged(tagged: TaggedFile) -> str:
    """Documents, sentences, tokens, genres and entities by part."""
    parts = [meta["split"] for meta in tagged.meta]
    documents = {(meta["split"], meta["document"]) for meta in tagged.meta}
    words = [part for part, tokens in zip(parts, tagged.tokens) for _ in tokens]
    scratch = [meta["split"] for meta in tagged.meta if meta["tagging"] == "from-scratch"]
    entities = [
        (part, tag[2:]) for part, tags in zip(parts, tagged.tags["ner_tags"]) for tag in tags if tag.startswith("B-")
    ]
    lines = [
        count((part for part, _ in documents), "documents"),
        count(parts, "**sentences**"),
        count(scratch, "sentences tagged from scratch"),
        *count_each([(meta["split"], meta["genre"]) for meta in tagged.meta], "sentences: {}"),
        count(words, "tokens"),
        count((part for part, _ in entities), "entities"),
        *count_each(entities, "entities: {}"),
    ]
    return table(["tagged texts", *PARTS, "all"], lines)


def describe_words(tagged: TaggedFile) -> str:
    """Vocabulary, ambiguity, and how far the second tagging agrees with the first."""
    tags_of: defaultdict[str, set[str]] = defaultdict(set)
    words = [token.lower() for tokens in tagged.tokens for token in tokens]
    for word, tag in zip(words, (tag for tags in tagged.tags["pos_tags"] for tag in tags)):
        tags_of[word].add(tag)
    second = read_tagged("tagged_second")
    row_of = {(meta["document"], *tokens): k for k, (meta, tokens) in enumerate(zip(tagged.meta, tagged.tokens))}
    rows = [row_of[meta["document"], *tokens] for meta, tokens in zip(second.meta, second.tokens)]
    same = {
        name: [a == b for row, tags in zip(rows, second.tags[name]) for a, b in zip(tagged.tags[name][row], tags)]
        for name in ("pos_tags", "ner_tags")
    }
    both = [pos and ner for pos, ner in zip(same["pos_tags"], same["ner_tags"])]
    lengths = [len(row["text"].split()) for row in read_rows("reviews.csv")]
    log = (HERE / "tagging_log.tsv").read_text("utf-8").splitlines()[1:]
    stages = Counter((fields[0], fields[5]) for fields in (line.split("\t") for line in log))
    proposed = sum(len(t) for t, meta in zip(tagged.tokens, tagged.meta) if meta["tagging"] == "pre-tagged")
    lines: list[Row] = [
        ["words in a review, mean", f"{sum(lengths) / len(lengths):.1f}"],
        ["different words in the tagged texts, case aside", len(tags_of)],
        ["tokens whose word has several parts of speech", share([len(tags_of[word]) > 1 for word in words])],
        ["sentences tagged a second time", len(second.tokens)],
        ["tokens tagged a second time", len(both)],
        ["second tagging: same part of speech", share(same["pos_tags"])],
        ["second tagging: same entity tag", share(same["ner_tags"])],
        ["second tagging: both the same", share(both)],
        ["tokens whose part of speech a tagger proposed", proposed],
        [
            "of these changed by hand, against the guidelines",
            f"{stages['correction', 'pos'] / proposed:.1%}".replace("%", " %"),
        ],
        ["parts of speech changed by adjudication, later", stages["adjudication", "pos"]],
    ]
    return table(["words and agreement", "figure"], lines)


def share(values: Sequence[bool]) -> str:
    """How many are true, in per cent."""
    return f"{sum(values) / len(values):.1%}".replace("%", " %")


def describe_raw() -> str:
    """Rows of the reviews as collected, and how many have each fault."""
    key = read_rows("reviews_raw_key.csv")
    faults = Counter(fault for row in key for fault in row["faults"].split())
    lines: list[Row] = [["**rows**", len(key)], ["rows without a fault", sum(not row["faults"] for row in key)]]
    return table(["reviews as collected", "rows"], lines + [[name, faults[name]] for name in sorted(faults)])


FIGURES = {
    "accuracy": "",
    "accuracy_from_scratch": ", documents tagged from scratch",
    "accuracy_pre_tagged": ", pre-tagged documents",
    "accuracy_moved_line": ", as many called positive as are",
    "accuracy_direct": ", without irony and understatement",
    "accuracy_indirect": ", irony and understatement",
    "entity_f1": ", entity F1",
}
TASKS = {"pos": "parts of speech", "ner": "entities", "classify": "polarity"}


def percent(value: float) -> str:
    """A share with one decimal, in per cent."""
    return f"{100 * value:.1f}"


def describe_transfer() -> str:
    """How well models carry over between Eastmere and real corpora; mean and range over seeds."""
    stored = json.loads(TRANSFER.read_text("utf-8"))
    lines: list[Row] = []
    for row in stored["summary"]:
        what = TASKS[row["task"]] + FIGURES[row["figure"]]
        spread = f"{percent(row['low'])} to {percent(row['high'])}"
        lines.append([f"{what}: {row['source']} → {row['target']}", percent(row["mean"]), spread, row["seeds"]])
    return table(["per cent right: trained on → tested on", "mean", "seeds' range", "seeds"], lines)


def describe_baselines() -> str:
    """What a model must beat on Eastmere's test part, with 95 % intervals by document or author."""
    runs = json.loads(TRANSFER.read_text("utf-8"))["runs"]
    lines: list[Row] = []
    for run in (run for run in runs if "baselines" in run):
        name = "entity_f1" if run["task"] == "ner" else "accuracy"
        for who, scores in [*run["baselines"].items(), (f"minilm, seed {run['seed']}", run)]:
            low, high = scores[f"{name}_interval"]
            lines.append([f"{TASKS[run['task']]}: {who}", percent(scores[name]), f"{percent(low)} to {percent(high)}"])
    return table(["per cent right on Eastmere's test part", "figure", "95 % interval"], lines)


def describe_split_effect() -> str:
    """What a split at random would add to TF-IDF on the polarity, beside the split by author."""
    effect = json.loads(TRANSFER.read_text("utf-8"))["split_effect"]
    low, high = (100 * value for value in effect["interval"])
    row: Row = [
        f"mean of {effect['splits']} pairs of splits",
        f"{100 * effect['mean_difference']:+.1f}",
        f"{low:+.1f} to {high:+.1f}",
    ]
    return table(["TF-IDF on polarity: random split minus split by author", "points", "95 % interval"], [row])


def describe_collection() -> str:
    """All figures of the card as Markdown tables."""
    tagged = read_tagged("tagged")
    parts = [describe_reviews(), describe_tagged(tagged), describe_words(tagged), describe_raw()]
    if TRANSFER.exists():  # made by make transfer
        parts += [describe_transfer(), describe_baselines(), describe_split_effect()]
    return "\n\n".join(parts)


def main() -> None:
    """Rewrite the figures of the card."""
    before, _, rest = CARD.read_text("utf-8").partition(BEGIN)
    after = rest.partition(END)[2]
    CARD.write_text(f"{before}{BEGIN}\n\n{describe_collection()}\n\n{END}{after}", "utf-8")


if __name__ == "__main__":
    main()
