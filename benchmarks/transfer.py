"""Does the Eastmere collection teach what real corpora teach? Models trained on one are tested on the other.

    COURSE_MIRROR=… make transfer        (several hours on two cores; runs that are stored already are not repeated)

Writes benchmarks/results/eastmere_transfer.json: every run with its seed, and a summary with the spread over seeds.
"""

import json
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from datasets import Dataset, DatasetDict, concatenate_datasets

from course_utils.baselines import tfidf_logistic_regression
from course_utils.cleaning import split_grouped
from course_utils.corpora import LABEL_COLUMNS, SPLITS, label_names, load_corpus
from course_utils.eastmere import data_folder
from course_utils.file_formats import read_tagged_file
from course_utils.metrics import bootstrap_interval
from course_utils.models import default_learning_rate, load_sequence_classifier, load_token_classifier, load_tokenizer
from course_utils.runtime import describe, set_seed
from course_utils.tasks import baseline_scores, encode, is_tagging, predicted_labels, sample, score
from course_utils.training import TrainingConfig, fit, predict

RESULTS = Path(__file__).parent / "results" / "eastmere_transfer.json"
SEEDS = (0, 1, 2)
FIGURES = (
    "accuracy",
    "accuracy_from_scratch",
    "accuracy_pre_tagged",
    "accuracy_moved_line",
    "accuracy_direct",
    "accuracy_indirect",
    "entity_f1",
)
UNIVERSAL = [".", "ADJ", "ADP", "ADV", "CONJ", "DET", "NOUN", "NUM", "PRON", "PRT", "VERB", "X"]
# Petrov et al. (2012) and the Universal Dependencies tag set cut some words differently; the nearest tag is taken.
FROM_UD = {"PROPN": "NOUN", "AUX": "VERB", "CCONJ": "CONJ", "SCONJ": "ADP", "INTJ": "X", "SYM": "X", "PUNCT": "."}
# task, training corpus, training rows (None: all), epochs, corpora to test on
RUNS = (
    ("pos", "treebank", None, 2, ("eastmere-tagged",)),
    ("pos", "brown", 4000, 2, ("eastmere-tagged",)),
    ("pos", "ud-ewt", 4000, 2, ("eastmere-tagged",)),
    ("pos", "eastmere-tagged", None, 4, ("eastmere-tagged", "treebank", "ud-ewt")),
    ("ner", "eastmere-tagged", None, 6, ("eastmere-tagged",)),
    ("classify", "sst2", 8000, 2, ("eastmere-polarity",)),
    ("classify", "eastmere-polarity", None, 3, ("eastmere-polarity", "sst2")),
)


def universal(words: list[str], tags: list[str]) -> list[str]:
    """Universal Dependencies tags as the twelve universal tags."""
    mapped = []
    for word, tag in zip(words, tags):
        if tag == "PART":
            tag = "ADV" if word.lower() in ("not", "n't", "nt", "n’t") else "PRT"
        mapped.append(FROM_UD.get(tag, tag))
    return mapped


def load(name: str, task: str) -> DatasetDict:
    """A corpus for a task; part-of-speech tags always as the twelve universal ones, numbered alike."""
    corpus = load_corpus(name, task=task)
    if task != "pos":
        return corpus
    names = label_names(corpus, "pos_tags")

    def renumber(row: dict[str, Any]) -> dict[str, Any]:
        tags = [names[i] for i in row["pos_tags"]]
        tags = universal(row["tokens"], tags) if name == "ud-ewt" else tags
        return {"pos_tags": [UNIVERSAL.index(tag) for tag in tags]}

    result = DatasetDict()
    for split in SPLITS:
        rows = [row | renumber(row) for row in corpus[split]]
        result[split] = Dataset.from_list(rows)
    return result


def test_part(source: str, target: str, corpus: DatasetDict) -> Dataset:
    """The test split; of Eastmere everything but the vault when the model comes from elsewhere."""
    if source != target and target.startswith("eastmere"):
        return concatenate_datasets([corpus[split] for split in SPLITS])
    return corpus["test"]


def from_scratch_documents() -> set[str]:
    """The documents that were tagged without a model's proposal."""
    files = (data_folder() / "eastmere" / "tagged").glob("*.conll")
    return {m["document"] for path in files for m in read_tagged_file(path).meta if m["tagging"] == "from-scratch"}


def polarity_figures(test: Dataset, logits: np.ndarray) -> dict[str, float]:
    """Accuracy apart from the threshold and, for Eastmere, apart from the reviews that do not say what they mean.

    A model from elsewhere may rank texts well and yet draw its line between bad and good at another place. With
    ``accuracy_moved_line`` the line lies where as many texts are called positive as are: the one figure that is taken
    from the corpus tested on.
    """
    labels, margin = np.array(test["label"]), logits[:, 1] - logits[:, 0]
    positive = np.zeros(len(labels), dtype=int)
    positive[np.argsort(-margin, kind="stable")[: labels.sum()]] = 1
    found = {"accuracy_moved_line": float(np.mean(positive == labels))}
    if "phenomenon" in test.column_names:
        indirect = np.isin(test["phenomenon"][:], ["irony", "understatement"])
        right = (margin > 0) == labels
        found |= {"accuracy_direct": float(right[~indirect].mean()), "accuracy_indirect": float(right[indirect].mean())}
    return found


