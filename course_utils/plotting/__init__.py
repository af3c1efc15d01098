"""Figures from numbers, never from models.

Every ``plot_…`` function takes plain numbers and returns a Matplotlib figure whose attribute ``alt`` says in words what
the figure shows, with its main numbers; ``make notebooks`` writes it into the notebook as the alternative text.

A figure that a function makes is closed for pyplot: as the last value of a cell it is shown once, and none is left
open. To show one in the middle of a cell, call ``display(figure)``; in a program, ``figure.savefig(...)``. Functions
that take ``ax`` draw on axes of yours instead; ``panels`` makes some that look like the other figures.

The look is applied inside each function and changes nothing elsewhere: a light plate, because a text that must be
read on white and on a dark page alike has to be pale on both; six colours that colour-blind readers can tell apart,
each with a marker and a line style of its own; letters as large as the text around the figure.
"""

from course_utils.plotting.entities import show_entities
from course_utils.plotting.evaluation import plot_confusion_matrix, plot_reliability, plot_seeds, plot_slices
from course_utils.plotting.scaling import plot_cost, plot_learning_curves, plot_learning_rate_sweep
from course_utils.plotting.style import panels
from course_utils.plotting.texts import plot_attention, plot_lengths
from course_utils.plotting.training import plot_history, plot_runs

__all__ = [
    "panels",
    "plot_attention",
    "plot_confusion_matrix",
    "plot_cost",
    "plot_history",
    "plot_learning_curves",
    "plot_learning_rate_sweep",
    "plot_lengths",
    "plot_reliability",
    "plot_runs",
    "plot_seeds",
    "plot_slices",
    "show_entities",
]
