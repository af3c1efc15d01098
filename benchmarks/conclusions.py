"""Do the conclusions of notebooks 01 to 07 hold on other data? Each is tried on Eastmere and on real public corpora.

    COURSE_MIRROR=… make results        (about twenty minutes a seed on one core; runs that are stored are not repeated)

A conclusion says that one way gets a better figure than another. Both are judged on the same held-out examples, with
three seeds, each with its own training sample. The rule for the verdict is in ``verdict``. The models are small and
trained on few examples, so that all of it can be run again: the comparisons count, not the figures.
Writes benchmarks/results/conclusions.json: all runs, and the table of verdicts.
"""

import json
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from datasets import Dataset, concatenate_datasets
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from course_utils.baselines import UnigramTagger, frozen_features, tfidf_logistic_regression
from course_utils.corpora import LABEL_COLUMNS, label_names, load_corpus
from course_utils.errors import InputError
from course_utils.metrics import bootstrap_distribution, entity_counts, percentile_interval
from course_utils.models import default_learning_rate, load_sequence_classifier, load_token_classifier, load_tokenizer
from course_utils.runtime import describe, set_seed
from course_utils.tasks import encode, group_column, sample
from course_utils.tokenization import first_pieces
from course_utils.training import TrainingConfig, fit, predict

RESULTS = Path(__file__).parent / "results" / "conclusions.json"
SEEDS = (0, 1, 2)
OWN = "eastmere"  # how the names of the course's own corpora begin
NUM_TEST, MAX_LENGTH = 400, 64
NUM_TEXTS, NUM_EPOCHS = 240, 4
NUM_SENTENCES, TAGGING_EPOCHS = 300, 3
NER_SENTENCES, NER_EPOCHS = 800, 3
WRONG, COPIES, DRAWS = 0.4, 0.2, 5  # shares of the training labels and of the test texts; repetitions for word counts
TUTORIAL_RATE, HIGH_RATE = 2e-5, 3e-3

Arm = tuple[list[int], list[int]]
"""Of each test example what was right and out of how many: 1 for a text, the words of a sentence, and for entities
twice the right ones out of the gold and the marked ones. The figure is the ratio of the two sums: accuracy, or F1."""


@dataclass(frozen=True)
class Conclusion:
    """The claim that ``better`` gets a higher figure than ``worse``, both names of arms of the family's runs."""

    notebook: str
    claim: str
    family: str
    better: str
    worse: str


