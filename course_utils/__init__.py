"""Helper package of the course on supervised fine-tuning of language models.

``import course_utils`` is cheap: nothing heavy is imported until a module that needs it is.
"""

from importlib.metadata import PackageNotFoundError, version

try:
    __version__ = version("course-utils")
except PackageNotFoundError:  # a source tree that was never installed
    __version__ = "0+unknown"

__all__ = ["__version__"]
