import os
import pickle
import socket
import subprocess
import sys
import time

import pytest
from fault_server import FaultServer, completion

from vlaa_helpers import get_profile, make_scenes
from vlaa_helpers.core.endpoint import ChatEndpoint, EndpointError
from vlaa_helpers.core.images import data_url

KEY = "sk-very-secret-key"
HELLO = [{"role": "user", "content": "hello"}]


@pytest.fixture(autouse=True)
def key(monkeypatch):
    monkeypatch.setenv("TEST_KEY", KEY)


def endpoint(server, **options):
    return ChatEndpoint(server.url, api_key_env="TEST_KEY", **{"retries": 3, "timeout": 1.0, **options})


def ask(server, **options):
    return endpoint(server, **options).complete("m", HELLO, max_tokens=9)


def test_an_answer_with_its_tokens():
    with FaultServer(completion("hi")) as server:
        reply = ask(server)
    assert (reply.text, reply.problem, reply.prompt_tokens, reply.completion_tokens) == ("hi", "", 10, 5)
    assert server.requests == [{"model": "m", "messages": HELLO, "max_tokens": 9}]


@pytest.mark.parametrize("fault", [429, 500, 503, 408, "stall"])
def test_what_passes_is_waited_out(fault):
    with FaultServer(fault, fault, completion("hi")) as server:
        assert ask(server).text == "hi"
    assert len(server.requests) == 3


@pytest.mark.parametrize("fault", [429, 503])
def test_what_does_not_pass_stops_and_says_how_to_go_on(fault):
    with FaultServer(fault) as server, pytest.raises(EndpointError, match=r"after 4 attempts.*again later"):
        ask(server)
    assert len(server.requests) == 4


@pytest.mark.parametrize("status", [401, 403])
def test_a_wrong_key_stops_at_once_and_is_not_shown(status):
    with FaultServer(status) as server, pytest.raises(EndpointError, match="does not accept the key in TEST_KEY") as e:
        ask(server)
    assert len(server.requests) == 1 and KEY not in str(e.value)


def test_a_key_that_the_server_repeats_is_hidden():
    with FaultServer({"status": 401, "error": {"message": f"Incorrect key: {KEY}"}}) as server:
        with pytest.raises(EndpointError, match=r"Incorrect key: \[key\]") as error:
            ask(server)
    assert KEY not in str(error.value)


def test_a_wrong_model_stops_and_names_those_there():
    with FaultServer(404) as server, pytest.raises(EndpointError, match=r"no model 'm'.*\(small-model\)"):
        ask(server)


def test_no_key_in_the_environment(monkeypatch):
    monkeypatch.delenv("TEST_KEY")
    with FaultServer(completion("hi")) as server, pytest.raises(EndpointError, match="variable TEST_KEY is not set"):
        ask(server)
    assert server.requests == []


def test_nobody_there():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{free.getsockname()[1]}/v1"
    with pytest.raises(EndpointError, match="still fails after 1 attempt: "):
        ChatEndpoint(url, api_key_env="TEST_KEY", retries=0).complete("m", HELLO, max_tokens=9)


@pytest.mark.parametrize(
    ("entry", "problem"),
    [
        ("garble", "garbled"),
        ({"surprise": 1}, "garbled"),
        ({**completion("x"), "choices": []}, "garbled"),
        (400, "refused"),
        (completion(""), "empty_reply"),
        (completion(None), "empty_reply"),
        (completion("It is", finish_reason="length"), "truncated"),
    ],
)
def test_a_bad_reply_is_told_apart_and_kept(entry, problem):
    with FaultServer(entry) as server:
        reply = ask(server)
    assert reply.problem == problem
    assert reply.text or problem == "empty_reply"
    assert len(server.requests) == 1


def test_thinking_that_comes_apart_is_put_into_tags():
    with FaultServer(completion("<answer>3</answer>", reasoning_content=" 2 + 1 ")) as server:
        assert ask(server).text == "<think>\n2 + 1\n</think>\n<answer>3</answer>"


def test_goes_to_other_processes_without_the_key():
    with FaultServer(completion("hi")) as server:
        one = endpoint(server)
        one.complete("m", HELLO, max_tokens=9)
        data = pickle.dumps(one)
        assert KEY.encode() not in data
        assert pickle.loads(data).complete("m", HELLO, max_tokens=9).text == "hi"


def test_the_client_talks_to_a_real_server(tmp_path):
    """`transformers serve` with a mini VLM, asked over HTTP about an image in a data URL."""
    model = get_profile("mini").model
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    (tmp_path / "hub").mkdir()
    environment = {**os.environ, "HF_HOME": str(tmp_path), "OMP_NUM_THREADS": "1", "CUDA_VISIBLE_DEVICES": ""}
    command = [sys.executable, "-m", "transformers.cli.transformers", "serve", model]
    log = tmp_path / "log.txt"
    with log.open("w") as output:
        server = subprocess.Popen(
            [*command, "--host", "127.0.0.1", "--port", str(port), "--device", "cpu"],
            env=environment,
            stdout=output,
            stderr=output,
        )
    try:
        for _ in range(120):
            assert server.poll() is None, log.read_text()
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    break
            time.sleep(0.5)
        (row,) = make_scenes(1).with_format(None).to_list()
        image = {"type": "image_url", "image_url": {"url": data_url(row["image"])}}
        messages = [{"role": "user", "content": [image, {"type": "text", "text": row["question"]}]}]
        one = ChatEndpoint(f"http://127.0.0.1:{port}/v1", api_key_env="TEST_KEY", timeout=60)
        reply = one.complete(model, messages, max_tokens=12)
    finally:
        server.terminate()
        server.wait(timeout=30)
    assert reply.problem in ("", "truncated") and reply.completion_tokens > 0, reply
    assert reply.prompt_tokens > 16 + 10  # the image's 16 tokens among them