FAMILIES: dict[str, tuple[str, ...]] = {
    "texts": ("eastmere-polarity", "sst2", "ag-news"),
    "long texts": ("movie-reviews",),  # where the others' conclusions end: of each review only the beginning is read
    "topics": ("eastmere-reviews", "ag-news", "banking77"),
    "tags": ("eastmere-tagged", "brown", "ud-ewt"),
    "entities": ("eastmere-tagged", "wnut17", "wikigold"),
}
CONCLUSIONS = (
    Conclusion("01", "Pretrained weights beat random ones: texts", "texts", "fine-tuned", "random weights"),
    Conclusion("03", "The course's learning rate beats the tutorials' 2e-5: texts", "texts", "fine-tuned", "rate 2e-5"),
    Conclusion("03", "The course's learning rate beats 3e-3: texts", "texts", "fine-tuned", "rate 3e-3"),
    Conclusion("04", "Two wrong labels in five cost more than leaving them out", "texts", "fewer", "wrong labels"),
    Conclusion("04", "Copies of a fifth of the test texts flatter", "texts", "leaked", "not leaked"),
    Conclusion("06", "Fine-tuning beats TF-IDF: texts", "texts", "fine-tuned", "tf-idf"),
    Conclusion("06", "Fine-tuning beats a linear probe: texts", "texts", "fine-tuned", "probe"),
    Conclusion("07", "Twice the examples help, at equal steps", "texts", "fine-tuned", "half the data"),
    Conclusion(
        "07", "Stopping at the lowest validation loss costs accuracy", "texts", "half the data", "stopped by loss"
    ),
    Conclusion("01", "Pretrained weights beat random ones: long texts", "long texts", "fine-tuned", "random weights"),
    Conclusion("06", "Fine-tuning beats TF-IDF: long texts", "long texts", "fine-tuned", "tf-idf"),
    Conclusion("06", "A linear probe beats TF-IDF: topics", "topics", "probe", "tf-idf"),
    Conclusion("06", "The mean of all pieces beats the first piece, frozen", "topics", "probe", "probe, first piece"),
    Conclusion("01", "Pretrained weights beat random ones: tags", "tags", "fine-tuned", "random weights"),
    Conclusion("02", "Order matters: a tagger needs the words in their order", "tags", "fine-tuned", "shuffled"),
    Conclusion("05", "Fine-tuning beats a table look-up: tags", "tags", "fine-tuned", "look-up"),
    Conclusion("05", "The course's learning rate beats the tutorials' 2e-5: tags", "tags", "fine-tuned", "rate 2e-5"),
    Conclusion("05", "Known words are tagged better than unknown ones", "tags", "known words", "unknown words"),
    Conclusion("05", "Fine-tuning beats a table look-up: entities", "entities", "fine-tuned", "look-up"),
    Conclusion("05", "Token accuracy is higher than entity F1", "entities", "token accuracy", "fine-tuned"),
    Conclusion("05", "Decoding by the rules of BIO raises entity F1", "entities", "decoded", "fine-tuned"),
)


def held_out(corpus: str, task: str) -> Dataset:
    """The examples that judge: the same for all seeds, so that their differences can be averaged example by example."""
    parts = load_corpus(corpus, task=task)
    return sample(concatenate_datasets([parts["validation"], parts["test"]]), NUM_TEST, 0)


def answers(right: np.ndarray) -> Arm:
    """One point a text."""
    return [int(one) for one in right], [1] * len(right)


def new_model(load: Callable[..., Any], names: Sequence[str], seed: int, *, random: bool) -> Any:
    """``minilm`` with a new head, or the same modules with none of the trained numbers."""
    set_seed(seed)
    model = load("minilm", names)
    if random:
        set_seed(seed)
        model = type(model)(model.config)
    return model


def probe(train: np.ndarray, labels: np.ndarray, test: np.ndarray) -> np.ndarray:
    """Labels by logistic regression on frozen vectors."""
    judge = make_pipeline(StandardScaler(), LogisticRegression(C=0.01, max_iter=1000))
    return judge.fit(train, labels).predict(test)


