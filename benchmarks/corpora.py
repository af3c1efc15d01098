"""The course's training loop on its own collection and on real public corpora: three seeds, intervals, seconds, memory.

    COURSE_MIRROR=… make results        (about 25 minutes a seed on one core; runs that are stored are not repeated)

Every run is ``course train`` with its defaults and the sizes below, in a process of its own. Writes
benchmarks/results/corpora.json: all runs, and a summary with the spread over the seeds. A corpus that is neither in
COURSE_MIRROR nor downloaded is left out and named; the next call goes on.
"""

import json
import math
import statistics
import sys
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import Any

from course_utils.benchmark.measure import peak_memory
from course_utils.errors import InputError
from course_utils.runtime import describe
from course_utils.tasks import DataOptions
from course_utils.workflows import TrainOptions, train_model

RESULTS = Path(__file__).parent / "results" / "corpora.json"
SEEDS = (0, 1, 2)
# task, corpus, training rows and evaluated rows (None: all), epochs
RUNS = (
    ("pos", "eastmere-tagged", None, None, 4),
    ("ner", "eastmere-tagged", None, None, 6),
    ("classify", "eastmere-polarity", None, None, 3),
    ("classify", "eastmere-reviews", None, None, 3),  # the domain, six classes
    ("regress", "eastmere-reviews", None, None, 4),  # the stars
    ("pos", "brown", 1500, 1000, 2),
    ("pos", "ud-ewt", 1500, 1000, 2),
    ("ner", "wnut17", 1500, None, 3),
    ("ner", "wikigold", None, None, 3),
    ("classify", "sst2", 3000, 2000, 2),
    ("classify", "movie-reviews", 400, None, 3),
)
# What others report on the same corpora, by larger models and mostly on other parts of them: a scale, not a contest.
# corpus, figure, value, model, source (a key of book/references.bib), on what
PUBLISHED = (
    ("sst2", "accuracy", 0.935, "BERT-base", "devlin2019bert", "official test sentences, trained on all phrases"),
    ("sst2", "accuracy", 0.913, "DistilBERT", "sanh2019distilbert", "official development sentences"),
    ("movie-reviews", "accuracy", 0.864, "naive Bayes on subjective sentences", "pang2004sentimental", "ten folds"),
    ("wnut17", "entity_f1", 0.4186, "best system of the shared task", "derczynski2017wnut", "official test part"),
    ("wnut17", "entity_f1", 0.565, "BERTweet", "nguyen2020bertweet", "official test part"),
    ("ud-ewt", "accuracy", 0.969, "spaCy with RoBERTa-base", "explosion2022udewt", "version 2.5, by its model card"),
)
HEADLINES = {
    "pos": ("accuracy", "macro_f1"),
    "ner": ("entity_f1", "accuracy"),
    "classify": ("accuracy", "macro_f1"),
    "regress": ("mean_absolute_error", "spearman"),
}


def one_run(task: str, corpus: str, train_size: int | None, eval_size: int | None, epochs: int, seed: int) -> dict:
    """Train and evaluate in this process; for a process of its own, so that its memory is its own."""
    started = time.perf_counter()
    options = TrainOptions(train_size=train_size, eval_size=eval_size, epochs=epochs, seed=seed)
    result = train_model(task, DataOptions(corpus), options)
    seconds, memory = round(time.perf_counter() - started, 1), peak_memory()
    size = {"train_size": train_size, "epochs": epochs, "seconds": seconds}  # the result's own seconds are of testing
    return result | size | {"peak_memory_mib": None if memory is None else round(memory / 2**20)}


def summary(runs: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Of each task and corpus: the headline figures over the seeds, the widest interval, and the best baseline."""
    rows = []
    for task, corpus, *_ in RUNS:
        own = [run for run in runs if (run["task"], run["data"]) == (task, corpus)]
        for figure in HEADLINES[task] if own else ():
            values = [run[figure] for run in own]
            row = {
                "task": task,
                "data": corpus,
                "figure": figure,
                "seeds": len(own),
                "num_examples": own[0]["num_examples"],
                "train_size": own[0]["train_size"],
                "epochs": own[0]["epochs"],
            }
            row |= {"mean": statistics.mean(values), "low": min(values), "high": max(values)}
            intervals = [run[f"{figure}_interval"] for run in own if f"{figure}_interval" in run]
            if intervals:
                row["interval"] = [min(low for low, _ in intervals), max(high for _, high in intervals)]
            best = min if task == "regress" and figure != "spearman" else max
            scores = {name: scores.get(figure, math.nan) for name, scores in own[0]["baselines"].items()}
            scores = {name: value for name, value in scores.items() if not math.isnan(value)}  # a constant has no rank
            if scores:
                row["baseline"] = best(scores, key=lambda name: scores[name])
                row["baseline_value"] = scores[row["baseline"]]
            row["seconds"] = statistics.median(run["seconds"] for run in own)
            row["peak_memory_mib"] = max(run["peak_memory_mib"] or 0 for run in own)
            rows.append(row)
    return rows


def published() -> list[dict[str, Any]]:
    """The figures of others as records."""
    return [dict(zip(("data", "figure", "value", "model", "source", "on"), row)) for row in PUBLISHED]


def in_own_process(*job: Any) -> dict:
    """``one_run`` in a fresh process."""
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        return pool.submit(one_run, *job).result()


def main(
    run: Callable[..., dict] = in_own_process,
    results: Path = RESULTS,
    seeds: Sequence[int] = SEEDS,
    say: Callable[[str], None] = lambda line: print(line, file=sys.stderr, flush=True),
) -> None:
    """Run what is missing and write after every run; then print the summary."""
    stored = json.loads(results.read_text("utf-8"))["runs"] if results.exists() else []
    done = {(old["task"], old["data"], old["seed"]) for old in stored}
    missing = set()
    for seed in seeds:  # all corpora with one seed first: interrupted, it still compares
        for task, corpus, *sizes in RUNS:
            if (task, corpus, seed) in done or corpus in missing:
                continue
            say(f"{task}: {corpus}, seed {seed}")
            try:
                stored.append(run(task, corpus, *sizes, seed))
            except InputError as error:
                missing.add(corpus)
                say(f"{corpus} is left out: {error}")
                continue
            results.parent.mkdir(parents=True, exist_ok=True)
            content = {"machine": describe(), "summary": summary(stored), "published": published(), "runs": stored}
            results.write_text(json.dumps(content, indent=1) + "\n", "utf-8")
    for row in summary(stored):
        spread = f"{row['mean']:.3f} ({row['low']:.3f} to {row['high']:.3f}, {row['seeds']} seeds)"
        say(f"{row['task']} {row['data']}: {row['figure']} {spread}")


if __name__ == "__main__":
    main()
