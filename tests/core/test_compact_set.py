from hypothesis import given
from hypothesis import strategies as st

from vlaa_helpers.core.compact_set import CompactSet


@given(st.lists(st.text(max_size=3), max_size=50), st.text(max_size=3))
def test_it_is_a_set(items, other):
    seen = CompactSet()
    for item in items:
        seen.add(item)
    assert len(seen) == len(set(items)) and all(item in seen for item in items)
    assert (other in seen) == (other in items)


def test_it_grows_and_forgets_nothing():
    seen = CompactSet()
    for k in range(20_000):
        seen.add(f"id-{k}")
        seen.add(k.to_bytes(4, "big"))
    assert len(seen) == 40_000 and seen._slots.nbytes <= 32 * 40_000
    assert all(f"id-{k}" in seen and f"no-{k}" not in seen for k in range(20_000))
