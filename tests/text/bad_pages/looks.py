"""How widespread products dress their bad pages: templates that any wording fills.

Modelled on what the products send, not on what the recogniser looks for: site menus and footers
where the products keep them, none where they do not.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from tests.text.bad_pages.wording import Consent, Login, Said, Wording


@dataclass(frozen=True)
class BadPage:
    name: str
    kind: str
    lang: str
    html: str
    url: str = "https://example.org/guides/ferry-timetable"


_MENU = ("Aurora", "Boreas", "Cirrus", "Delta", "Estela", "Fjord", "Galerna")


def chrome(inner: str, *, lang: str, title: str, body: str = "", main: str = "") -> str:
    """A page within the menu and the footer of its site."""
    menu = "".join(f'<li><a href="/{each.lower()}">{each}</a></li>' for each in _MENU)
    return (
        f'<!DOCTYPE html><html lang="{lang}"><head><meta charset="utf-8"><title>{title}</title>'
        '<link rel="stylesheet" href="/theme/style.css"><script src="/theme/app.js"></script>'
        f'</head><body class="{body}"><header class="site-header"><a class="logo" href="/">Valbrune'
        f'</a><nav class="main-nav"><ul>{menu}</ul></nav></header><div id="content" class="{main}">'
        f'{inner}</div><footer class="site-footer"><p>© 2026 Valbrune S.A.</p><ul>{menu}</ul>'
        "</footer></body></html>"
    )


def bare(inner: str, *, lang: str, title: str, head: str = "", body: str = "") -> str:
    return (
        f'<!doctype html>\n<html lang="{lang}">\n<head><meta charset="utf-8"><title>{title}</title>'
        f'<meta name="viewport" content="width=device-width">{head}</head>\n<body {body}>{inner}'
        "</body></html>"
    )


# Logins


def keycloak(lang: str, w: Login) -> str:
    return bare(
        f'<div class="login-pf-page"><div id="kc-header">VALBRUNE</div><div class="card-pf"><h1 '
        f'id="kc-page-title">{w.heading}</h1><form id="kc-form-login" action="/realms/main/login-'
        f'actions/authenticate" method="post"><label for="username">{w.user}</label><input id='
        f'"username" name="username" type="text"><label for="password">{w.password}</label><input '
        f'id="password" name="password" type="password"><a href="/reset">{w.forgotten}</a><input '
        f'type="submit" value="{w.button}"></form></div></div>',
        lang=lang,
        title=w.title,
        head='<meta name="robots" content="noindex, nofollow">',
    )


def member_area(lang: str, w: Login) -> str:
    """A content system that shows its login where the article would be."""
    return chrome(
        f'<h2>{w.heading}</h2><p class="notice">{w.needed}</p><form method="post" action="/index.php'
        f'?task=user"><div><label>{w.user}</label><input name="user"></div><div><label>{w.password}'
        f'</label><input type="password" name="pass"></div><button>{w.button}</button></form><p><a '
        f'href="/lost">{w.forgotten}</a></p>',
        lang=lang,
        title=w.title,
    )


def plain_login(lang: str, w: Login) -> str:
    """A framework's own: a table, no heading at all."""
    return bare(
        f"<center><form method=post><table><tr><td>{w.user}<td><input name=u><tr><td>{w.password}"
        f'<td><input type=password name=p><tr><td colspan=2><input type=submit value="{w.button}">'
        "</table></form></center>",
        lang=lang,
        title=w.title,
    )


def email_first(lang: str, w: Login) -> str:
    """The first step of a login in two, by scripts' own markup."""
    return bare(
        f'<div class="outer"><div class="inner"><img src="/logo.svg" alt=""><div role="heading" '
        f'aria-level="1">{w.heading}</div><form name="f1" action="/common/login" method="post"><input '
        f'type="email" name="loginfmt" placeholder="{w.user}"><a href="/reset">{w.forgotten}</a>'
        f'<input type="submit" value="{w.button}"></form></div></div>',
        lang=lang,
        title=w.title,
    )


