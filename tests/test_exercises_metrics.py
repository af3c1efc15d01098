"""The references of notebook 08's exercises, against implementations that share nothing with them."""

import numpy as np
import pytest
from sklearn import metrics

from course_utils.checks.grading import draw_cases
from course_utils.exercises import metric_counts as counts
from course_utils.exercises import thresholds_and_errors as errors

SEEDS = range(5)

every_seed = pytest.mark.parametrize("seed", SEEDS)


def test_f1_of_the_filter_by_hand():
    assert counts.complaints.reference == pytest.approx(2 * 30 / (40 + 60))


@every_seed
def test_confusions_equal_the_library(seed):
    for gold, predicted, num_labels in draw_cases(counts.matrix, seed):
        expected = metrics.confusion_matrix(gold, predicted, labels=range(num_labels))
        assert (counts.count_confusions(gold, predicted, num_labels) == expected).all()


@every_seed
@pytest.mark.filterwarnings("ignore:y_pred contains classes not in y_true")
def test_balanced_accuracy_equals_the_library(seed):
    for (table,) in draw_cases(counts.balanced, seed):
        gold, predicted = (np.repeat(index.ravel(), table.ravel()) for index in np.indices(table.shape))
        assert counts.balanced_accuracy(table) == pytest.approx(metrics.balanced_accuracy_score(gold, predicted))


@every_seed
def test_spans_are_judged_word_by_word(seed):
    for (kind, start, end), gold in draw_cases(counts.spans, seed):
        words = set(range(start, end))
        same_words = [one for one in gold if set(range(one[1], one[2])) == words]
        if any(one[0] == kind for one in same_words):
            expected = "right"
        elif same_words:
            expected = "type"
        else:
            expected = "border" if any(words & set(range(one[1], one[2])) for one in gold) else "invented"
        assert counts.judge_span((kind, start, end), gold) == expected


@every_seed
def test_the_threshold_is_the_highest_that_keeps_the_promise(seed):
    for labels, scores, least in draw_cases(errors.threshold, seed):
        kept = [t for t in scores if (scores[labels == 1] >= t).mean() >= least - 1e-9]
        assert errors.threshold_for_recall(labels, scores, least) == max(kept)


@every_seed
def test_average_precision_equals_the_library(seed):
    for (ranked,) in draw_cases(errors.ranking, seed):
        expected = metrics.average_precision_score(ranked, np.arange(len(ranked), 0, -1))
        assert errors.average_precision(ranked) == pytest.approx(expected)


def test_what_mending_gains_by_hand():
    correct = np.array([True, False, False, True])
    assert errors.accuracy_if_mended(correct, ["plain", "irony", "plain", "irony"], "irony") == 0.75
