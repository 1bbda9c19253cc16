import html
import json
from urllib.parse import quote

import pytest

from vlaa_helpers.core.hidden_keys import (
    could_be_a_word,
    hide_keys,
    is_no_key,
    secrets_among,
    secrets_in,
    user_of,
    without_user,
)


@pytest.mark.parametrize("write", [str, json.dumps, html.escape, quote, lambda key: f"?k={quote(key, safe='')}&x"])
def test_a_key_is_hidden_however_it_is_written(write):
    key = 'a"key/with "odd" letters & <'
    hidden = hide_keys(f"before {write(key)} after", [key])
    assert "[key]" in hidden and "odd" not in hidden and hidden.startswith("before ") and hidden.endswith(" after")


@pytest.mark.parametrize("word", ["none", "None", "not-needed", "anything", "no_key", "sk-no-key-required", "local"])
def test_a_word_for_no_key_stays_in_prose(word):
    text = f"There is {word} here."
    assert hide_keys(text, [word], is_prose=True) == text
    assert hide_keys(text, [word]) == "There is [key] here."


@pytest.mark.parametrize("key", ["ab1c", "abcd", "hunter", "password", "hunter22", "nonesuch", "averylongpassphrase"])
def test_a_key_of_any_length_is_hidden_in_prose(key):
    assert hide_keys(f"It is {key}, <x{key}y>.", [key], is_prose=True) == "It is [key], <x[key]y>."
    assert not is_no_key(key)


def test_keys_that_could_be_words():
    assert [could_be_a_word(key) for key in ("ab1c", "password", "sk-1", "hunter22", "a" * 16)] == [1, 1, 1, 0, 0]


def test_keys_among_options():
    options = {
        "extra_headers": {"X-Api-Key": "aaaa", "Authorization": "Bearer bbbb", "X-Title": "no", "cookie": b"no"},
        "extra_query": {"token": "cccc", "api-version": "no"},
        "extra_body": {"metadata": {"author": "no", "password": "dddd"}, "secrets": ["eeee", {"key": 1}]},
        "response_format": {"json_schema": {"properties": {"key": {"type": "no"}, "keywords": "no"}}},
        "max_tokens": 5, "stop": ["no"],
    }  # fmt: skip
    assert secrets_among(options) == ["aaaa", "Bearer bbbb", "bbbb", "cccc", "dddd", "eeee"]


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


def test_the_user_of_an_address():
    assert user_of("http://me:p%40ss@host/v1") == ("me", "p@ss") and user_of("http://token@host") == ("token", "")
    assert user_of("http://host:8/v1") is None