# Checks for humans


def cloudflare(lang: str, w: Said) -> str:
    return bare(
        f'<div class="main-wrapper" role="main"><div class="main-content"><h1 class="zone-name-title '
        f'h1">example.org</h1><h2 class="h2">{w.heading}</h2><p>{w.text}</p><div id="turnstile-box">'
        "</div></div></div><script>(function(){window._cf_chl_opt={cvId:'3',cZone:'example.org',"
        "cType:'managed'};var a=document.createElement('script');a.src='/cdn-cgi/challenge-platform/"
        "h/b/orchestrate/chl_page/v1?ray=8f1';document.head.appendChild(a);}());</script>",
        lang=lang,
        title=w.title,
        head='<meta name="robots" content="noindex,nofollow"><meta http-equiv="refresh" content="390">',
    )


def box(lang: str, w: Said) -> str:
    """A check with a widget that ordinary forms have, too."""
    return bare(
        f'<div class="box"><h1>{w.heading}</h1><p>{w.text}</p><form method="POST" id="f"><div class='
        '"h-captcha" data-sitekey="10000000-ffff"></div></form></div><script src="https://js.hcaptcha'
        '.com/1/api.js" async defer></script>',
        lang=lang,
        title=w.title,
    )


def spinner(lang: str, w: Said) -> str:
    """A script that computes something and reloads, of no known product."""
    return bare(
        f'<noscript>JavaScript</noscript><div class="spinner"></div><h2>{w.heading}</h2><p>{w.text}'
        "</p><script>setTimeout(function(){location.reload()},4000)</script>",
        lang=lang,
        title=w.title,
        head='<meta http-equiv="refresh" content="6">',
    )


# Refusals


def waf(lang: str, w: Said) -> str:
    return bare(
        f'<div id="cf-wrapper"><div id="cf-error-details"><h1 data-translate="block_headline">'
        f'{w.heading}</h1><h2 class="cf-subheadline">example.org</h2><p>{w.text}</p><div class="cf-'
        'error-footer">Ray ID: <strong>8f1c0aa2b9d3</strong> • 203.0.113.7</div></div></div>',
        lang=lang,
        title=w.title,
    )


def edge(lang: str, w: Said) -> str:
    return bare(
        f"<h1>{w.title}</h1>{w.text}<p>Reference #18.2f1d5cc1.1764400000.1ae0c2</p>",
        lang=lang,
        title=w.title,
    )


def forbidden(lang: str, w: Said) -> str:
    return bare(
        f'<div class="container"><div class="code">403</div><h1>{w.heading}</h1><p>{w.text}</p><p>'
        "ID: 7c9e6679-7425-40de</p></div>",
        lang=lang,
        title=f"403 - {w.title}",
    )


# Consent


def consent_host(lang: str, w: Consent) -> str:
    return bare(
        f'<div class="box"><img alt="Logo" src="/logo.png"><h1>{w.heading}</h1><div>{w.text}</div>'
        f'<form action="https://consent.example.org/save" method="POST"><button>{w.other}</button>'
        f"<button>{w.accept}</button></form></div>",
        lang=lang,
        title=w.title,
    )


def paper(lang: str, w: Consent) -> str:
    """A newspaper whose title stays, and whose page is nothing but the wall."""
    return bare(
        f'<div class="wall"><div class="logo">Valbrune Zeitung</div><h2>{w.heading}</h2><p>{w.text}'
        f'</p><div class="row"><a class="btn btn-primary" href="#">{w.accept}</a> <a class="btn" '
        f'href="#">{w.other}</a></div></div>',
        lang=lang,
        title="Valbrune Zeitung",
    )


# Pages that are not there


