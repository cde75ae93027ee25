"""Keys are refused without showing them; payloads are sealed, rotated, never relabelled."""

import base64
import logging
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from temporalio.api.common.v1 import Payload
from temporalio.api.failure.v1 import Failure
from temporalio.converter import WorkflowSerializationContext
from temporalio.exceptions import ApplicationError

from atlas.settings import Settings, SettingsError
from atlas.temporal.codec import EncryptingCodec
from atlas.temporal.connection import data_converter
from atlas.temporal.keyring import EncryptionError, InvalidKeys, Keyring

SECRET = "https://hidden.example.org/private/page"


def key(number: int) -> str:
    return base64.b64encode(bytes([number]) * 32).decode()


OLD, NEW = f"old:{key(1)}", f"new:{key(2)}"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "no key in it"),
        ("# only a comment", "no key in it"),
        (key(1), "key 1: no colon"),
        (f"{OLD},{key(2)}", "key 2: no colon"),
        (f"a b:{key(1)}", "key 1: its id must be"),
        ("one:###", r"key 1 \(one\): it is not base64"),
        ("one:c2hvcnQ=", r"key 1 \(one\): 5 bytes long; 32 are needed"),
        (f"{OLD},{OLD}", "key 2: the id 'old' is given twice"),
    ],
)
def test_bad_keys_are_refused_without_showing_them(text: str, words: str) -> None:
    with pytest.raises(InvalidKeys, match=words) as caught:
        Keyring.parse(text)
    assert key(1) not in str(caught.value) and "c2hvcnQ" not in str(caught.value)


def test_keys_come_in_any_base64_from_lines_or_commas() -> None:
    odd = bytes([255]) * 31 + bytes([190])
    standard, url_safe = base64.b64encode(odd), base64.urlsafe_b64encode(odd).rstrip(b"=")
    ring = Keyring.parse(f"# the keys\na:{standard.decode()},\n b:{url_safe.decode()}\n")
    assert ring.keys == {"a": odd, "b": odd} and ring.first == "a"
    assert key(1) not in repr(Keyring.parse(OLD)) and "\\x01" not in repr(Keyring.parse(OLD))


def test_a_bad_setting_names_the_variable_and_never_the_value(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("ATLAS_ENCRYPTION_KEYS", f"one:{key(1)[:20]}")
    with pytest.raises(SettingsError, match=r"ATLAS_ENCRYPTION_KEYS refused: .*32 are") as caught:
        Settings.load()
    assert key(1)[:20] not in str(caught.value)
    monkeypatch.setenv("ATLAS_ENCRYPTION_KEYS", OLD)
    assert key(1) not in repr(Settings.load()) + Settings.load().model_dump_json()
    monkeypatch.delenv("ATLAS_ENCRYPTION_KEYS")
    monkeypatch.setenv("ATLAS_ENCRYPTION_KEYS_FILE", str(tmp_path / "keys"))
    with pytest.raises(SettingsError, match=r"ATLAS_ENCRYPTION_KEYS_FILE=.*No such file"):
        Settings.load().keyring()
    (tmp_path / "keys").write_bytes(b"\xff\xfe")
    with pytest.raises(SettingsError, match=r"ATLAS_ENCRYPTION_KEYS_FILE=.*UTF-8"):
        Settings.load().keyring()
    (tmp_path / "keys").write_text(f"{NEW}\n{OLD}\n")
    assert Settings.load().keyring() == Keyring.parse(f"{NEW},{OLD}")
    monkeypatch.delenv("ATLAS_ENCRYPTION_KEYS_FILE")
    assert Settings.load().keyring() is None


@given(st.binary(max_size=200), st.integers(0))
def test_what_is_changed_on_the_way_is_refused(message: bytes, place: int) -> None:
    ring = Keyring.parse(OLD)
    key_id, sealed = ring.encrypt(message)
    assert ring.decrypt(key_id, sealed) == message
    assert ring.encrypt(message) != (key_id, sealed), "a nonce was used twice"
    changed = bytearray(sealed)
    changed[place % len(sealed)] ^= 1
    for broken in (bytes(changed), sealed[:-1], sealed[:5], b""):
        with pytest.raises(EncryptionError, match="'old'"):
            ring.decrypt(key_id, broken)


def test_a_payload_cannot_be_relabelled() -> None:
    twins = Keyring.parse(f"old:{key(1)},new:{key(1)}")
    _, sealed = twins.encrypt(b"x")
    with pytest.raises(EncryptionError):
        twins.decrypt("new", sealed)


async def test_keys_rotate() -> None:
    before = EncryptingCodec(Keyring.parse(OLD))
    after = EncryptingCodec(Keyring.parse(f"{NEW},{OLD}"))
    payload = Payload(metadata={"encoding": b"json/plain"}, data=SECRET.encode())
    [sealed] = await before.encode([payload])
    assert SECRET.encode() not in sealed.SerializeToString()
    assert await after.decode([sealed]) == [payload]
    [anew] = await after.encode([payload])
    assert anew.metadata["encryption-key-id"] == b"new"
    assert await after.encode([anew]) == [anew], "encrypted twice"
    with pytest.raises(EncryptionError, match=r"'new', which is not among ours .old."):
        await before.decode([anew])


async def test_failures_are_encrypted_with_message_and_stack_trace() -> None:
    converter = data_converter(Keyring.parse(OLD))
    failure = Failure()
    try:
        raise ApplicationError(f"cannot get {SECRET}", {"url": SECRET}) from OSError(SECRET)
    except ApplicationError as error:
        await converter.encode_failure(error, failure)
    assert b"hidden.example" not in failure.SerializeToString()
    assert b"test_encryption" not in failure.SerializeToString(), "a stack trace is readable"
    read = await converter.decode_failure(failure)
    assert SECRET in str(read) and SECRET in str(read.__cause__)


async def test_what_is_not_encrypted_is_accepted_and_told_once(
    caplog: pytest.LogCaptureFixture,
) -> None:
    plain = await data_converter().encode([{"url": SECRET}])
    worker = data_converter(Keyring.parse(OLD), tells=True)
    with caplog.at_level(logging.WARNING):
        for _ in range(3):
            mine = worker.with_context(WorkflowSerializationContext("default", "fetch_url:1"))
            assert await mine.decode(plain) == [{"url": SECRET}]
    [line] = [record.getMessage() for record in caplog.records]
    assert line.startswith("fetch_url:1: accepted") and SECRET not in line


async def test_without_keys_an_encrypted_payload_is_no_bad_input(
    caplog: pytest.LogCaptureFixture,
) -> None:
    sealed = await data_converter(Keyring.parse(OLD)).encode([{"url": SECRET}])
    with pytest.raises(EncryptionError, match=r"'old'.*Set ATLAS_ENCRYPTION_KEYS"):
        await data_converter().decode(sealed)
    assert "'old'" in caplog.text
