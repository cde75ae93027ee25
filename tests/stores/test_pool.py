"""An address in a message shows no password, however it was written."""

from urllib.parse import quote

from hypothesis import given
from hypothesis import strategies as st

from atlas.stores.postgres.pool import shown

_SECRET = st.text("0123456789/#?@:&=%+ab", min_size=6, max_size=12)


@given(_SECRET)
def test_no_password_is_shown_even_one_that_should_have_been_encoded(secret: str) -> None:
    password = f"41x{secret}x14"
    for written in (password, quote(password, safe="")):
        told = shown(f"postgresql://u:{written}@db.internal:5432/atlas")
        assert "41x" not in told and "x14" not in told


@given(st.sampled_from("/#?"), st.integers(1, 99_999))
def test_nor_its_beginning_that_looks_like_a_port(mark: str, number: int) -> None:
    assert str(number) not in shown(f"postgresql://u:{number}{mark}rest@db/atlas")


def test_the_address_itself_is_shown() -> None:
    assert shown("postgresql://u:p%40ss@db.internal/atlas") == "db.internal:5432/atlas"
    assert shown("postgresql:///atlas?host=/run/pg&user=u&password=p") == "/run/pg:5432/atlas"
