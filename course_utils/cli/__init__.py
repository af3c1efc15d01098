"""The ``course`` command.

Exit status: 0 done, 1 the command's own no, 2 bad usage or input. Errors are one line on standard error.
"""

from course_utils.cli.command import app, main, run_command

__all__ = ["app", "main", "run_command"]
