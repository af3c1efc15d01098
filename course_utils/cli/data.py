"""``course data``: the corpora, listed, shown and fetched."""

from __future__ import annotations

import json
from typing import Annotated, Any

import typer

from course_utils.errors import InputError, suggest

data_app = typer.Typer(no_args_is_help=True, help="The corpora: list, show, fetch.")


@data_app.command("list")
def data_list() -> None:
    """The corpora that can be named after --data."""
    from course_utils.corpora import CORPORA

    for name, corpus in CORPORA.items():
        typer.echo(f"{name:21} {'/'.join(corpus.tasks) or '-':17} {corpus.description}")


def _corpus(name: str) -> Any:
    from course_utils.corpora import CORPORA

    if name not in CORPORA:
        raise InputError(f'no corpus is called "{name}": {suggest(name, sorted(CORPORA))}')
    return CORPORA[name]


@data_app.command("show")
def data_show(name: Annotated[str, typer.Argument(help="A corpus or a file.")]) -> None:
    """Splits, sizes, labels, licence and the first example."""
    from course_utils.corpora import CORPORA, corpus_notes, label_names, load_corpus
    from course_utils.sources import SOURCES

    corpus = load_corpus(name)
    if name in CORPORA:
        typer.echo(f"{name}: {CORPORA[name].description}")
        for source in CORPORA[name].sources:
            typer.echo(f"source {SOURCES[source].path}, licence: {SOURCES[source].licence}")
    for note in corpus_notes(corpus):
        typer.echo(note)
    for split, part in corpus.items():
        typer.echo(f"{split}: {len(part)} rows of {', '.join(part.column_names)}")
    first = next(iter(corpus.values()))
    for column in first.column_names:
        if names := label_names(corpus, column):
            typer.echo(f"{column}: {len(names)} labels: {' '.join(names)}")
    typer.echo(json.dumps(first[0], ensure_ascii=False)[:500])


@data_app.command("fetch")
def data_fetch(name: Annotated[str, typer.Argument(help="A corpus.")]) -> None:
    """Fetch and verify the files of a corpus."""
    from course_utils.sources import locate

    for source in _corpus(name).sources:
        typer.echo(f"{source}: {locate(source)}")
