"""The keys that encrypt what Atlas hands to Temporal: AES-256-GCM, by key id, for rotation."""

from __future__ import annotations

import base64
import binascii
import os
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

CIPHER = "AES-256-GCM"
KEY_BYTES = 32
NONCE_BYTES = 12  # NIST SP 800-38D, 8.2: 96 bits, new for every message

_KEY_ID = re.compile(r"[A-Za-z0-9_.-]{1,64}\Z")
_EXAMPLE = (
    "give id:key pairs, comma-separated, each key 32 bytes in base64, as in "
    "2026-11:<output of `openssl rand -base64 32`>"
)


class InvalidKeys(ValueError):
    """The list of keys cannot be used; the message never holds a part of a key."""


class EncryptionError(Exception):
    """Something cannot be decrypted; the message names the key id and the fix."""


@dataclass(frozen=True)
class Keyring:
    """Keys by id, the first of which encrypts; all decrypt."""

    keys: dict[str, bytes] = field(repr=False)
    _ciphers: dict[str, AESGCM] = field(default_factory=dict, repr=False, compare=False)

    @classmethod
    def parse(cls, text: str) -> Keyring:
        """Read `id:base64key` pairs, separated by commas or lines; `#` begins a comment line.

        Raises `InvalidKeys`, which names the wrong entry by its number, never its value.
        """
        lines = [line for line in text.splitlines() if not line.lstrip().startswith("#")]
        entries = [entry.strip() for line in lines for entry in line.split(",") if entry.strip()]
        if not entries:
            raise InvalidKeys(f"no key in it; {_EXAMPLE}")
        keys: dict[str, bytes] = {}
        for number, entry in enumerate(entries, 1):
            key_id, key = _pair(number, entry)
            if key_id in keys:
                raise InvalidKeys(f"key {number}: the id {key_id!r} is given twice")
            keys[key_id] = key
        return cls(keys)

    @property
    def first(self) -> str:
        """Id of the key that encrypts."""
        return next(iter(self.keys))

    def encrypt(self, message: bytes) -> tuple[str, bytes]:
        """The key's id, and nonce and ciphertext in one. Key id and cipher are authenticated."""
        key_id = self.first
        nonce = os.urandom(NONCE_BYTES)
        return key_id, nonce + self._cipher(key_id).encrypt(nonce, message, _bound(key_id))

    def decrypt(self, key_id: str, sealed: bytes) -> bytes:
        """What `encrypt` was given. Raises `EncryptionError`."""
        if key_id not in self.keys:
            raise EncryptionError(
                f"encrypted with the key {key_id!r}, which is not among ours "
                f"({', '.join(self.keys)}). Add {key_id!r} to ATLAS_ENCRYPTION_KEYS, after the "
                "first."
            )
        from cryptography.exceptions import InvalidTag

        nonce, ciphertext = sealed[:NONCE_BYTES], sealed[NONCE_BYTES:]
        try:
            return self._cipher(key_id).decrypt(nonce, ciphertext, _bound(key_id))
        except (InvalidTag, ValueError):
            raise EncryptionError(
                f"cannot be decrypted with our key {key_id!r}: another key had this id, or the "
                f"message was changed. Correct {key_id!r} in ATLAS_ENCRYPTION_KEYS."
            ) from None

    def _cipher(self, key_id: str) -> AESGCM:
        if key_id not in self._ciphers:
            from cryptography.hazmat.primitives.ciphers.aead import AESGCM  # 0.1 s, if needed

            self._ciphers[key_id] = AESGCM(self.keys[key_id])
        return self._ciphers[key_id]


def _pair(number: int, entry: str) -> tuple[str, bytes]:
    key_id, colon, encoded = entry.partition(":")
    if not colon:
        raise InvalidKeys(f"key {number}: no colon between id and key; {_EXAMPLE}")
    if not _KEY_ID.match(key_id):
        raise InvalidKeys(
            f"key {number}: its id must be 1 to 64 letters, digits, dots, dashes or underscores"
        )
    return key_id, _key(number, key_id, encoded.strip())


def _key(number: int, key_id: str, encoded: str) -> bytes:
    plain = encoded.replace("-", "+").replace("_", "/").rstrip("=")
    try:
        key = base64.b64decode(plain + "=" * (-len(plain) % 4), validate=True)
    except binascii.Error:
        raise InvalidKeys(f"key {number} ({key_id}): it is not base64; {_EXAMPLE}") from None
    if len(key) != KEY_BYTES:
        raise InvalidKeys(
            f"key {number} ({key_id}): {len(key)} bytes long; {KEY_BYTES} are needed; {_EXAMPLE}"
        )
    return key


def _bound(key_id: str) -> bytes:
    """Authenticated with the message, so that it cannot be relabelled with another key."""
    return f"{CIPHER}\0{key_id}".encode()
