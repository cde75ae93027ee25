"""The words of one language for each kind of bad body."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Said:
    title: str
    heading: str
    text: str


@dataclass(frozen=True)
class Login:
    title: str
    heading: str
    user: str
    password: str
    button: str
    forgotten: str
    needed: str


@dataclass(frozen=True)
class Consent:
    title: str
    heading: str
    text: str
    accept: str
    other: str


@dataclass(frozen=True)
class Wording:
    lang: str
    login: Login
    challenge: Said
    block: Said
    consent: Consent
    missing: Said
    maintenance: Said
    error: Said
