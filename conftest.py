"""Give the kernels that nbval starts the environment in which `make notebooks` stored the outputs."""

import os
from collections.abc import Generator
from unittest import mock

import pytest

from course_utils.notebooks import notebook_environment


@pytest.hookimpl(wrapper=True)
def pytest_runtest_setup(item: pytest.Item) -> Generator[None, None, None]:
    if type(item).__module__.startswith("nbval"):
        with mock.patch.dict(os.environ, notebook_environment(), clear=True):
            return (yield)
    return (yield)
