"""Every exercise of the course: its stub, its reference, its wrong answers; and the rules of their declarations."""

import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torch.nn import functional

from course_utils.checks import posttest_questions, pretest_questions
from course_utils.checks.grading import draw_cases, grade
from course_utils.checks.quizzes import find_faults
from course_utils.errors import InputError
from course_utils.exercises import Exercise, Mistake, all_exercises, collect, find_exercise, start_here
from course_utils.exercises import attention_masks_and_heads as masks_and_heads
from course_utils.exercises import attention_mathematics as attention

NOTEBOOKS = Path(__file__).parent.parent / "notebooks"
SEEDS = range(5)  # learners get the cases of seed 0; the others show that no result hangs on its luck

every_exercise = pytest.mark.parametrize("exercise", all_exercises().values(), ids=lambda exercise: exercise.id)


def stub_of(exercise: Exercise) -> object:
    namespace: dict[str, object] = {}
    exec(exercise.stub, namespace)
    return namespace[exercise.name]


# The three ways


@every_exercise
@pytest.mark.parametrize("seed", SEEDS)
def test_the_stub_is_not_attempted(exercise, seed):
    verdict = grade(exercise, stub_of(exercise), seed=seed)
    assert (verdict.state, verdict.seen, verdict.hint) == ("not attempted", "", "")


@every_exercise
@pytest.mark.parametrize("seed", SEEDS)
def test_the_reference_passes_and_leaves_its_inputs_alone(exercise, seed):
    verdict = grade(exercise, exercise.reference, seed=seed)
    assert verdict.state == "passed" and verdict.hint == "" and "writes into" not in verdict.seen


@every_exercise
@pytest.mark.parametrize("seed", SEEDS)
def test_each_wrong_answer_fails_with_its_own_hint(exercise, seed):
    assert len(exercise.mistakes) >= 3
    for mistake in exercise.mistakes:
        verdict = grade(exercise, mistake.wrong, seed=seed)
        assert (verdict.state, verdict.hint) == ("tried", mistake.hint)


@pytest.mark.parametrize(
    ("name", "answer", "position"),
    [
        ("00.1", 61, 3),
        ("00.1", "61", None),
        ("02.1", lambda query, key: 3 * query @ key.T, 6),
        ("02.1", lambda query, key: 0 * query @ key.T, None),
        ("02.1", lambda query, key: query @ key.T + 1, None),
        ("02.2", lambda scores: (2 * scores).softmax(dim=0), 0),
        ("02.5", lambda scores, mask: scores.masked_fill(~mask, torch.inf).softmax(dim=-1), 5),
    ],
)
def test_a_family_of_mistakes_is_recognised_by_its_predicate(name, answer, position):
    exercise = find_exercise(name)
    expected = "" if position is None else exercise.mistakes[position].hint
    assert {grade(exercise, answer, seed=seed).hint for seed in SEEDS} == {expected}


@every_exercise
def test_the_same_answer_always_gets_the_same_words(exercise):
    for mistake in exercise.mistakes:
        assert grade(exercise, mistake.wrong) == grade(exercise, mistake.wrong)


@every_exercise
def test_inputs_are_few_and_small(exercise):
    if exercise.cases is None:
        return
    cases = draw_cases(exercise)
    assert 3 <= len(cases) <= 20
    numbers = [
        value.size if isinstance(value, np.ndarray) else value.numel()
        for case in cases
        for value in case
        if hasattr(value, "shape")
    ]
    whole = [value for case in cases for value in case if isinstance(value, int)]
    assert max(numbers, default=0) <= 1000 and max(whole, default=0) <= 100


@every_exercise
def test_a_hint_does_not_contain_the_solution(exercise):
    if callable(exercise.reference):
        source = Path(sys.modules[exercise.reference.__module__].__file__).read_text("utf-8")
        body = source[source.index(f"def {exercise.reference.__name__}(") :]
        solution = re.search(r"^    return (.+)$", body, re.MULTILINE).group(1)
    else:
        solution = str(exercise.reference)
    assert not [mistake.hint for mistake in exercise.mistakes if solution in mistake.hint]


# The references, against implementations that share nothing with them


@pytest.mark.parametrize("seed", SEEDS)
def test_attention_equals_the_library(seed):
    for query, key, value in draw_cases(attention.whole, seed):
        expected = functional.scaled_dot_product_attention(query[None], key[None], value[None])[0]
        torch.testing.assert_close(attention.attention(query, key, value), expected)


@pytest.mark.parametrize("seed", SEEDS)
def test_masked_weights_equal_the_library(seed):
    for scores, mask in draw_cases(masks_and_heads.masking, seed):
        # Queries sqrt(d) times the scores and the identity for keys and values make the library give the weights.
        num_keys = scores.shape[-1]
        unit = torch.eye(num_keys)[None]
        expected = functional.scaled_dot_product_attention(scores[None] * num_keys**0.5, unit, unit, mask[None])[0]
        torch.testing.assert_close(masks_and_heads.masked_weights(scores, mask), expected)
        assert mask.any(dim=-1).all() and not mask.all()


