"""Exercises that check themselves, guesses that are kept, and what a learner has done so far.

Nothing heavy is imported here: ``course status`` and every notebook begin with it.
"""

from course_utils.checks.answers import case_inputs, check, check_solution
from course_utils.checks.guesses import guess, guesses, reveal
from course_utils.checks.pretest import answer_test, compare_tests, question_sheet
from course_utils.checks.reports import ExerciseProgress, Progress, progress, tally

__all__ = [
    "ExerciseProgress",
    "Progress",
    "answer_test",
    "case_inputs",
    "check",
    "check_solution",
    "compare_tests",
    "guess",
    "guesses",
    "progress",
    "question_sheet",
    "reveal",
    "tally",
]
