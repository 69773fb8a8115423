import pytest

from doctored.data.audit import facts


@pytest.fixture(autouse=True)
def one_process(monkeypatch):
    from data.audit.inline import work_through

    monkeypatch.setattr(facts, "work_through", work_through)
