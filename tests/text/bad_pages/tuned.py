"""The same in seven languages whose fixtures were written after the recogniser's table was."""

from __future__ import annotations

from tests.text.bad_pages.wording import Consent, Login, Said, Wording

TUNED = (
    Wording(
        "en",
        login=Login(
            "Sign in | Harbour Trust",
            "Welcome back",
            "Email or member number",
            "Password",
            "Sign in",
            "Forgot your password?",
            "Please sign in to see this page.",
        ),
        challenge=Said(
            "Just a moment...",
            "Verifying you are human. This may take a few seconds.",
            "example.org needs to review the security of your connection before proceeding.",
        ),
        block=Said(
            "Access Denied",
            "Sorry, you have been blocked",
            "You do not have permission to access this server. If you believe this is a mistake, write to the site owner and quote the number below.",
        ),
        consent=Consent(
            "Before you continue",
            "We value your privacy",
            "We and our 842 partners store and access information on a device, such as cookies, for personalised ads and content. You may change your mind at any time.",
            "Accept all",
            "Manage options",
        ),
        missing=Said(
            "Page not found – Harbour Trust",
            "Sorry, we can't find that page",
            "It may have been moved, or the address was mistyped. Try a search or go back to the home page.",
        ),
        maintenance=Said(
            "Down for maintenance",
            "We'll be back soon",
            "We are performing some maintenance at the moment. Sorry for the inconvenience, and thank you for your patience.",
        ),
        error=Said(
            "We're sorry, but something went wrong",
            "Something went wrong",
            "The server could not complete your request. Please try again in a few minutes.",
        ),
    ),
    Wording(
        "de",
        login=Login(
            "Anmeldung – Kundenportal",
            "Bitte melden Sie sich an",
            "Benutzername",
            "Kennwort",
            "Anmelden",
            "Kennwort vergessen?",
            "Diese Seite ist nur für angemeldete Benutzer sichtbar.",
        ),
        challenge=Said(
            "Nur einen Moment…",
            "Bestätigen Sie, dass Sie ein Mensch sind",
            "Die Sicherheit Ihrer Verbindung wird überprüft, bevor Sie fortfahren können. Das kann einige Sekunden dauern.",
        ),
        block=Said(
            "Zugriff verweigert",
            "Ihr Zugriff wurde blockiert",
            "Unser Sicherheitssystem hat Ihre Anfrage abgelehnt. Bitte wenden Sie sich an den Betreiber und nennen Sie die Vorgangsnummer.",
        ),
        consent=Consent(
            "Willkommen",
            "Mit Werbung weiterlesen",
            "Besuchen Sie unsere Seite wie gewohnt mit Werbung und Cookies. Wir und unsere 211 Partner verarbeiten Daten mit Ihrer Einwilligung, die Sie jederzeit widerrufen können.",
            "Akzeptieren und weiter",
            "Einstellungen",
        ),
        missing=Said(
            "Seite nicht gefunden | Stadtwerke",
            "Diese Seite gibt es leider nicht",
            "Die gesuchte Seite wurde verschoben oder gelöscht. Zurück zur Startseite.",
        ),
        maintenance=Said(
            "Wartungsarbeiten",
            "Wir sind gleich wieder da",
            "Unsere Seite wird gerade gewartet. Bitte versuchen Sie es später noch einmal. Vielen Dank für Ihr Verständnis.",
        ),
        error=Said(
            "Interner Serverfehler",
            "Da ist etwas schiefgelaufen",
            "Ihre Anfrage konnte nicht verarbeitet werden. Bitte laden Sie die Seite neu oder versuchen Sie es später erneut.",
        ),
    ),
    Wording(
        "es",
        login=Login(
            "Acceso | Campus virtual",
            "Inicia sesión en tu cuenta",
            "Usuario",
            "Contraseña",
            "Entrar",
            "¿Has olvidado la contraseña?",
            "Debes iniciar sesión para ver este contenido.",
        ),
        challenge=Said(
            "Un momento…",
            "Verifica que eres un ser humano",
            "Comprobaremos la seguridad de tu conexión antes de continuar. Puede tardar unos segundos.",
        ),
        block=Said(
            "Acceso denegado",
            "Has sido bloqueado",
            "El sistema de seguridad ha rechazado tu solicitud desde esta dirección IP. Contacta con el administrador.",
        ),
        consent=Consent(
            "Tu privacidad",
            "Valoramos tu privacidad",
            "Nosotros y nuestros 730 socios usamos cookies para mostrar anuncios personalizados y medir la audiencia. Puedes retirar tu consentimiento en cualquier momento.",
            "Aceptar todo",
            "Configurar",
        ),
        missing=Said(
            "Página no encontrada - Ayuntamiento",
            "No hemos encontrado la página",
            "La página que buscas ha sido movida o eliminada. Vuelve al inicio o utiliza el buscador.",
        ),
        maintenance=Said(
            "Sitio en mantenimiento",
            "Volvemos pronto",
            "Estamos realizando tareas de mantenimiento. Disculpa las molestias e inténtalo más tarde.",
        ),
        error=Said(
            "Error interno del servidor",
            "Algo ha salido mal",
            "Se ha producido un error al procesar la petición. Inténtalo de nuevo en unos minutos.",
        ),
    ),
    Wording(
        "pt",
        login=Login(
            "Entrar - Portal do Aluno",
            "Acesse sua conta",
            "E-mail",
            "Senha",
            "Entrar",
            "Esqueceu sua senha?",
            "É necessário fazer login para continuar.",
        ),
        challenge=Said(
            "Um momento…",
            "Verifique se você é humano",
            "O site precisa analisar a segurança da sua conexão antes de continuar.",
        ),
        block=Said(
            "Acesso negado",
            "Você foi bloqueado",
            "O firewall recusou o seu pedido por motivos de segurança. Entre em contato com o responsável pelo site.",
        ),
        consent=Consent(
            "A sua privacidade",
            "Valorizamos a sua privacidade",
            "Nós e os nossos parceiros utilizamos cookies para anúncios personalizados e medição. Pode retirar o consentimento a qualquer momento.",
            "Aceitar tudo",
            "Mais opções",
        ),
        missing=Said(
            "Página não encontrada",
            "Não encontramos esta página",
            "O endereço foi digitado errado ou a página foi removida. Voltar para a página inicial.",
        ),
        maintenance=Said(
            "Em manutenção",
            "Voltamos em breve",
            "Estamos em manutenção para melhorar o serviço. Pedimos desculpa pelo incómodo.",
        ),
        error=Said(
            "Erro interno do servidor",
            "Ocorreu um erro inesperado",
            "Não foi possível concluir o pedido. Tente novamente mais tarde.",
        ),
    ),
    Wording(
        "pl",
        login=Login(
            "Logowanie – e-Urząd",
            "Zaloguj się do swojego konta",
            "Login",
            "Hasło",
            "Zaloguj",
            "Nie pamiętam hasła",
            "Aby zobaczyć tę stronę, musisz się zalogować.",
        ),
        challenge=Said(
            "Chwileczkę…",
            "Potwierdź, że jesteś człowiekiem",
            "Sprawdzamy bezpieczeństwo połączenia, zanim przejdziesz dalej. Może to potrwać kilka sekund.",
        ),
        block=Said(
            "Odmowa dostępu",
            "Dostęp został zablokowany",
            "Nie masz uprawnień do wyświetlenia tej strony. Skontaktuj się z administratorem i podaj identyfikator żądania.",
        ),
        consent=Consent(
            "Twoja prywatność",
            "Dbamy o Twoją prywatność",
            "My i nasi zaufani partnerzy używamy plików cookie do wyświetlania spersonalizowanych reklam. Zgodę możesz wycofać w dowolnym momencie.",
            "Przejdź do serwisu",
            "Ustawienia",
        ),
        missing=Said(
            "Nie znaleziono strony",
            "Nie ma takiej strony",
            "Strona, której szukasz, została przeniesiona lub usunięta. Wróć na stronę główną.",
        ),
        maintenance=Said(
            "Przerwa techniczna",
            "Wkrótce wracamy",
            "Trwają prace konserwacyjne. Przepraszamy za utrudnienia i zapraszamy później.",
        ),
        error=Said(
            "Wewnętrzny błąd serwera",
            "Coś poszło nie tak",
            "Nie udało się przetworzyć żądania. Spróbuj ponownie za kilka minut.",
        ),
    ),
    Wording(
        "ja",
        login=Login(
            "ログイン | 市立図書館",
            "ログインしてください",
            "メールアドレス",
            "パスワード",
            "ログイン",
            "パスワードをお忘れの方",
            "このページを表示するにはログインが必要です。",
        ),
        challenge=Said(
            "しばらくお待ちください...",
            "人間であることを確認しています",
            "続行する前に、接続のセキュリティを確認する必要があります。",
        ),
        block=Said(
            "アクセスが拒否されました",
            "アクセスがブロックされました",
            "セキュリティ上の理由により、お客様のリクエストは拒否されました。管理者にお問い合わせください。",
        ),
        consent=Consent(
            "プライバシー設定",
            "お客様のプライバシーを尊重します",
            "当社とパートナーは、広告を表示し利用状況を測定するためにCookieを使用します。同意はいつでも撤回できます。",
            "すべて同意する",
            "設定",
        ),
        missing=Said(
            "ページが見つかりません",
            "お探しのページは見つかりませんでした",
            "ページは移動または削除された可能性があります。トップページへ戻る。",
        ),
        maintenance=Said(
            "メンテナンスのお知らせ",
            "ただいまメンテナンス中です",
            "ご不便をおかけして申し訳ございません。しばらくしてから再度アクセスしてください。",
        ),
        error=Said(
            "サーバーエラー",
            "エラーが発生しました",
            "ただいまリクエストを処理できません。時間をおいて再度お試しください。",
        ),
    ),
    Wording(
        "zh",
        login=Login(
            "用户登录 - 学习平台",
            "请登录您的账号",
            "用户名",
            "密码",
            "登录",
            "忘记密码",
            "您需要登录后才能查看此页面。",
        ),
        challenge=Said(
            "请稍候…", "确认您是真人", "在继续之前，我们需要检查您的连接的安全性。可能需要几秒钟。"
        ),
        block=Said(
            "访问被拒绝",
            "您的访问已被拦截",
            "您的请求触发了网站的安全策略。如有疑问请联系管理员并提供事件ID。",
        ),
        consent=Consent(
            "隐私设置",
            "我们重视您的隐私",
            "我们和合作伙伴使用 Cookie 来展示个性化广告并衡量效果。您可以随时撤回同意。",
            "全部接受",
            "管理选项",
        ),
        missing=Said(
            "页面未找到", "抱歉，您访问的页面不存在", "页面可能已被删除，或输入的网址有误。返回首页"
        ),
        maintenance=Said(
            "系统维护",
            "系统正在维护中",
            "为了提供更好的服务，我们正在升级系统。给您带来的不便敬请谅解，请稍后再试。",
        ),
        error=Said(
            "服务器错误", "服务器内部错误", "服务器出错了，暂时无法处理您的请求，请稍后重试。"
        ),
    ),
)
