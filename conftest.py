"""Give the kernels that nbval starts the environment in which `make notebooks` stored the outputs."""

import os
from collections.abc import Generator
from tempfile import TemporaryDirectory
from unittest import mock

import pytest

from course_utils.notebooks import notebook_environment

STATE = TemporaryDirectory()  # what the kernels remember of a learner; removed at the end


@pytest.hookimpl(wrapper=True)
def pytest_runtest_setup(item: pytest.Item) -> Generator[None, None, None]:
    if type(item).__module__.startswith("nbval"):
        with mock.patch.dict(os.environ, notebook_environment(STATE.name), clear=True):
            return (yield)
    return (yield)
