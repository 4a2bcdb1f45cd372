"""For all tests, the notebooks included: which record answers, what is slow, and what comes first on workers."""

import os

import pytest

os.environ["HVLIB_OBSERVE"] = "recorded"  # the stored outputs asked the recorded kernel, and not this machine's


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config, items):
    """Whatever needs more than Python is slow; on workers the longest modules come first, so that all end together."""
    needing = {line.partition(":")[0] for line in config.getini("markers") if ": needs " in line}

    def needs(item):
        return bool(needing & {mark.name for mark in item.iter_markers()})

    for item in filter(needs, items):
        item.add_marker("slow")
    if "PYTEST_XDIST_WORKER" in os.environ:
        items.sort(key=lambda item: (not needs(item), item.path.suffix != ".ipynb"))
