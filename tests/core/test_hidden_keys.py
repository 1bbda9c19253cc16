import json
from urllib.parse import quote

import pytest

from vlaa_helpers.core.hidden_keys import hide_keys, secrets_in, without_user


@pytest.mark.parametrize("write", [str, json.dumps, quote, lambda key: f"?k={quote(key, safe='')}&x"])
def test_a_key_is_hidden_however_it_is_written(write):
    key = 'a"key/with "odd" letters'
    hidden = hide_keys(f"before {write(key)} after", [key])
    assert "[key]" in hidden and "odd" not in hidden and hidden.startswith("before ") and hidden.endswith(" after")


@pytest.mark.parametrize("word", ["none", "password", "not-needed", "anything"])
def test_a_key_that_could_be_a_word_stays_in_prose(word):
    text = f"There is {word} here."
    assert hide_keys(text, [word], is_prose=True) == text
    assert hide_keys(text, [word]) == "There is [key] here."


@pytest.mark.parametrize("key", ["hunter22", "token-abc123", "averylongpassphrase"])
def test_a_key_that_is_no_word_is_hidden_in_prose(key):
    assert hide_keys(f"It is {key}.", [key], is_prose=True) == "It is [key]."


def test_of_two_keys_the_longer_goes_first():
    assert hide_keys("abcdefgh", ["abcd", "abcdefgh"]) == "[key]"
    assert hide_keys("abc", ["abc", ""]) == "abc"


@pytest.mark.parametrize(
    ("address", "secrets", "shown"),
    [
        ("http://host:8/v1", [], "http://host:8/v1"),
        ("http://me:p%40ss@host:8/v1?a=b#c", ["p%40ss", "p@ss", "bWU6cEBzcw=="], "http://host:8/v1"),
        ("https://token@[::1]:8/v1", ["token", "token", "dG9rZW46"], "https://[::1]:8/v1"),
    ],
)
def test_what_an_address_tells(address, secrets, shown):
    assert secrets_in(address) == secrets and without_user(address) == shown