def test_scores_and_weights_by_hand():
    query, key = torch.tensor([[1.0, 2.0, 3.0, 4.0]]), torch.tensor([[1.0, 1.0, 1.0, 1.0], [0.0, 0.0, 0.0, 2.0]])
    assert attention.attention_scores(query, key).tolist() == [[5.0, 4.0]]
    weights = attention.attention_weights(torch.tensor([[0.0, np.log(3.0)]]))
    assert weights[0].tolist() == pytest.approx([0.25, 0.75])


def test_causal_mask_by_hand():
    assert masks_and_heads.causal_mask(3).tolist() == [[True, False, False], [True, True, False], [True, True, True]]


def test_heads_by_hand():
    vectors = torch.tensor([[[0, 1, 2, 3], [10, 11, 12, 13], [20, 21, 22, 23]]])  # (batch 1, tokens 3, hidden 4)
    split = masks_and_heads.split_heads(vectors, 2)
    assert split.tolist() == [[[[0, 1], [10, 11], [20, 21]], [[2, 3], [12, 13], [22, 23]]]]


def test_labels_and_accuracy_by_hand():
    logits = np.array([[0.1, 0.9], [2.0, -1.0]])
    assert start_here.predicted_labels(logits, ["negative", "positive"]) == ["positive", "negative"]
    assert start_here.accuracy(np.array([3, -100, 5, 1]), np.array([3, 7, 5, 2])) == pytest.approx(2 / 3)


# Declarations


RIGHT = start_here.majority


def wrongly(**changes: object) -> None:
    replace(RIGHT, **changes)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"id": "2.1"}, r'must be notebook and number such as "02\.1", got "2\.1"'),
        ({"mistakes": RIGHT.mistakes[:2]}, r"00\.1: 2 mistakes, expected at least 3"),
        ({"mistakes": (*RIGHT.mistakes, Mistake(7, RIGHT.mistakes[0].hint))}, r"two mistakes share a hint"),
        ({"cases": lambda random: []}, r"a reference that is a function needs cases, and only such"),
        ({"tolerance": -1.0}, r"tolerance must not be negative, got -1"),
        ({"tolerance": float("nan")}, r"tolerance must not be negative, got nan"),
        ({"stub": "x = ...\ny = ...\n"}, r"the stub must be one function, or one `name = \.\.\.`"),
        (
            {"reference": lambda x: x, "cases": lambda random: [], "stub": "def f(y):\n    ...\n"},
            r"the stub and the reference differ in name or parameters",
        ),
    ],
)
def test_a_declaration_that_breaks_a_rule_is_refused(changes, message):
    with pytest.raises(InputError, match=message):
        wrongly(**changes)


def test_an_id_that_is_used_twice_is_refused_and_both_places_are_named():
    with pytest.raises(InputError, match=r"exercise 00\.1 is declared twice: in one and two"):
        collect({"one": [RIGHT], "two": [RIGHT]})


def test_exercises_are_in_the_order_of_the_course():
    ids = ["02.10", "02.9", "00.1"]
    assert list(collect({"module": [replace(RIGHT, id=name) for name in ids]})) == ["00.1", "02.9", "02.10"]


def test_an_unknown_exercise_gets_a_suggestion():
    with pytest.raises(InputError, match=r'no exercise is called "02\.11": did you mean "02\.1"\?'):
        find_exercise("02.11")


def test_what_an_exercise_says_of_itself():
    exercise = find_exercise("02.6")
    assert (exercise.notebook, exercise.name, exercise.parameters) == ("02", "split_heads", ["vectors", "num_heads"])
    assert (RIGHT.notebook, RIGHT.name, RIGHT.parameters) == ("00", "majority_accuracy", [])


def test_every_notebook_with_exercises_has_three_kinds_of_them():
    kinds: dict[str, set[str]] = {}
    for exercise in all_exercises().values():
        kinds.setdefault(exercise.notebook, set()).add(exercise.kind)
    assert set(map(frozenset, kinds.values())) == {frozenset({"recall", "apply", "transfer"})}


def test_listing_the_exercises_imports_nothing_heavy():
    code = (
        "import sys; from course_utils.exercises import all_exercises; all_exercises(); print('torch' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"


# Notebooks


@pytest.mark.parametrize("test", [pretest_questions, posttest_questions], ids=["before", "after"])
def test_the_ten_questions_keep_the_rules_of_a_quiz(test):
    assert len(test.QUESTIONS) == 10 and find_faults(test.QUESTIONS, min_questions=10) == []
    assert {len(question.options) for question in test.QUESTIONS} == {4}
