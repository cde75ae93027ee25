"""Encrypting every payload that goes through Temporal, and reading those that are not encrypted.

A payload of Temporal becomes one whose encoding is `binary/encrypted`: key id and cipher in its
metadata, the whole original inside. Inputs, results, failures, heartbeats, signals, queries,
updates, memos, summaries and details pass through here; workflow ids, types, task queues, search
attributes and trace headers do not (docs/encryption.md).
"""

from __future__ import annotations

import logging
from collections.abc import Sequence

from temporalio.api.common.v1 import Payload
from temporalio.converter import (
    ActivitySerializationContext,
    PayloadCodec,
    SerializationContext,
    WithSerializationContext,
    WorkflowSerializationContext,
)

from atlas.temporal.keyring import CIPHER, EncryptionError, Keyring

ENCODING = b"binary/encrypted"
KEY_ID = "encryption-key-id"
CIPHER_NAME = "encryption-cipher"

_WITHOUT_CONTENT = b"binary/null"
_REMEMBERED = 10_000  # workflow ids that were logged

log = logging.getLogger("atlas.temporal.codec")


class EncryptingCodec(PayloadCodec, WithSerializationContext):
    """Encrypts with the first key of the ring, decrypts with any, passes on what is plain.

    `tells`: write to the log which workflows had unencrypted payloads, once each; a worker does.
    """

    def __init__(self, keyring: Keyring, *, tells: bool = False) -> None:
        self._keyring = keyring
        self._tells = tells
        self._told: set[str] = set()
        self._workflow_id = ""

    def with_context(self, context: SerializationContext) -> EncryptingCodec:
        """A codec that knows whose payloads it sees."""
        mine = EncryptingCodec(self._keyring, tells=self._tells)
        mine._told = self._told
        if isinstance(context, WorkflowSerializationContext | ActivitySerializationContext):
            mine._workflow_id = context.workflow_id or ""
        return mine

    async def encode(self, payloads: Sequence[Payload]) -> list[Payload]:
        """Each payload encrypted; one that is encrypted already stays as it is."""
        return [self._encrypted(payload) for payload in payloads]

    async def decode(self, payloads: Sequence[Payload]) -> list[Payload]:
        """Each payload as it was before. Raises `EncryptionError` for a key that is not ours."""
        return [self._decrypted(payload) for payload in payloads]

    def _encrypted(self, payload: Payload) -> Payload:
        if _is_encrypted(payload):
            return payload
        key_id, sealed = self._keyring.encrypt(payload.SerializeToString())
        return Payload(
            metadata={"encoding": ENCODING, KEY_ID: key_id.encode(), CIPHER_NAME: CIPHER.encode()},
            data=sealed,
        )

    def _decrypted(self, payload: Payload) -> Payload:
        if not _is_encrypted(payload):
            self._tell_of_plain(payload)
            return payload
        try:
            return Payload.FromString(self._keyring.decrypt(_key_id(payload), payload.data))
        except EncryptionError as error:
            if self._tells:
                log.error("%s: a payload %s", self._workflow_id or "a workflow", error)
            raise EncryptionError(f"A payload of {self._workflow_id or 'a run'} {error}") from None

    def _tell_of_plain(self, payload: Payload) -> None:
        if not self._tells or payload.metadata.get("encoding") == _WITHOUT_CONTENT:
            return
        if self._workflow_id in self._told or len(self._told) >= _REMEMBERED:
            return
        self._told.add(self._workflow_id)
        log.warning(
            "%s: accepted a payload that was not encrypted (a plain client, or a run begun before "
            "encryption was on); see docs/encryption.md",
            self._workflow_id or "a workflow",
        )


class ForeignPayloads(PayloadCodec):
    """For a process without keys: encrypted payloads are refused, with the fix."""

    async def encode(self, payloads: Sequence[Payload]) -> list[Payload]:
        """The payloads as they are."""
        return list(payloads)

    async def decode(self, payloads: Sequence[Payload]) -> list[Payload]:
        """The payloads as they are. Raises `EncryptionError` for one that is encrypted."""
        for payload in payloads:
            if _is_encrypted(payload):
                message = (
                    f"A payload is encrypted with the key {_key_id(payload)!r}, and this process "
                    "has no keys. Set ATLAS_ENCRYPTION_KEYS to the keys that the others have."
                )
                log.error("%s", message)
                raise EncryptionError(message)
        return list(payloads)


def _is_encrypted(payload: Payload) -> bool:
    return payload.metadata.get("encoding") == ENCODING


def _key_id(payload: Payload) -> str:
    return payload.metadata.get(KEY_ID, b"").decode(errors="replace")