def one_run(task: str, source: str, rows: int | None, epochs: int, targets: tuple[str, ...], seed: int) -> list[dict]:
    """Train once, test on every target."""
    tokenizer = load_tokenizer("minilm")
    corpora = {name: load(name, task) for name in {source, *targets}}
    names = UNIVERSAL if task == "pos" else label_names(corpora[source], LABEL_COLUMNS[task])
    set_seed(seed)
    model = (load_token_classifier if is_tagging(task) else load_sequence_classifier)("minilm", names)
    train = encode(sample(corpora[source]["train"], rows, seed), tokenizer, task)
    validation = encode(sample(corpora[source]["validation"], 300, seed), tokenizer, task)
    config = TrainingConfig(learning_rate=default_learning_rate(model, task), num_epochs=epochs, seed=seed)
    started = time.perf_counter()
    fit(model, train, validation, config)
    seconds = time.perf_counter() - started
    results = []
    for target in targets:
        test = test_part(source, target, corpora[target])
        encoded = encode(test, tokenizer, task)
        predictions = predict(model, encoded)
        predicted = predicted_labels(task, encoded, predictions)
        run = {"task": task, "source": source, "target": target, "seed": seed, "train_rows": len(train)}
        run |= {"epochs": epochs, "seconds": round(seconds, 1), "num_examples": len(test)}
        run |= score(task, test, predicted, names)
        if task == "pos" and target == "eastmere-tagged":
            scratch = from_scratch_documents()
            for kind, wanted in (("from_scratch", True), ("pre_tagged", False)):
                chosen = [i for i, document in enumerate(test["document"][:]) if (document in scratch) == wanted]
                if chosen:
                    part = score(task, test.select(chosen), [predicted[i] for i in chosen], names)
                    run |= {f"accuracy_{kind}": part["accuracy"]}
        if task == "classify":
            run |= polarity_figures(test, np.asarray(predictions.logits))
        if source == target and seed == SEEDS[0]:
            run["baselines"] = baseline_scores(task, corpora[source]["train"], test, names)
        results.append(run)
    return results


def split_effect() -> dict[str, Any]:
    """Random split against split by author: how much higher TF-IDF scores on authors that it knows, over 20 splits."""
    corpus = load_corpus("eastmere-polarity")
    rows = concatenate_datasets([corpus[split] for split in SPLITS])
    texts, labels, authors = rows["text"][:], rows["label"][:], rows["author"][:]
    shares = {"train": 0.7, "test": 0.3}
    difference = []
    for seed in range(20):
        accuracy = []
        for groups in (list(range(len(rows))), authors):
            split = split_grouped(groups, shares, labels=labels, seed=seed)
            train, test = split["train"], split["test"]
            model = tfidf_logistic_regression().fit([texts[i] for i in train], [labels[i] for i in train])
            accuracy.append(np.mean(model.predict([texts[i] for i in test]) == [labels[i] for i in test]))
        difference.append(accuracy[0] - accuracy[1])
    interval = bootstrap_interval(np.mean, np.array(difference))
    return {"mean_difference": float(np.mean(difference)), "interval": [interval.low, interval.high], "splits": 20}


def summary(runs: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Mean, lowest and highest figure over the seeds of each pair of corpora."""
    rows = []
    for task, source, _, _, targets in RUNS:
        for target in targets:
            own = [r for r in runs if (r["task"], r["source"], r["target"]) == (task, source, target)]
            for figure in FIGURES:
                values = [run[figure] for run in own if figure in run]
                if values and (figure != "accuracy" or task != "ner"):
                    row = {"task": task, "source": source, "target": target, "figure": figure, "seeds": len(values)}
                    rows.append(row | {"mean": statistics.mean(values), "low": min(values), "high": max(values)})
    return rows


def main(say: Callable[[str], None] = lambda line: print(line, file=sys.stderr)) -> None:
    """Run what is missing, write after every run, print the summary."""
    stored = json.loads(RESULTS.read_text("utf-8")) if RESULTS.exists() else {"runs": []}
    runs = stored["runs"]
    done = {(run["task"], run["source"], run["seed"]) for run in runs}
    for seed in SEEDS:
        for task, source, rows, epochs, targets in RUNS:
            if (task, source, seed) not in done:
                say(f"{task}: {source}, seed {seed}")
                runs += one_run(task, source, rows, epochs, targets, seed)
                write(runs, stored.get("split_effect"))
    write(runs, split_effect())
    for row in summary(runs):
        say(f"{row['task']} {row['source']} -> {row['target']}: {row['figure']} {row['mean']:.3f} "
            f"({row['low']:.3f} to {row['high']:.3f}, {row['seeds']} seeds)")  # fmt: skip


def write(runs: list[dict[str, Any]], effect: dict[str, Any] | None) -> None:
    """Store everything, in one file."""
    RESULTS.parent.mkdir(exist_ok=True)
    content = {"machine": describe(), "summary": summary(runs), "split_effect": effect, "runs": runs}
    RESULTS.write_text(json.dumps(content, indent=1) + "\n", "utf-8")


if __name__ == "__main__":
    main()
