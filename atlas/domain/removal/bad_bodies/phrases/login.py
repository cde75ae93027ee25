"""What pages say that want a name and a password first. Data, in the notation of
`bad_bodies/words.py`."""

from __future__ import annotations

from typing import Final

PHRASES: Final[dict[str, dict[str, str]]] = {
    "head": {
        "en": "sign in to * / log in to * / login to * / please sign in / please log in / "
        "please login / sign in to continue / log in to continue / sign in required / "
        "login required / authentication required / you must ~ log in / "
        "you must ~ logged in / you need to ~ log in / you need to ~ logged in / "
        "member* login / customer login / client login / subscriber login / "
        "account login / single sign on / sign in to your account / "
        "log in to your account / verify your identity / session expired / "
        "your session has expired / enter your password / sign in with your * account / "
        "members only / members area",
        "de": "bitte anmelden / bitte einloggen / bitte melden sie sich an / "
        "melden sie sich ~ an / melde dich ~ an / anmeldung erforderlich / "
        "in ~ konto anmelden / login erforderlich / kundenlogin / mitgliederlogin / "
        "mitgliederbereich / anmelden um ~ / sitzung abgelaufen / zugang fur mitglieder",
        "fr": "connectez vous / connexion a votre compte / connexion requise / "
        "authentification requise / veuillez vous connecter / veuillez vous identifier / "
        "identifiez vous / espace membre* / espace abonne* / espace client / "
        "se connecter a * / votre session a expire / session expiree / "
        "acces reserve ~ abonnes",
        "es": "iniciar sesion en * / inicia sesion / inicie sesion / acceso de usuarios / "
        "acceso clientes / acceder a tu cuenta / accede a tu cuenta / "
        "acceso a su cuenta / debe* iniciar sesion / area privada / area de clientes / "
        "acceso restringido a * / identificate / sesion caducada / sesion expirada / "
        "autenticacion requerida",
        "it": "accedi al* / accedi a * / accedi per * / accesso utenti / area riservata / "
        "accesso richiesto / effettua* il login / effettua* l accesso / "
        "login richiesto / autenticazione richiesta / accesso clienti / "
        "sessione scaduta / accesso riservato * / devi ~ accedere",
        "pt": "iniciar sessao / inicie sessao / fazer login / faca ~ login / faca seu login / "
        "entrar na sua conta / entre na sua conta / acesse sua conta / aceder a conta / "
        "area do cliente / area restrita / area reservada / acesso restrito a * / "
        "autenticacao necessaria / sessao expirada / e necessario ~ login",
        "nl": "log in op * / log in om * / inloggen op * / inloggen bij * / "
        "u moet ingelogd zijn / je moet ingelogd zijn / u dient in te loggen / "
        "inloggen verplicht / aanmelden bij * / meld u aan / meld je aan / "
        "sessie verlopen / uw sessie is verlopen / inloggen vereist / alleen voor leden",
        "pl": "zaloguj sie / logowanie do * / panel logowania / strona logowania / "
        "wymagane logowanie / wymagane zalogowanie / musisz ~ zalogowac / "
        "musisz byc zalogowan* / sesja wygasla / logowanie klienta",
        "ru": "войдите в * / вход в систему / вход в личный кабинет / вход в аккаунт / "
        "вход на сайт / авторизуйтесь / необходимо авторизоваться / "
        "требуется авторизация / необходимо войти / требуется вход / выполните вход / "
        "сессия истекла / войдите чтобы *",
        "ja": "ログインしてください / ログインが必要です / 会員ログイン / ログインページ / サインインしてください / アカウントにログイン / ログイン画面 / "
        "サインインが必要 / セッションの有効期限 / 会員専用",
        "zh": "请登录 / 請登入 / 请先登录 / 請先登入 / 用户登录 / 使用者登入 / 会员登录 / 會員登入 / 账号登录 / 帳號登入 / 登录后 / "
        "登入後 / 登录您的 / 登入您的 / 统一身份认证 / 登录已过期 / 需要登录 / 需要登入",
        "ko": "로그인해 주세요 / 로그인해주세요 / 로그인이 필요 / 로그인 후 / 로그인 하세요 / 로그인하세요 / 회원 로그인 / 로그인 페이지 / "
        "세션이 만료",
        "ar": "يرجى تسجيل الدخول / الرجاء تسجيل الدخول / يجب تسجيل الدخول / تسجيل الدخول الى / "
        "سجل الدخول / قم بتسجيل الدخول / انتهت صلاحية الجلسة",
        "tr": "giris yapin* / giris yapman* / giris yapmal* / oturum acin* / oturum acman* / "
        "oturum acmal* / uye girisi / kullanici girisi / hesabiniza giris * / "
        "oturum suresi doldu / oturumunuz ~ doldu",
        "sv": "logga in på * / logga in för * / du måste logga in / du behöver logga in / "
        "inloggning krävs / vänligen logga in / sessionen har gått ut / medlemsinloggning",
        "da": "log ind på * / log ind for * / du skal logge ind / du skal være logget ind / "
        "login påkrævet / log venligst ind / sessionen er udløbet",
        "no": "logg inn på * / logg inn for * / du må logge inn / du må være logget inn / "
        "innlogging kreves / vennligst logg inn / økten har utløpt",
        "fi": "kirjaudu sisään / kirjaudu palveluun / sinun on kirjauduttava / "
        "sisäänkirjautuminen vaaditaan / istunto on vanhentunut / kirjautuminen vaaditaan",
        "cs": "přihlaste se / přihlášení do * / musíte se přihlásit / musíte být přihlášen* / "
        "přihlášení je vyžadováno / platnost relace vypršela / pro zobrazení * přihlásit",
        "sk": "prihláste sa / prihlásenie do * / musíte sa prihlásiť / musíte byť prihlásen* / "
        "vyžaduje sa prihlásenie",
        "hu": "jelentkezzen be / jelentkezz be / bejelentkezés szükséges / "
        "be kell jelentkeznie / a munkamenet lejárt / bejelentkezés * fiókba",
        "ro": "autentificați vă / conectați vă / trebuie să vă autentificați / "
        "autentificare necesară / trebuie să fiți autentificat / intră în cont / "
        "sesiunea a expirat",
        "el": "συνδεθείτε / παρακαλώ συνδεθείτε / απαιτείται σύνδεση / πρέπει να συνδεθείτε / "
        "είσοδος στον λογαριασμό * / σύνδεση στον λογαριασμό",
        "uk": "увійдіть * / вхід до системи / вхід в особистий кабінет / необхідно увійти / "
        "потрібна авторизація / авторизуйтесь / необхідно авторизуватися",
        "bg": "влезте в * / вход в системата / трябва да влезете / необходимо е да влезете / "
        "изисква се вход / моля влезте",
        "hr": "prijavite se / prijava na * / morate se prijaviti / morate biti prijavljeni / "
        "potrebna je prijava",
        "vi": "đăng nhập vào * / vui lòng đăng nhập / bạn cần đăng nhập / bạn phải đăng nhập / "
        "yêu cầu đăng nhập / đăng nhập tài khoản",
        "th": "กรุณาเข้าสู่ระบบ / โปรดเข้าสู่ระบบ / ต้องเข้าสู่ระบบ / ลงชื่อเข้าใช้บัญชี / เข้าสู่ระบบสมาชิก",
        "id": "silakan masuk / silakan login / masuk ke akun * / anda harus masuk / "
        "anda harus login / login diperlukan / masuk ke *",
        "he": "יש להתחבר / התחברות לחשבון / נדרשת התחברות / אנא התחבר / התחבר לחשבון* / "
        "כניסה למערכת",
        "hi": "कृपया लॉग इन करें / लॉग इन करें / लॉगिन आवश्यक / साइन इन करें",
        "fa": "وارد شوید / لطفا وارد شوید / ورود به حساب / برای مشاهده * وارد شوید / ورود به سیستم",
    },
    "weak": {
        "en": "login / log in / sign in / signin / logon / log on / sign on / welcome back / "
        "authentication / my account / account / sso / identity / sign in page / "
        "login page",
        "de": "anmelden / anmeldung / einloggen / login / mein konto / willkommen zuruck / zugang",
        "fr": "connexion / se connecter / identification / authentification / mon compte",
        "es": "acceder / acceso / entrar / iniciar sesion / mi cuenta / identificarse / login",
        "it": "accedi / accesso / login / entra / il mio account / autenticazione",
        "pt": "entrar / acesso / login / acessar / minha conta / aceder / autenticacao",
        "nl": "inloggen / aanmelden / login / mijn account / welkom terug",
        "pl": "logowanie / zaloguj / moje konto / login",
        "ru": "вход / войти / авторизация / личный кабинет / логин",
        "ja": "ログイン / サインイン / 認証 / マイページ / マイアカウント",
        "zh": "登录 / 登入 / 登陆 / 登錄 / 我的账户 / 我的帳戶 / 身份验证",
        "ko": "로그인 / 내 계정 / 마이페이지 / 인증",
        "ar": "تسجيل الدخول / دخول / حسابي / الدخول",
        "tr": "giris / giris yap / oturum ac / hesabim / uye girisi",
        "sv": "logga in / inloggning / mitt konto",
        "da": "log ind / login / min konto",
        "no": "logg inn / innlogging / min side",
        "fi": "kirjaudu / kirjautuminen / oma tili",
        "cs": "přihlášení / přihlásit se / můj účet",
        "sk": "prihlásenie / prihlásiť sa",
        "hu": "bejelentkezés / belépés / fiókom",
        "ro": "autentificare / conectare / contul meu",
        "el": "σύνδεση / είσοδος",
        "uk": "вхід / увійти / авторизація",
        "bg": "вход",
        "hr": "prijava",
        "vi": "đăng nhập",
        "th": "เข้าสู่ระบบ / ลงชื่อเข้าใช้",
        "id": "masuk",
        "he": "התחברות / כניסה",
        "hi": "लॉगिन / लॉग इन / साइन इन",
        "fa": "ورود",
    },
    "body": {
        "en": "forgot ~ password / forgotten ~ password / lost your password / remember me / "
        "keep me signed in / keep me logged in / stay signed in / stay logged in / "
        "don t have an account / no account yet / reset ~ password / "
        "sign in with google / continue with google / sign in with apple / "
        "continue with apple / continue with facebook / to view this page / "
        "to access this page / incorrect username or password",
        "de": "passwort vergessen / kennwort vergessen / angemeldet bleiben / "
        "eingeloggt bleiben / noch kein konto / noch nicht registriert / "
        "jetzt registrieren / mit google anmelden / zugangsdaten vergessen",
        "fr": "mot de passe oublie / mot de passe perdu / se souvenir de moi / "
        "rester connecte / pas encore de compte / pas encore inscrit / creer un compte / "
        "continuer avec google / vous devez ~ connecte* / vous devez ~ identifie*",
        "es": "olvidado ~ contrasena / olvidaste ~ contrasena / olvido ~ contrasena / "
        "recordarme / recuerdame / mantener la sesion / no tienes ~ cuenta / "
        "no tiene ~ cuenta / continuar con google / recuperar contrasena",
        "it": "password dimenticata / dimenticato la password / ricordami / resta* connesso / "
        "non hai ~ account / non sei ~ registrato / continua con google / "
        "recupera password / riservat* agli utenti *",
        "pt": "esqueci ~ senha / esqueceu ~ senha / esqueceu ~ palavra passe / "
        "recuperar ~ senha / lembrar de mim / lembrar me / manter conectado / "
        "nao tem ~ conta / continuar com o google / recuperar palavra passe",
        "nl": "wachtwoord vergeten / onthoud mij / ingelogd blijven / aangemeld blijven / "
        "nog geen account / doorgaan met google / om deze pagina te bekijken",
        "pl": "zapomniale* hasla / nie pamietam hasla / nie pamietasz hasla / "
        "zapamietaj mnie / nie masz ~ konta / przypomnij haslo / odzyskaj haslo / "
        "kontynuuj z google / resetuj haslo",
        "ru": "забыли ~ пароль / запомнить меня / оставаться в системе / нет аккаунта / "
        "восстановить пароль / восстановление пароля / войти через / "
        "ещё не зарегистрированы",
        "ja": "パスワードを忘れ / パスワードをお忘れ / ログイン状態を保持 / アカウントをお持ちでない / 新規会員登録 / パスワードの再設定 / "
        "ログインしたままにする",
        "zh": "忘记密码 / 忘記密碼 / 记住我 / 記住我 / 找回密码 / 还没有账号 / 還沒有帳號 / 立即注册 / 立即註冊 / 自动登录 / 没有账号 / "
        "验证码登录",
        "ko": "비밀번호 찾기 / 비밀번호를 잊으셨 / 아이디 찾기 / 로그인 상태 유지 / 계정이 없으신가요 / 아이디 저장 / 회원가입 / 자동 로그인 / "
        "비밀번호 재설정",
        "ar": "نسيت كلمة المرور / هل نسيت كلمة / تذكرني / ليس لديك حساب / "
        "استعادة كلمة المرور / انشاء حساب / ابقني متصلا",
        "tr": "sifremi unuttum / sifrenizi ~ unuttunuz / parolami unuttum / "
        "parolanizi ~ unuttunuz / beni hatirla / hesabiniz yok mu / oturumumu acik tut",
        "sv": "glömt lösenord* / glömt ditt lösenord / kom ihåg mig / inget konto / "
        "har du inget konto",
        "da": "glemt adgangskode / glemt din adgangskode / husk mig / ikke en konto",
        "no": "glemt passord* / husk meg / har du ikke en konto",
        "fi": "unohditko salasanan* / unohtuiko salasana / muista minut / ei vielä tiliä",
        "cs": "zapomenuté heslo / zapomněli jste heslo / zapamatovat si mě / nemáte účet",
        "sk": "zabudnuté heslo / zabudli ste heslo / zapamätať",
        "hu": "elfelejtett jelszó / elfelejtette a jelszavát / emlékezz rám / nincs még fiókod",
        "ro": "ai uitat parola / ați uitat parola / am uitat parola / ține mă minte / nu ai cont",
        "el": "ξεχάσατε τον κωδικό * / ξέχασα τον κωδικό * / να με θυμάσαι",
        "uk": "забули пароль / запам ятати мене / немає облікового запису",
        "bg": "забравена парола / забравили сте паролата / запомни ме",
        "hr": "zaboravljena lozinka / zaboravili ste lozinku / zapamti me",
        "vi": "quên mật khẩu / ghi nhớ / chưa có tài khoản",
        "th": "ลืมรหัสผ่าน / จดจำฉัน / ยังไม่มีบัญชี",
        "id": "lupa kata sandi / lupa password / ingat saya / belum punya akun",
        "he": "שכחת* סיסמ* / שכחתי סיסמ* / זכור אותי",
        "hi": "पासवर्ड भूल / मुझे याद रखें",
        "fa": "رمز عبور خود را فراموش / فراموشی رمز / مرا به خاطر",
    },
}
