"""Where in a long text its label is to be found: head, tail, both, or windows over the whole text.

    COURSE_MIRROR=… python benchmarks/long_texts.py        (about three minutes on one core)

Whole film reviews are far longer than what ``minilm`` reads well. Each is cut in several ways to at most 128 pieces an
input. The encoder stays frozen (the mean of its last layer), a logistic regression learns from the vectors, and every
review is judged by a model that was fitted without it (five folds of the training part). All ways are compared on the
same reviews. Writes benchmarks/results/long_texts.json: figures and answers, none of the text.
"""

import json
import sys
import time
from pathlib import Path

import numpy as np
from datasets import Dataset
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedKFold, cross_val_predict
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler, normalize

from course_utils.baselines import frozen_features, tfidf_logistic_regression
from course_utils.corpora import load_corpus
from course_utils.models import load_encoder, load_tokenizer
from course_utils.runtime import describe
from course_utils.tasks import sample

RESULTS = Path(__file__).parent / "results" / "long_texts.json"
NUM_REVIEWS, NUM_LAYERS, SIZE, FOLDS = 400, 6, 126, 5  # pieces of text an input; two special tokens come on top


def head(ids: list[int], size: int) -> list[int]:
    """The first pieces."""
    return ids[:size]


def tail(ids: list[int], size: int) -> list[int]:
    """The last pieces."""
    return ids[-size:]


def head_and_tail(ids: list[int], size: int) -> list[int]:
    """Half from the beginning, half from the end."""
    return ids if len(ids) <= size else ids[: size // 2] + ids[-(size - size // 2) :]


def windows(ids: list[int], size: int) -> list[list[int]]:
    """Windows without overlap over the whole text; the last one is moved back so that it is full."""
    if len(ids) <= size:
        return [ids]
    starts = [*range(0, len(ids) - size, size), len(ids) - size]
    return [ids[start : start + size] for start in starts]


def main() -> None:
    """Cut, encode, fit, judge, write."""
    reviews = sample(load_corpus("movie-reviews")["train"], NUM_REVIEWS, 0)
    tokenizer, encoder = load_tokenizer("minilm"), load_encoder("minilm", num_layers=NUM_LAYERS)
    gold, texts = np.array(reviews["label"][:]), reviews["text"][:]
    ids = [tokenizer(text, add_special_tokens=False, verbose=False)["input_ids"] for text in texts]
    begin, end = tokenizer.cls_token_id, tokenizer.sep_token_id

    def vectors(inputs: list[list[int]]) -> np.ndarray:
        rows = [[begin, *pieces, end] for pieces in inputs]
        dataset = Dataset.from_dict({"input_ids": rows, "attention_mask": [[1] * len(row) for row in rows]})
        return normalize(frozen_features(encoder, dataset))

    parts = [windows(pieces, SIZE) for pieces in ids]
    owner = np.repeat(np.arange(len(ids)), [len(part) for part in parts])
    ways = {"head": head, "tail": tail, "head and tail": head_and_tail}
    features, seconds = {}, {}
    for name, cut in ways.items():
        started = time.process_time()
        features[name] = vectors([cut(pieces, SIZE) for pieces in ids])
        seconds[name] = round(time.process_time() - started, 1)
    started = time.process_time()
    every = vectors([window for part in parts for window in part])
    features["windows, mean"] = np.stack([every[owner == i].mean(axis=0) for i in range(len(ids))])
    seconds["windows, mean"] = round(time.process_time() - started, 1)

    folds = StratifiedKFold(FOLDS, shuffle=True, random_state=0)
    runs = []
    for name, block in features.items():
        judge = make_pipeline(StandardScaler(), LogisticRegression(C=0.01, max_iter=1000))
        right = cross_val_predict(judge, block, gold, cv=folds) == gold
        runs.append({"method": name, "cpu_seconds": seconds[name], "right": right})
    started = time.process_time()
    right = cross_val_predict(tfidf_logistic_regression(), np.array(texts, dtype=object), gold, cv=folds) == gold
    runs.append(
        {"method": "tf-idf, whole text", "cpu_seconds": round(time.process_time() - started, 1), "right": right}
    )
    for run in runs:
        answers = np.asarray(run["right"])
        run |= {"accuracy": round(float(answers.mean()), 4), "right": "".join(str(int(answer)) for answer in answers)}
        print(run["method"], run["accuracy"], run["cpu_seconds"], file=sys.stderr)
    lengths = np.array([len(pieces) for pieces in ids])
    settings = {"corpus": "movie-reviews", "num_reviews": len(ids), "num_layers": NUM_LAYERS, "size": SIZE}
    settings |= {"pieces": {f"{share} %": int(np.percentile(lengths, share)) for share in (5, 50, 95)}}
    RESULTS.write_text(json.dumps({"machine": describe()} | settings | {"runs": runs}, indent=1) + "\n", "utf-8")


if __name__ == "__main__":
    main()
