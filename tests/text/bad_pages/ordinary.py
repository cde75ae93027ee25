"""Pages that are what they say, although they speak of logins, errors, cookies, or are short."""

from __future__ import annotations

from tests.text.bad_pages.looks import bare, chrome

_STEPS = (
    "<ol><li>Open the start page and choose <b>Log in</b> at the top right.</li><li>Enter the name "
    "that you chose when you registered.</li><li>Enter your password and confirm.</li><li>If two "
    "factors are switched on, type the code from your telephone.</li></ol>"
)
_HEADER_LOGIN = (
    '<header class="top"><form action="/login" method="post"><input name="user" placeholder="User">'
    '<input type="password" name="pass"><button>Log in</button></form></header>'
)
_BANNER = (
    '<div id="cookie-banner" role="dialog"><p>We use cookies to make this site work and to measure '
    "its use. You can change your mind at any time.</p><button>Accept all</button><button>Reject"
    "</button></div>"
)


def _page(title: str, inner: str, lang: str = "en") -> str:
    return chrome(inner, lang=lang, title=title)


def _plain(title: str, inner: str, lang: str = "en") -> str:
    return bare(inner, lang=lang, title=title)


ORDINARY: dict[str, str] = {
    # Short pages
    "opening hours": _plain(
        "Opening hours", "<h1>Opening hours</h1><p>Monday to Friday 9 to 5.</p>"
    ),
    "one sentence": _plain("Boat hire", "<p>Boats are let from the jetty, by the hour.</p>"),
    "stub": _page(
        "Valbrune (river)",
        "<h1>Valbrune (river)</h1><p>The Valbrune is a river of 41 km "
        "in the north. This article is a stub; you can help by expanding it.</p>",
    ),
    "poem": _plain("Winter", "<h1>Winter</h1><p>Snow on the harbour<br>a lamp<br>and nobody</p>"),
    "contact": _page(
        "Contact",
        "<h1>Contact</h1><p>Write to us, or call 555 0100.</p><form action="
        "'/contact'><input name=name><input type=email name=email><textarea name=text>"
        "</textarea><div class='g-recaptcha' data-sitekey='x'></div><button>Send</button>"
        "</form><script src='https://www.google.com/recaptcha/api.js'></script>",
    ),
    "image": _page(
        "Lighthouse at dusk",
        "<h1>Lighthouse at dusk</h1><img src='/l.jpg'><p>Photo: M. Ahlgren, 2024.</p>",
    ),
    "garage": _page(
        "Maintenance | Bob's garage",
        "<h1>Maintenance</h1><p>We look after your car: oil, "
        "brakes, tyres and lights, for a fixed price and while you wait. Book by telephone "
        "or at the counter; most work is done the same day.</p>",
    ),
    "museum": _page(
        "The tower",
        "<h1>The tower</h1><p>The tower is closed for maintenance until "
        "spring. The museum below it, the garden and the café stay open every day from "
        "ten to six, and entry is free for children.</p>",
    ),
    "empty list": _page("Events", "<h1>Events</h1><p>Nothing is planned this week.</p>"),
    "film": _page(
        "Access Denied (2019 film)",
        "<h1>Access Denied (2019 film)</h1><p>Access Denied is a "
        "thriller by Ida Voss about a locksmith who is shut out of her own house. It runs "
        "for 94 minutes and was shown at three festivals.</p><h2>Cast</h2><p>Mila Orn, Teo "
        "Brandt and Ana Lisle.</p>",
    ),
    "song": _page(
        "Just a Moment - lyrics",
        "<h1>Just a Moment</h1><p>Just a moment, hold the line<br>"
        "the ferry leaves at half past nine<br>I saw your coat upon the rail<br>and all the "
        "gulls began to wail</p><p>Just a moment, hold my hand<br>there is no sea without a "
        "land</p>",
    ),
    "house rules": _page(
        "House rules",
        "<h1>House rules</h1><p>Members only on Mondays. No access to "
        "the roof. Dogs are welcome in the garden but forbidden in the hall.</p>",
    ),
    "robot kit": _page(
        "Robot kit for beginners",
        "<h1>Robot kit for beginners</h1><p>A small robot of "
        "wood and twelve gears, for children from eight. Batteries are not included. "
        "</p><b>34,90 €</b>",
    ),
    "jeans 501": _page(
        "501 Original | Denim",
        "<h1>501 Original</h1><p>Straight leg, button fly, "
        "12 ounce denim. Wash cold and hang to dry.</p><button>Add to basket</button>",
    ),
    "room 404": _page(
        "Room 404",
        "<h1>Room 404</h1><p>Two beds, a balcony to the sea and a bath. "
        "Breakfast is served from seven in the hall below.</p>",
    ),
    "newsletter": _page(
        "Newsletter",
        "<h1>Newsletter</h1><p>One letter a month, about boats.</p><form "
        "action='/newsletter'><input type=email name=email><button>Subscribe</button>"
        "</form>",
    ),
    "short with banner": _plain(
        "Boat hire",
        f"<h1>Boat hire</h1><p>Boats are let from the jetty, by "
        f"the hour, from May to September.</p>{_BANNER}",
    ),
    "short with login above": _plain(
        "Boat hire",
        f"{_HEADER_LOGIN}<main><h1>Boat hire</h1><p>Boats are "
        "let from the jetty, by the hour, from May to September. Bring "
        "a hat and water.</p></main>",
    ),
    "to comment": _page(
        "Ferry in fog",
        "<article><h1>Ferry in fog</h1><p>The ferry did not sail on "
        "Tuesday. Fog lay on the sound until noon, and those who had to cross took "
        "the bus around the bay.</p></article><section><h2>Comments</h2><p>You must be "
        "logged in to post a comment. <a href='/login'>Log in</a></p></section>",
    ),
    # Documentation of logins
    "how to log in": _page(
        "How to log in | Help",
        f"<h1>How to log in</h1>{_STEPS}<p>Forgot your "
        "password? Choose <a href='/reset'>Reset password</a> below the form.</p>",
    ),
    "log in help": _page(
        "Logging in - User guide",
        f"<h1>Logging in</h1><p>You must be logged in to read the minutes.</p>{_STEPS}",
    ),
    "sso setup": _page(
        "Configure single sign-on",
        "<h1>Configure single sign-on</h1><p>Single sign-on "
        "lets your people sign in with the account of the company. You need the "
        "metadata of your identity provider.</p><h2>Before you begin</h2><p>Make sure "
        "that you are an administrator.</p><h2>Create the application</h2><pre>atlas "
        "sso create --idp metadata.xml</pre><h2>Test the login</h2><p>Sign out and sign "
        "in again.</p>",
    ),
    "login api": _page(
        "POST /login - API reference",
        "<h1>POST /login</h1><p>Exchanges name and password "
        "for a token.</p><table><tr><td>username</td><td>string</td></tr><tr><td>password"
        "</td><td>string</td></tr></table><h2>Errors</h2><p>401 Unauthorized: invalid "
        'name or password.</p><pre>curl -d \'{"username": "a"}\'</pre>',
    ),
    "so meldest du dich an": _page(
        "So melden Sie sich an - Hilfe",
        "<h1>So melden Sie sich an</h1><ol><li>"
        "Öffnen Sie die Startseite und klicken Sie auf Anmelden.</li><li>Geben "
        "Sie Benutzername und Kennwort ein.</li><li>Bestätigen Sie mit der "
        "Eingabetaste.</li></ol><p>Passwort vergessen? Wählen Sie den Link "
        "unter dem Formular.</p>",
        "de",
    ),
    "comment se connecter": _page(
        "Comment se connecter - Aide",
        "<h1>Comment se connecter</h1><p>Pour "
        "vous connecter, ouvrez la page d'accueil puis cliquez sur Connexion en "
        "haut à droite. Saisissez votre adresse et votre mot de passe. Mot de "
        "passe oublié ? Suivez le lien sous le formulaire.</p>",
        "fr",
    ),
    "как войти": _page(
        "Как войти в систему — Справка",
        "<h1>Как войти в систему</h1><p>Откройте главную "
        "страницу и нажмите «Войти». Введите логин и пароль. Если вы забыли пароль, "
        "воспользуйтесь ссылкой под формой.</p>",
        "ru",
    ),
    "ログイン方法": _page(
        "ログイン方法 | ヘルプ",
        "<h1>ログイン方法</h1><ol><li>トップページを開き、右上のログインを"
        "クリックします。</li><li>ユーザー名とパスワードを入力します。</li></ol><p>パスワードを忘れた場合は、"
        "フォームの下のリンクから再設定できます。</p>",
        "ja",
    ),
    # Errors as a subject
    "404 glossary": _page(
        "404 error - Glossary",
        "<h1>404 error</h1><p>A 404 error is the status code with "
        "which a web server says that it cannot find the page that was requested. "
        "Links that lead to one are called broken or dead.</p>",
    ),
    "404 reference": _page(
        "404 Not Found - HTTP | Reference",
        "<nav class='breadcrumbs'>HTTP</nav><h1>404 "
        "Not Found</h1><p>The HTTP 404 Not Found client error response status code "
        "indicates that the server cannot find the requested resource.</p><h2>Status"
        "</h2><pre>404 Not Found</pre><h2>Examples</h2><pre>GET /missing HTTP/1.1"
        "</pre><h2>See also</h2><ul><li>410 Gone, for what will never come back</li>"
        "</ul>",
    ),
    "error reference": _page(
        "Error codes - API",
        "<h1>Error codes</h1><table><tr><td>400</td><td>Bad request"
        "</td></tr><tr><td>401</td><td>Unauthorized</td></tr><tr><td>403</td><td>"
        "Forbidden</td></tr><tr><td>404</td><td>Not found</td></tr><tr><td>500</td>"
        "<td>Internal server error</td></tr></table>",
    ),
    "404 gallery": _page(
        "25 beautiful 404 pages",
        "<h1>25 beautiful 404 pages</h1><p>A page not found is a "
        "chance to make people smile. These designers took it.</p>"
        + "".join(
            f"<h2>{n}. Studio {n}</h2><img src='/{n}.png'><p>Oops, page not found, says "
            "the cat, and sleeps on.</p>"
            for n in range(1, 8)
        ),
    ),
    "fix 500": _page(
        "How to fix a 500 Internal Server Error",
        "<h1>How to fix a 500 Internal Server Error"
        "</h1><p>Something went wrong, says the page, and nothing else. Read the log first."
        "</p><h2>Permissions</h2><p>Check who owns the files.</p><h2>Memory</h2><p>Raise the "
        "limit and try again.</p>",
    ),
    "washing machine": _page(
        "Error E18 | Washing machines",
        "<h1>Error E18</h1><p>The water does not drain. "
        "Switch the machine off, close the tap, and clean the filter behind the flap "
        "at the bottom right.</p>",
    ),
    "forum": _page(
        "Page not found after update - Forum",
        "<h1>Page not found after update</h1><div class="
        "'post'><p>Since the update every page of mine says page not found. I cleared the "
        "cache and saved the permalinks again. What else can I try?</p></div><div class='post'>"
        "<p>Look into the .htaccess: the rewrite block is missing there after updates.</p></div>"
        "<div class='post'><p>That was it, thank you.</p></div>",
    ),
    "captcha article": _page(
        "CAPTCHA - Encyclopedia",
        "<h1>CAPTCHA</h1><p>A CAPTCHA is a test to tell humans "
        "from robots: verify you are human, say the pages that use it. The first "
        "were distorted letters; later ones ask for pictures, or only watch.</p><h2>"
        "History</h2><p>The word was coined in 2003.</p><h2>Criticism</h2><p>Blind "
        "people cannot solve many of them.</p>",
    ),
    "bot docs": _page(
        "Bot protection - Documentation",
        "<h1>Bot protection</h1><p>When it is on, visitors "
        'see "Checking your browser" before your page. Turn it on in the panel.</p><h2>'
        "Exceptions</h2><pre>allow: 10.0.0.0/8</pre>",
    ),
    # Maintenance and status as a subject
    "status": _page(
        "Valbrune Status",
        "<h1>All systems operational</h1><ul><li>Website: operational, 99.98 % "
        "in 90 days</li><li>API: operational, 99.95 % in 90 days</li></ul><h2>Past incidents"
        "</h2><p>3 May: the API answered with errors for nine minutes.</p>",
    ),
    "incident": _page(
        "Valbrune Status - API errors",
        "<h1>API errors</h1><p><b>Resolved.</b> The service was "
        "temporarily unavailable between 10:02 and 10:40 UTC.</p><p><b>Identified.</b> A disk "
        "was full. <time>10:20</time></p><p><b>Investigating.</b> We see elevated errors. "
        "<time>10:05</time></p>",
    ),
    "announcement": _page(
        "Scheduled maintenance on 12 May - News",
        "<article><h1>Scheduled maintenance on 12 "
        "May</h1><p class='date'><time>2 May 2026</time></p><p>On 12 May between 02:00 and "
        "04:00 the library's catalogue will be moved to new machines. Loans are not "
        "possible then; returns are, at the door.</p></article>",
    ),
    "release": _page(
        "4.2.1 - Changelog",
        "<h1>4.2.1</h1><p>A maintenance release: it fixes an internal server "
        "error when the archive is empty.</p>",
    ),
    # Cookies and privacy
    "cookie policy": _page(
        "Cookie policy",
        "<h1>Cookie policy</h1><p>We use cookies to keep you logged in and "
        "to measure the use of this site. Our partners set none. You can delete cookies "
        "in your browser at any time.</p><h2>Which cookies</h2><p>One for the session, "
        "and one for the language.</p>",
    ),
    "cookie policy with banner": _page(
        "Cookie policy",
        "<h1>Cookie policy</h1><p>We use cookies to keep you "
        "logged in and to measure the use of this site. You can delete "
        f"cookies in your browser at any time.</p>{_BANNER}",
    ),
    "cookie-richtlinie": _page(
        "Cookie-Richtlinie",
        "<h1>Cookie-Richtlinie</h1><p>Diese Website verwendet "
        "Cookies, um Ihre Sprache zu merken. Mit Ihrer Einwilligung messen wir die "
        "Nutzung. Sie können die Einwilligung jederzeit widerrufen.</p>",
        "de",
    ),
    "privacy": _page(
        "Privacy",
        "<h1>Privacy</h1><p>We keep your name and address for as long as you are a "
        "member, and give them to nobody. Ask us what we know, and we tell you.</p>",
    ),
    "recipe for cookies": _page(
        "Oat cookies",
        f"<h1>Oat cookies</h1><p>Mix 200 g oats, 100 g butter and an "
        f"egg. Bake for twelve minutes.</p>{_BANNER}",
    ),
}