def blog_404(lang: str, w: Said) -> str:
    return chrome(
        f'<section class="error-404 not-found"><h1 class="page-title">{w.heading}</h1><div class='
        f'"page-content"><p>{w.text}</p><form role="search" action="/"><input type="search" name="s">'
        "</form></div></section>",
        lang=lang,
        title=w.title,
        body="error404 wp-theme",
        main="site-main",
    )


def shop_404(lang: str, w: Said) -> str:
    """No names that give it away, and something to buy instead."""
    goods = "".join(
        f'<div class="card"><a href="/p/{n}"><img src="/i/{n}.jpg" alt=""><span>{name} {n}</span></a>'
        f"<b>{n},90 €</b></div>"
        for n, name in enumerate(_MENU, 12)
    )
    return chrome(
        f'<h1>{w.heading}</h1><p>{w.text}</p><div class="grid">{goods}</div>',
        lang=lang,
        title=w.title,
    )


def app_404(lang: str, w: Said) -> str:
    return bare(
        f'<div class="flex"><div class="px-4">404</div><div class="ml-4">{w.heading}</div></div>',
        lang=lang,
        title=w.title,
    )


def quiet_404(lang: str, w: Said) -> str:
    """Of a content system that keeps its own title."""
    return chrome(
        f'<div class="block"><h2>{w.heading}</h2><p>{w.text}</p></div>',
        lang=lang,
        title="Valbrune",
    )


# Maintenance


def drupal(lang: str, w: Said) -> str:
    return bare(
        f'<div class="layout-container"><header role="banner"><a href="/">Valbrune</a></header><main '
        f'role="main"><h1>{w.title}</h1>{w.text}</main></div>',
        lang=lang,
        title=f"{w.title} | Valbrune",
        body='class="maintenance-page in-maintenance"',
    )


def back_soon(lang: str, w: Said) -> str:
    return bare(
        f'<div class="page"><img src="/gears.gif" alt=""><h1>{w.heading}</h1><p>{w.text}</p><p><a '
        'href="mailto:info@example.org">info@example.org</a></p></div>',
        lang=lang,
        title=w.title,
    )


def site_down(lang: str, w: Said) -> str:
    return bare(f"<h1>{w.heading}</h1><p>{w.text}</p>", lang=lang, title="Valbrune")


# Failures


def framework(lang: str, w: Said) -> str:
    return bare(
        f'<div class="dialog"><div><h1>{w.heading}</h1></div><p>{w.text}</p></div>',
        lang=lang,
        title=f"{w.title} (500)",
    )


def five_hundred(lang: str, w: Said) -> str:
    return bare(
        f'<div class="error-page"><span class="num">500</span><h2>{w.heading}</h2><p>{w.text}</p>'
        "</div>",
        lang=lang,
        title=w.title,
    )


def within_site(lang: str, w: Said) -> str:
    return chrome(
        f'<div class="alert alert-danger"><h1>{w.heading}</h1><p>{w.text}</p></div>',
        lang=lang,
        title=f"{w.title} | Valbrune",
    )


_LOOKS: tuple[tuple[str, str, tuple[Callable[..., str], ...]], ...] = (
    ("login_page", "login", (keycloak, member_area, plain_login, email_first)),
    ("challenge_page", "challenge", (cloudflare, box, spinner)),
    ("block_page", "block", (waf, edge, forbidden)),
    ("consent_wall", "consent", (consent_host, paper)),
    ("soft_404", "missing", (blog_404, shop_404, app_404, quiet_404)),
    ("maintenance_page", "maintenance", (drupal, back_soon, site_down)),
    ("error_page", "error", (framework, five_hundred, within_site)),
)


def pages_of(wordings: tuple[Wording, ...]) -> Iterator[BadPage]:
    """Every look in the words of every language."""
    for wording in wordings:
        for kind, name, looks in _LOOKS:
            for look in looks:
                html = look(wording.lang, getattr(wording, name))
                yield BadPage(f"{look.__name__}-{wording.lang}", kind, wording.lang, html)