def text_arms(corpus: str, seed: int, *, few: bool = False) -> dict[str, Arm]:
    """Fine-tuned in several ways, and cheaper methods; only the first of them if ``few``."""
    parts, test, tokenizer = load_corpus(corpus, task="classify"), held_out(corpus, "classify"), load_tokenizer()
    gold, names = np.array(test["label"][:]), label_names(parts, "label")
    pool = sample(parts["train"], NUM_TEXTS + NUM_TEXTS // 2, seed).shuffle(seed=seed)
    # What the early stopping watches lies beside what is trained on, and is no test example.
    rows, watched = pool.select(range(NUM_TEXTS)), pool.select(range(NUM_TEXTS, len(pool)))
    train, watched, judged = (encode(part, tokenizer, "classify", MAX_LENGTH) for part in (rows, watched, test))
    labels = np.array(rows["label"][:])

    def tuned(
        *, size: int = NUM_TEXTS, rate: float | None = None, random: bool = False, patience: int | None = None
    ) -> Arm:
        model = new_model(load_sequence_classifier, names, seed, random=random)
        rate = rate or default_learning_rate(model, "classify")
        epochs = NUM_EPOCHS * NUM_TEXTS // size  # the same number of steps for every size
        config = TrainingConfig(rate, epochs, seed=seed, early_stopping_patience=patience)
        fit(model, train.select(range(size)), watched if patience else train.select(range(8)), config)
        return answers(predict(model, judged).logits.argmax(axis=-1) == gold)

    first = {
        "fine-tuned": tuned(),
        "random weights": tuned(random=True),
        "tf-idf": answers(by_word_counts(rows, labels, test) == gold),
    }
    if few:
        return first
    encoder = load_sequence_classifier("minilm", names)
    features = [frozen_features(encoder, part) for part in (train, judged)]
    half = NUM_TEXTS // 2
    return {
        **first,
        "rate 2e-5": tuned(rate=TUTORIAL_RATE),
        "rate 3e-3": tuned(rate=HIGH_RATE),
        "half the data": tuned(size=half),
        "stopped by loss": tuned(size=half, patience=2),
        "probe": answers(probe(features[0], labels, features[1]) == gold),
        **word_count_arms(parts["train"], test, len(names), seed),
    }


def by_word_counts(train: Dataset | Sequence[str], labels: np.ndarray, test: Dataset) -> np.ndarray:
    """Labels by TF-IDF and logistic regression."""
    texts = train["text"][:] if isinstance(train, Dataset) else list(train)
    return tfidf_logistic_regression().fit(texts, labels).predict(test["text"][:])


def word_count_arms(pool: Dataset, test: Dataset, num_labels: int, seed: int) -> dict[str, Arm]:
    """Wrong labels and leaked test texts, by TF-IDF, which is quick: several draws, added up for each test example."""
    random, gold = np.random.default_rng(seed), np.array(test["label"][:])
    texts, labels = np.array(pool["text"][:], dtype=object), np.array(pool["label"][:])
    num_copies = int(COPIES * len(test))
    right: dict[str, np.ndarray] = {}
    for _ in range(DRAWS):
        order = random.permutation(len(texts))[:1000]
        rows, others = order[num_copies:], order[:num_copies]
        copied = random.permutation(len(test))[:num_copies]
        wrong = random.random(len(rows)) < WRONG
        another = (labels[rows] + random.integers(1, num_labels, size=len(rows))) % num_labels
        flipped = np.where(wrong, another, labels[rows])
        copies = np.array(test["text"][:], dtype=object)[copied]
        for name, train, known in (
            ("fewer", texts[rows[~wrong]], labels[rows[~wrong]]),
            ("wrong labels", texts[rows], flipped),
            ("not leaked", texts[[*rows, *others]], labels[[*rows, *others]]),
            ("leaked", [*texts[rows], *copies], np.concatenate([labels[rows], gold[copied]])),
        ):
            right[name] = right.get(name, 0) + (by_word_counts(train, known, test) == gold).astype(int)
    return {name: (count.tolist(), [DRAWS] * len(count)) for name, count in right.items()}


def topic_arms(corpus: str, seed: int) -> dict[str, Arm]:
    """Frozen vectors and word counts."""
    parts, test, tokenizer = load_corpus(corpus, task="classify"), held_out(corpus, "classify"), load_tokenizer()
    rows, gold = sample(parts["train"], NUM_TEXTS, seed), np.array(test["label"][:])
    labels, encoder = np.array(rows["label"][:]), load_sequence_classifier("minilm", label_names(parts, "label"))
    train, judged = (encode(part, tokenizer, "classify", MAX_LENGTH) for part in (rows, test))
    arms = {"tf-idf": answers(by_word_counts(rows, labels, test) == gold)}
    for name, pooling in (("probe", "mean"), ("probe, first piece", "first")):
        vectors = [frozen_features(encoder, part, pooling) for part in (train, judged)]
        arms[name] = answers(probe(vectors[0], labels, vectors[1]) == gold)
    return arms


def train_tagger(
    task: str,
    names: Sequence[str],
    train: Dataset,
    seed: int,
    epochs: int,
    *,
    rate: float | None = None,
    random: bool = False,
) -> Any:
    """A tagger, trained, by the course's rate or another, from the pretrained weights or from random ones."""
    model = new_model(load_token_classifier, names, seed, random=random)
    rate = rate or default_learning_rate(model, task)
    fit(model, train, train.select(range(8)), TrainingConfig(rate, epochs, seed=seed))
    return model


def word_logits(model: Any, encoded: Dataset) -> list[np.ndarray]:
    """For each sentence the logits of its words: array of shape (words that were not cut off, labels)."""
    predictions = predict(model, encoded)
    return [logits[first_pieces(word_ids)] for logits, word_ids in zip(predictions.logits, encoded["word_ids"][:])]


def tag_arms(corpus: str, seed: int) -> dict[str, Arm]:
    """Taggers trained in several ways, words known and unknown, and a sentence whose words are shuffled."""
    parts, test, tokenizer = load_corpus(corpus, task="pos"), held_out(corpus, "pos"), load_tokenizer()
    rows, names = sample(parts["train"], NUM_SENTENCES, seed), label_names(parts, LABEL_COLUMNS["pos"])
    train = encode(rows, tokenizer, "pos")
    known = {word for words in rows["tokens"][:] for word in words}

    def words_right(model: Any, data: Dataset) -> list[np.ndarray]:
        """For each sentence whether each word is right; words that were cut off are wrong."""
        result = []
        for logits, gold in zip(word_logits(model, encode(data, tokenizer, "pos")), data["pos_tags"][:]):
            right = np.zeros(len(gold), dtype=bool)
            right[: len(logits)] = logits.argmax(axis=-1) == gold[: len(logits)]
            result.append(right)
        return result

    def counted(right: Sequence[np.ndarray], where: Sequence[np.ndarray] | None = None) -> Arm:
        kept = right if where is None else [row[mask] for row, mask in zip(right, where)]
        return [int(row.sum()) for row in kept], [len(row) for row in kept]

    model = train_tagger("pos", names, train, seed, TAGGING_EPOCHS)
    whole, is_known = words_right(model, test), [np.array([w in known for w in words]) for words in test["tokens"][:]]
    random = np.random.default_rng(seed)

    def shuffled(row: dict[str, Any]) -> dict[str, Any]:
        order = random.permutation(len(row["tokens"]))
        return {name: [row[name][i] for i in order] for name in ("tokens", "pos_tags")}

    look_up = UnigramTagger[int]().fit(rows["tokens"][:], rows["pos_tags"][:]).predict(test["tokens"][:])
    others = {
        "random weights": {"random": True},
        "rate 2e-5": {"rate": TUTORIAL_RATE},
    }
    return {
        "fine-tuned": counted(whole),
        "known words": counted(whole, is_known),
        "unknown words": counted(whole, [~mask for mask in is_known]),
        "shuffled": counted(words_right(model, test.map(shuffled, load_from_cache_file=False))),
        "look-up": counted([np.equal(given, gold) for given, gold in zip(look_up, test["pos_tags"][:])]),
        **{
            name: counted(words_right(train_tagger("pos", names, train, seed, TAGGING_EPOCHS, **settings), test))
            for name, settings in others.items()
        },
    }


def legal_path(scores: np.ndarray, names: Sequence[str]) -> list[int]:
    """The best row of tags that keeps the rules of BIO (Viterbi, 1967); scores: log-probabilities (words, tags)."""
    forbidden = np.array([[b[0] == "I" and a[1:] != b[1:] for b in names] for a in names])  # a before b
    moves = np.where(forbidden, -np.inf, 0.0)
    best, came_from = scores[0] + np.where([name[0] == "I" for name in names], -np.inf, 0.0), []
    for row in scores[1:]:
        sums = best[:, None] + moves
        came_from.append(sums.argmax(axis=0))
        best = sums.max(axis=0) + row
    path = [int(best.argmax())]
    for step in reversed(came_from):
        path.append(int(step[path[-1]]))
    return path[::-1]


def entity_arms(corpus: str, seed: int) -> dict[str, Arm]:
    """Entities by the best tag of each word, by the best legal row, and by a table; and the tags themselves."""
    parts, test, tokenizer = load_corpus(corpus, task="ner"), held_out(corpus, "ner"), load_tokenizer()
    rows, names = sample(parts["train"], NER_SENTENCES, seed), label_names(parts, LABEL_COLUMNS["ner"])
    gold = [[names[i] for i in row] for row in test["ner_tags"][:]]
    model = train_tagger("ner", names, encode(rows, tokenizer, "ner"), seed, NER_EPOCHS)
    logits = word_logits(model, encode(test, tokenizer, "ner"))
    scores = [row - np.logaddexp.reduce(row, axis=-1, keepdims=True) for row in logits]

    def named(paths: Sequence[Sequence[int]]) -> list[list[str]]:
        """Tags as texts; words that were cut off get "O"."""
        return [[names[i] for i in path] + ["O"] * (len(row) - len(path)) for path, row in zip(paths, gold)]

    def entities(tags: list[list[str]]) -> Arm:
        num_gold, num_predicted, num_correct = entity_counts(gold, tags).T  # of each sentence
        return (2 * num_correct).tolist(), (num_gold + num_predicted).tolist()

    best = named([row.argmax(axis=-1).tolist() for row in logits])
    look_up = UnigramTagger[int]().fit(rows["tokens"][:], rows["ner_tags"][:]).predict(test["tokens"][:])
    return {
        "fine-tuned": entities(best),
        "decoded": entities(named([legal_path(row, names) for row in scores])),
        "look-up": entities(named(look_up)),
        "token accuracy": (
            [sum(a == b for a, b in zip(*pair)) for pair in zip(best, gold)],
            [len(row) for row in gold],
        ),
    }


ARMS: dict[str, Callable[[str, int], dict[str, Arm]]] = {
    "texts": text_arms,
    "long texts": partial(text_arms, few=True),
    "topics": topic_arms,
    "tags": tag_arms,
    "entities": entity_arms,
}


def one_run(family: str, corpus: str, seed: int) -> dict[str, Any]:
    """All arms of a family on a corpus."""
    started = time.perf_counter()
    test = held_out(corpus, {"tags": "pos", "entities": "ner"}.get(family, "classify"))
    column = group_column(test)
    groups = None if column is None else np.unique(test[column][:], return_inverse=True)[1].tolist()
    arms = ARMS[family](corpus, seed)
    # A line of numbers each: a list of a thousand lines cannot be read by anybody.
    lines = {name: [" ".join(map(str, numbers)) for numbers in arm] for name, arm in arms.items()}
    facts = {"family": family, "data": corpus, "seed": seed, "num_examples": len(test)}
    kept_groups = None if groups is None else " ".join(map(str, groups))
    return facts | {"seconds": round(time.perf_counter() - started, 1), "groups": kept_groups, "arms": lines}


def numbers(line: str) -> np.ndarray:
    """A stored line as an array."""
    return np.array(line.split(), dtype=int)


def verdict(by_seed: Sequence[float], interval: tuple[float, float]) -> str:
    """The rule: *holds* if the interval of the mean difference is above zero and so is the difference of every seed.

    *Does not hold* if both are below zero; *undecided* otherwise. The interval is of the test examples (95 %, by
    document or author where there is one), the seeds stand for training: a conclusion has to survive both. Fewer than
    three seeds decide nothing.
    """
    if len(by_seed) < len(SEEDS):
        return "undecided"
    if interval[0] > 0 and min(by_seed) > 0:
        return "holds"
    return "does not hold" if interval[1] < 0 and max(by_seed) < 0 else "undecided"


def judge(runs: Sequence[dict[str, Any]], conclusion: Conclusion) -> dict[str, Any]:
    """The difference of the two arms over the runs of one corpus, and what follows from it."""
    # (seeds, examples) each: right, out of
    better, worse = (
        np.array([[numbers(line) for line in run["arms"][name]] for run in runs]).transpose(1, 2, 0)
        for name in (conclusion.better, conclusion.worse)
    )

    def by_seed(*counts: np.ndarray) -> np.ndarray:
        sums = [count.sum(axis=0) for count in counts]  # each of shape (seeds,)
        return sums[0] / sums[1] - sums[2] / sums[3]

    groups = runs[0]["groups"]
    arrays = (*better, *worse)  # each of shape (examples, seeds)
    values = bootstrap_distribution(
        lambda *counts: float(by_seed(*counts).mean()), *arrays, groups=None if groups is None else numbers(groups)
    )
    interval, differences = percentile_interval(values), by_seed(*arrays)
    return {
        "seeds": len(runs),
        "num_examples": runs[0]["num_examples"],
        "better": float((better[0].sum(axis=0) / better[1].sum(axis=0)).mean()),
        "worse": float((worse[0].sum(axis=0) / worse[1].sum(axis=0)).mean()),
        "difference": float(differences.mean()),
        "interval": [interval.low, interval.high],
        "low": float(differences.min()),
        "high": float(differences.max()),
        "verdict": verdict(differences.tolist(), (interval.low, interval.high)),
    }


def overall(verdicts: Sequence[str]) -> str:
    """Of all real corpora: *holds* if it holds on every one (two or more), *does not hold* if it fails on any."""
    if "does not hold" in verdicts:
        return "does not hold"
    return "holds" if len(verdicts) > 1 and set(verdicts) == {"holds"} else "undecided"


def table(runs: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """A row for each conclusion that was tried: its verdict on each corpus, and on the real ones together."""
    rows = []
    for conclusion in CONCLUSIONS:
        judged = {}
        for corpus in FAMILIES[conclusion.family]:
            own = [run for run in runs if (run["family"], run["data"]) == (conclusion.family, corpus)]
            if own:
                judged[corpus] = judge(own, conclusion)
        if judged:
            real = [row["verdict"] for corpus, row in judged.items() if not corpus.startswith(OWN)]
            rows.append(asdict(conclusion) | {"real_corpora": overall(real), "corpora": judged})
    return rows


def main(
    run: Callable[..., dict[str, Any]] = one_run,
    results: Path = RESULTS,
    seeds: Sequence[int] = SEEDS,
    say: Callable[[str], None] = lambda line: print(line, file=sys.stderr, flush=True),
) -> None:
    """Run what is missing and write after every run; then print the table."""
    before = json.loads(results.read_text("utf-8")) if results.exists() else {"runs": [], "conclusions": []}
    stored, rows = before["runs"], before["conclusions"]
    done = {(old["family"], old["data"], old["seed"]) for old in stored}
    missing = set()

    def write() -> None:
        results.parent.mkdir(parents=True, exist_ok=True)
        content = {"machine": describe(), "conclusions": rows, "runs": stored}
        results.write_text(json.dumps(content, indent=1) + "\n", "utf-8")

    for seed in seeds:  # all corpora with one seed first: interrupted, it still compares
        for family, names in FAMILIES.items():
            for corpus in names:
                if (family, corpus, seed) in done or corpus in missing:
                    continue
                say(f"{family}: {corpus}, seed {seed}")
                try:
                    stored.append(run(family, corpus, seed))
                except InputError as error:
                    missing.add(corpus)
                    say(f"{corpus} is left out: {error}")
                    continue
                write()
        rows = table(stored)  # a thousand resamples a figure: once a seed, not after every run
        write()
    for row in rows:
        say(f"{row['notebook']} {row['claim']}: {row['real_corpora']}")
        for corpus, own in row["corpora"].items():
            low, high = own["interval"]
            say(f"    {corpus}: {100 * own['difference']:+.1f} [{100 * low:.1f}, {100 * high:.1f}] {own['verdict']}")


if __name__ == "__main__":
    main()
