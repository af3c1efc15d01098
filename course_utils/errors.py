"""The one exception that is meant for the learner's eyes."""

from __future__ import annotations


class InputError(ValueError):
    """Something the user gave (a file, a name, an option) cannot be used.

    The message says what was found, what was expected and what to do, on one line. The command line prints it
    and ends with exit status 2.
    """


def suggest(name: str, known: list[str]) -> str:
    """``did you mean "x"?`` when a known name is close, else the list of known names."""
    import difflib

    close = difflib.get_close_matches(name, known, n=1)
    return f'did you mean "{close[0]}"?' if close else "choose one of " + ", ".join(known) + "."
