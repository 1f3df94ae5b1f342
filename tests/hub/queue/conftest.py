"""Members that are not recycled for the size of the tests' own process."""

import pytest
from django_q.conf import Conf


@pytest.fixture
def members_of_any_size(monkeypatch):
    """Turn off django-q2's setting `max_rss`: members are forked from the tests' large process and
    would be recycled after their first task. The setting has been read when a test begins.
    """
    monkeypatch.setattr(Conf, "MAX_RSS", None)
