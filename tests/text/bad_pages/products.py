"""What widespread products send, in the words in which they send it."""

from __future__ import annotations

from tests.text.bad_pages.looks import bare

PRODUCTS: dict[str, tuple[str, str]] = {
    "nginx default": (
        "error_page",
        "<!DOCTYPE html><html><head><title>Welcome to nginx!</title></head><body><h1>Welcome to nginx!</h1><p>If you see this page, the nginx web server is successfully installed and working. Further configuration is required.</p><p><em>Thank you for using nginx.</em></p></body></html>",
    ),
    "nginx 502": (
        "error_page",
        "<html><head><title>502 Bad Gateway</title></head><body><center><h1>502 Bad Gateway</h1></center><hr><center>nginx/1.24.0</center></body></html>",
    ),
    "nginx 404": (
        "soft_404",
        "<html><head><title>404 Not Found</title></head><body><center><h1>404 Not Found</h1></center><hr><center>nginx</center></body></html>",
    ),
    "nginx 403": (
        "block_page",
        "<html><head><title>403 Forbidden</title></head><body><center><h1>403 Forbidden</h1></center><hr><center>nginx</center></body></html>",
    ),
    "apache default": (
        "error_page",
        "<html><head><title>Apache2 Ubuntu Default Page: It works</title></head><body><div class=main_page><span>Apache2 Default Page</span><div>It works!</div><p>This is the default welcome page used to test the correct operation of the Apache2 server after installation on Ubuntu systems.</p></div></body></html>",
    ),
    "apache 500": (
        "error_page",
        "<html><head><title>500 Internal Server Error</title></head><body><h1>Internal Server Error</h1><p>The server encountered an internal error or misconfiguration and was unable to complete your request.</p><p>Please contact the server administrator at root@localhost to inform them of the time this error occurred.</p><hr><address>Apache/2.4.57 (Debian) Server at example.org Port 443</address></body></html>",
    ),
    "iis": (
        "error_page",
        "<html><head><title>IIS Windows Server</title></head><body><div id=container><a href='http://go.microsoft.com/'><img src='iisstart.png' alt=IIS></a>Internet Information Services</div></body></html>",
    ),
    "asp.net": (
        "error_page",
        "<html><head><title>Runtime Error</title></head><body><span><h1>Server Error in '/' Application.<hr></h1><h2><i>Runtime Error</i></h2></span><b>Description: </b>An application error occurred on the server. The current custom error settings for this application prevent the details of the application error from being viewed.</body></html>",
    ),
    "tomcat": (
        "error_page",
        "<html><head><title>HTTP Status 500 – Internal Server Error</title></head><body><h1>HTTP Status 500 – Internal Server Error</h1><hr><p><b>Type</b> Exception Report</p><p><b>Message</b> Request processing failed</p><h3>Apache Tomcat/9.0.80</h3></body></html>",
    ),
    "spring": (
        "error_page",
        "<html><body><h1>Whitelabel Error Page</h1><p>This application has no explicit mapping for /error, so you are seeing this as a fallback.</p><div>Tue Nov 24 10:00:00 UTC 2026</div><div>There was an unexpected error (type=Internal Server Error, status=500).</div></body></html>",
    ),
    "rails": (
        "error_page",
        "<!DOCTYPE html><html><head><title>We're sorry, but something went wrong (500)</title></head><body class=rails-default-error-page><!-- This file lives in public/500.html --><div class=dialog><div><h1>We're sorry, but something went wrong.</h1></div><p>If you are the application owner check the logs for more information.</p></div></body></html>",
    ),
    "wordpress database": (
        "error_page",
        "<html><head><title>Database Error</title></head><body id='error-page'><div class='wp-die-message'><h1>Error establishing a database connection</h1></div></body></html>",
    ),
    "wordpress maintenance": (
        "maintenance_page",
        "<html><head><title>Maintenance</title></head><body><h1>Briefly unavailable for scheduled maintenance. Check back in a minute.</h1></body></html>",
    ),
    "wordpress critical": (
        "error_page",
        "<html><head><title>WordPress &rsaquo; Error</title></head><body id='error-page'><div class='wp-die-message'><p>There has been a critical error on this website.</p><p><a href='https://wordpress.org/documentation/article/faq-troubleshooting/'>Learn more about troubleshooting WordPress.</a></p></div></body></html>",
    ),
    "php": (
        "error_page",
        "<br /><b>Fatal error</b>:  Uncaught PDOException: SQLSTATE[HY000] [2002] Connection refused in /var/www/html/db.php:12 Stack trace: #0 {main} thrown in <b>/var/www/html/db.php</b> on line <b>12</b><br />",
    ),
    "heroku": (
        "error_page",
        "<html><head><title>Application Error</title></head><body><iframe src='//www.herokucdn.com/error-pages/application-error.html'></iframe><h1>Application error</h1><p>An error occurred in the application and your page could not be served.</p></body></html>",
    ),
    "varnish": (
        "error_page",
        "<html><head><title>503 Backend fetch failed</title></head><body><h1>Error 503 Backend fetch failed</h1><p>Backend fetch failed</p><h3>Guru Meditation:</h3><p>XID: 98306</p><hr><p>Varnish cache server</p></body></html>",
    ),
    "cloudflare 522": (
        "error_page",
        "<html><head><title>example.org | 522: Connection timed out</title></head><body><div id='cf-wrapper'><div id='cf-error-details'><header><h1><span>Connection timed out</span><span class='code-label'>Error code 522</span></h1></header><h2>What happened?</h2><p>The initial connection between Cloudflare's network and the origin web server timed out.</p></div></div></body></html>",
    ),
    "cloudflare 1020": (
        "block_page",
        "<html><head><title>Access denied | example.org used Cloudflare to restrict access</title></head><body><div id='cf-wrapper'><div id='cf-error-details'><h1><span>Access denied</span> <span>Error code 1020</span></h1><p>You do not have access to example.org. The site owner may have set restrictions that prevent you from accessing the site.</p></div></div></body></html>",
    ),
    "akamai": (
        "block_page",
        '<HTML><HEAD><TITLE>Access Denied</TITLE></HEAD><BODY><H1>Access Denied</H1>You don\'t have permission to access "http&#58;&#47;&#47;example&#46;org&#47;" on this server.<P>Reference&#32;&#35;18&#46;2f1d5cc1</P><P>https&#58;&#47;&#47;errors&#46;edgesuite&#46;net</P></BODY></HTML>',
    ),
    "f5": (
        "block_page",
        "<html><head><title>Request Rejected</title></head><body>The requested URL was rejected. Please consult with your administrator.<br><br>Your support ID is: 1234567890123456789<br><br><a href='javascript:history.back();'>[Go Back]</a></body></html>",
    ),
    "sucuri": (
        "block_page",
        "<html><head><title>Sucuri WebSite Firewall - Access Denied</title></head><body><h1>Access Denied - Sucuri Website Firewall</h1><p>If you are the site owner (or you manage this site), please whitelist your IP or if you think this block is an error please open a support ticket.</p><table><tr><td>Your IP:</td><td>203.0.113.7</td></tr><tr><td>Block reason:</td><td>Bad bot access attempt.</td></tr></table></body></html>",
    ),
    "datadome": (
        "challenge_page",
        "<html lang=en><head><title>example.org</title></head><body><p id='cmsg'>Please enable JS and disable any ad blocker</p><script>var dd={'rt':'c','cid':'AHrl','hsh':'F4','t':'bv','host':'geo.captcha-delivery.com'}</script><script src='https://ct.captcha-delivery.com/c.js'></script></body></html>",
    ),
    "perimeterx": (
        "challenge_page",
        "<html><head><title>Access to this page has been denied</title></head><body><h1>Press &amp; Hold to confirm you are a human (and not a bot).</h1><div id='px-captcha'></div><p>Reference ID 7a1b</p><script src='https://captcha.px-cdn.net/PX123/captcha.js'></script></body></html>",
    ),
    "imperva": (
        "challenge_page",
        "<html><head><META NAME='robots' CONTENT='noindex,nofollow'></head><body><iframe id='main-iframe' src='/_Incapsula_Resource?CWUDNSAI=9&xinfo=5' frameborder=0>Request unsuccessful. Incapsula incident ID: 123-456</iframe>Request unsuccessful.</body></html>",
    ),
    "google sorry": (
        "challenge_page",
        "<html><head><title>https://www.example.org/search</title></head><body><div>About this page<br><br>Our systems have detected unusual traffic from your computer network. This page checks to see if it's really you sending the requests, and not a robot.</div><form id='captcha-form' action='/sorry/index' method='post'><div class='g-recaptcha'></div></form></body></html>",
    ),
    "anubis": (
        "challenge_page",
        "<html><head><title>Making sure you&#39;re not a bot!</title><script id='anubis_version' type='application/json'>\"1.22\"</script></head><body><main><h1>Making sure you&#39;re not a bot!</h1><p id=status>Loading...</p><details><summary>Why am I seeing this?</summary><p>You are seeing this because the administrator of this website has set up Anubis to protect the server against the scourge of AI companies aggressively scraping websites.</p></details></main></body></html>",
    ),
    "github pages": (
        "soft_404",
        "<html><head><title>Site not found &middot; GitHub Pages</title></head><body><div class=container><h1>404</h1><p><strong>There isn't a GitHub Pages site here.</strong></p><p>If you're trying to publish one, read the full documentation to learn how to set it up.</p></div></body></html>",
    ),
    "mediawiki login": (
        "login_page",
        "<html><head><title>Login required - Valbrune Wiki</title></head><body class='page-Special_Badtitle'><div id='content'><h1 id='firstHeading'>Login required</h1><div id='mw-content-text'><p>Please <a href='/wiki/Special:UserLogin'>log in</a> to view other pages.</p></div></div></body></html>",
    ),
    "wp-login": (
        "login_page",
        "<html><head><title>Log In &lsaquo; Valbrune &#8212; WordPress</title><meta name='robots' content='noindex'></head><body class='login wp-core-ui'><div id=login><h1><a href='https://wordpress.org/'>Powered by WordPress</a></h1><form id='loginform' action='/wp-login.php' method=post><label>Username or Email Address</label><input name=log><label>Password</label><input type=password name=pwd><input type=submit value='Log In'></form><p><a href='/lost'>Lost your password?</a></p></div></body></html>",
    ),
    "microsoft": (
        "login_page",
        bare(
            "<div id='lightbox-cover'></div><form name='f1' action='https://login.microsoftonline.com/common/login' method=post><div role='heading' aria-level='1'>Sign in</div><input type=email name=loginfmt placeholder='Email, phone, or Skype'><p>No account? Create one!</p><p>Can’t access your account?</p><input type=submit value=Next></form>",
            lang="en",
            title="Sign in to your account",
        ),
    ),
    "saml post": (
        "login_page",
        bare(
            "<form action='https://idp.example.org/idp/profile/SAML2/POST/SSO' method='post'><input type=hidden name=SAMLRequest value='PD94'><p>Your browser does not support JavaScript. Press Continue to sign in.</p><input type=submit value=Continue></form>",
            lang="en",
            title="Single Sign-On",
        ),
    ),
    "discourse login": (
        "login_page",
        bare(
            "<main><h1>Log in</h1><p>You need to be logged in to do that.</p><a class='btn' href='/auth/google_oauth2'>Continue with Google</a><a class='btn' href='/auth/github'>Continue with GitHub</a></main>",
            lang="en",
            title="Log in - Valbrune Forum",
        ),
    ),
    "shopify password": (
        "login_page",
        bare(
            "<main class='template-password'><h1>Opening soon</h1><form action='/password' method=post><label>Enter store using password</label><input type=password name=password><button>Enter</button></form></main>",
            lang="en",
            title="Valbrune Shop",
        ),
    ),
    "cpanel suspended": (
        "error_page",
        bare(
            "<h1>Account Suspended</h1><p>This Account has been suspended. Contact your hosting provider for more information.</p>",
            lang="en",
            title="Account Suspended",
            head="<meta http-equiv='refresh' content='0;url=/cgi-sys/suspendedpage.cgi'>",
        ),
    ),
    "laravel 503": (
        "maintenance_page",
        bare(
            "<div class='flex'><div class='px-4'>503</div><div class='ml-4'>Be right back.</div></div>",
            lang="en",
            title="Service Unavailable",
        ),
    ),
}
