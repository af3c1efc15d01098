"""What a notebook states of its cost, in the table of its head."""

import re

COST = re.compile(
    r"^\|.*machine.*\|.*you.*\|.*memory.*\|\n\|[-:| ]+\|\n\|.*\d seconds.*\|.*\d minutes.*\|.*\d [MG]iB.*\|$",
    re.MULTILINE,
)


def stated_seconds(head: str) -> int | None:
    """The largest number of machine seconds in the table, or None without such a table.

    >>> row = "| about 60 seconds, 40 seconds with bf16 | about 40 minutes | about 2 GiB |"
    >>> stated_seconds("# Do\\n\\n| machine, two cores | you | memory |\\n| --- | --- | --- |\\n" + row)
    60
    """
    cost = COST.search(head)
    return max(map(int, re.findall(r"(\d+) seconds", cost[0]))) if cost else None
