"""A code nobody has is an empty answer; a code nobody can have is refused with the service's words."""

import pytest

from gogoku_pipeline.core.errors import RequestError


def asked(code):
    async def ask(client):
        return [page async for page in client.pages("daily_bars", {"code": code})]

    return ask


def test_an_unknown_code_is_an_answer_without_rows(evening):
    with evening() as e:
        (page,) = e.run(asked("99990"), plan="premium")
        assert (page.row_count, page.pagination_key) == (0, None)


@pytest.mark.parametrize("code", ["1", "720300", "72-30"])
def test_a_malformed_code_is_refused_once_and_says_how_a_code_looks(evening, code):
    with evening() as e:
        with pytest.raises(RequestError, match="4 or 5") as caught:
            e.run(asked(code), plan="premium")
        assert caught.value.remedy
        assert len(e.calls()) <= 1
