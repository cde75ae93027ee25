"""What sites say on a bad day, in seven languages.

Written before the recogniser's table of phrases was: what is recognised of these shows how well the
rules do with words that nobody tuned them for.
"""

from __future__ import annotations

from tests.text.bad_pages.wording import Consent, Login, Said, Wording

HELD_OUT = (
    Wording(
        "fr",
        login=Login(
            "Connexion | Espace abonnés",
            "Connectez-vous à votre compte",
            "Adresse e-mail",
            "Mot de passe",
            "Se connecter",
            "Mot de passe oublié ?",
            "Vous devez être identifié pour consulter cette page.",
        ),
        challenge=Said(
            "Un instant…",
            "Vérification de votre navigateur",
            "Confirmez que vous n'êtes pas un robot en relevant le défi ci-dessous. Le site doit "
            "vérifier la sécurité de votre connexion avant de continuer.",
        ),
        block=Said(
            "Accès refusé",
            "Désolé, vous avez été bloqué",
            "Notre système de sécurité a détecté une activité inhabituelle depuis votre adresse "
            "IP. Contactez l'administrateur du site si vous pensez qu'il s'agit d'une erreur.",
        ),
        consent=Consent(
            "Votre vie privée, votre choix",
            "Nous respectons votre vie privée",
            "Avec nos 731 partenaires, nous déposons des cookies et utilisons des identifiants non "
            "sensibles pour diffuser des publicités personnalisées et mesurer l'audience. Vous "
            "pouvez changer d'avis à tout moment.",
            "Tout accepter",
            "Continuer sans accepter",
        ),
        missing=Said(
            "Page introuvable - Mairie de Valbrune",
            "Oups ! Cette page n'existe pas",
            "La page que vous cherchez a peut-être été déplacée ou supprimée. Revenez à l'accueil "
            "ou lancez une recherche.",
        ),
        maintenance=Said(
            "Site en maintenance",
            "Nous revenons très vite",
            "Notre site est momentanément indisponible pour cause de maintenance. Merci de votre "
            "patience, nous faisons au plus vite.",
        ),
        error=Said(
            "Erreur interne du serveur",
            "Une erreur est survenue",
            "Le serveur a rencontré un problème et n'a pas pu traiter votre demande. Veuillez "
            "réessayer dans quelques minutes.",
        ),
    ),
    Wording(
        "it",
        login=Login(
            "Accedi - Area riservata",
            "Accedi all'area riservata",
            "Nome utente o e-mail",
            "Password",
            "Entra",
            "Hai dimenticato la password?",
            "Il contenuto è riservato agli utenti registrati: effettua l'accesso per continuare.",
        ),
        challenge=Said(
            "Attendere prego...",
            "Stiamo verificando che tu sia umano",
            "Completa il controllo di sicurezza per accedere al sito. L'operazione può richiedere "
            "alcuni secondi.",
        ),
        block=Said(
            "Accesso negato",
            "Il tuo accesso è stato bloccato",
            "La richiesta è stata respinta dal firewall del sito per motivi di sicurezza. Se "
            "ritieni che sia un errore scrivi all'amministratore indicando il codice sottostante.",
        ),
        consent=Consent(
            "Informativa",
            "La tua privacy è importante per noi",
            "Noi e terze parti selezionate utilizziamo cookie o tecnologie simili per finalità "
            "tecniche e, con il tuo consenso, per la pubblicità personalizzata. Puoi negare, dare "
            "o revocare il consenso in qualsiasi momento.",
            "Accetta tutti",
            "Rifiuta",
        ),
        missing=Said(
            "Pagina non trovata | Cantine Boscoverde",
            "Spiacenti, la pagina non è disponibile",
            "L'indirizzo richiesto non esiste o è stato rimosso. Torna alla home page oppure usa "
            "il menu in alto.",
        ),
        maintenance=Said(
            "Sito in manutenzione",
            "Torniamo presto online",
            "Stiamo effettuando alcuni lavori di aggiornamento. Il servizio sarà di nuovo "
            "disponibile tra poco, ci scusiamo per il disagio.",
        ),
        error=Said(
            "Errore del server",
            "Si è verificato un errore imprevisto",
            "Il servizio non è al momento in grado di rispondere. Riprova più tardi o contatta "
            "l'assistenza se il problema persiste.",
        ),
    ),
    Wording(
        "nl",
        login=Login(
            "Inloggen - Mijn Waterland",
            "Log in op uw account",
            "Gebruikersnaam",
            "Wachtwoord",
            "Inloggen",
            "Wachtwoord vergeten?",
            "U moet ingelogd zijn om deze pagina te bekijken.",
        ),
        challenge=Said(
            "Een ogenblik geduld...",
            "Controleren of u een mens bent",
            "Voordat u verder kunt, controleren wij de beveiliging van uw verbinding. Vink het "
            "vakje aan om te laten zien dat u geen robot bent.",
        ),
        block=Said(
            "Toegang geweigerd",
            "Sorry, u bent geblokkeerd",
            "U hebt geen toestemming om deze website te bekijken. Ons beveiligingssysteem heeft "
            "uw verzoek tegengehouden.",
        ),
        consent=Consent(
            "Uw privacy-instellingen",
            "Wij waarderen uw privacy",
            "Deze website en onze 614 partners plaatsen cookies om advertenties af te stemmen op "
            "uw interesses en het gebruik te meten. Maak hieronder uw keuze.",
            "Alles accepteren",
            "Alles weigeren",
        ),
        missing=Said(
            "Pagina niet gevonden - Fietsclub De Ketting",
            "Deze pagina bestaat niet (meer)",
            "Helaas, de pagina die u zoekt is verplaatst of verwijderd. Ga terug naar de homepage "
            "of gebruik de zoekfunctie.",
        ),
        maintenance=Said(
            "Onderhoud",
            "We zijn zo weer terug",
            "Op dit moment voeren wij onderhoud uit aan de website. Probeer het later nog eens. "
            "Onze excuses voor het ongemak.",
        ),
        error=Said(
            "Er is iets misgegaan",
            "Interne serverfout",
            "Door een technische storing kunnen wij uw aanvraag niet verwerken. Probeer het over "
            "enkele minuten opnieuw.",
        ),
    ),
    Wording(
        "ru",
        login=Login(
            "Вход в личный кабинет",
            "Войдите в систему",
            "Логин или электронная почта",
            "Пароль",
            "Войти",
            "Забыли пароль?",
            "Для просмотра этой страницы необходимо авторизоваться.",
        ),
        challenge=Said(
            "Ой!",
            "Подтвердите, что запросы отправляли вы, а не робот",
            "Нам очень жаль, но запросы с вашего устройства похожи на автоматические. Отметьте "
            "флажок, чтобы продолжить работу с сайтом.",
        ),
        block=Said(
            "Доступ запрещён",
            "Доступ к ресурсу ограничен",
            "Ваш запрос был заблокирован системой защиты сайта. Если вы считаете, что это ошибка, "
            "обратитесь к администратору и сообщите идентификатор запроса.",
        ),
        consent=Consent(
            "Настройки конфиденциальности",
            "Мы заботимся о вашей конфиденциальности",
            "Мы и наши партнёры используем файлы cookie, чтобы показывать персонализированную "
            "рекламу и анализировать посещаемость. Выберите, на что вы согласны.",
            "Принять все",
            "Отклонить",
        ),
        missing=Said(
            "Страница не найдена — Музей озёрного края",
            "Такой страницы нет",
            "Возможно, она была удалена или вы ошиблись в адресе. Вернитесь на главную или "
            "воспользуйтесь поиском.",
        ),
        maintenance=Said(
            "Технические работы",
            "Сайт временно недоступен",
            "На сайте проводятся технические работы. Мы скоро вернёмся, приносим извинения за "
            "неудобства.",
        ),
        error=Said(
            "Внутренняя ошибка сервера",
            "Что-то пошло не так",
            "При обработке вашего запроса произошла ошибка. Попробуйте обновить страницу или "
            "зайдите позже.",
        ),
    ),
    Wording(
        "ko",
        login=Login(
            "로그인 | 누리도서관",
            "로그인이 필요합니다",
            "아이디",
            "비밀번호",
            "로그인",
            "비밀번호 찾기",
            "회원만 이용할 수 있는 서비스입니다. 로그인 후 이용해 주세요.",
        ),
        challenge=Said(
            "잠시만 기다려 주십시오…",
            "사람인지 확인하는 중입니다",
            "계속하려면 아래의 보안 확인을 완료하십시오. 자동화된 접속이 아님을 확인해야 합니다.",
        ),
        block=Said(
            "접근이 차단되었습니다",
            "요청하신 페이지에 접근할 수 없습니다",
            "보안 정책에 따라 귀하의 접속이 차단되었습니다. 문의 사항이 있으면 관리자에게 "
            "연락하시기 바랍니다.",
        ),
        consent=Consent(
            "쿠키 설정",
            "개인정보 보호를 소중히 여깁니다",
            "당사와 파트너는 맞춤형 광고 제공과 이용 분석을 위해 쿠키를 사용합니다. 계속하려면 "
            "쿠키 사용에 동의해 주세요.",
            "모두 동의",
            "거부",
        ),
        missing=Said(
            "페이지를 찾을 수 없습니다",
            "요청하신 페이지를 찾을 수 없습니다",
            "주소가 잘못 입력되었거나 페이지가 삭제되었을 수 있습니다. 홈으로 돌아가거나 검색을 "
            "이용해 주세요.",
        ),
        maintenance=Said(
            "서비스 점검 안내",
            "시스템 점검 중입니다",
            "보다 나은 서비스를 위해 점검을 진행하고 있습니다. 이용에 불편을 드려 죄송합니다. "
            "잠시 후 다시 접속해 주세요.",
        ),
        error=Said(
            "서버 오류",
            "일시적인 오류가 발생했습니다",
            "요청을 처리하는 중에 문제가 발생했습니다. 잠시 후 다시 시도해 주세요.",
        ),
    ),
    Wording(
        "ar",
        login=Login(
            "تسجيل الدخول - بوابة المعرفة",
            "تسجيل الدخول إلى حسابك",
            "البريد الإلكتروني",
            "كلمة المرور",
            "دخول",
            "نسيت كلمة المرور؟",
            "يجب عليك تسجيل الدخول لعرض هذه الصفحة.",
        ),
        challenge=Said(
            "لحظة من فضلك...",
            "جارٍ التحقق من أنك إنسان",
            "يجب التحقق من أمان اتصالك قبل المتابعة. أكمل التحدي أدناه لإثبات أنك لست روبوتًا.",
        ),
        block=Said(
            "تم رفض الوصول",
            "عذرًا، لقد تم حظرك",
            "ليس لديك إذن للوصول إلى هذا الموقع. إذا كنت تعتقد أن هذا خطأ فاتصل بمسؤول الموقع.",
        ),
        consent=Consent(
            "إعدادات الخصوصية",
            "نحن نهتم بخصوصيتك",
            "نستخدم نحن وشركاؤنا ملفات تعريف الارتباط لعرض إعلانات مخصصة وقياس الأداء. يمكنك "
            "تغيير اختياراتك في أي وقت.",
            "قبول الكل",
            "رفض الكل",
        ),
        missing=Said(
            "الصفحة غير موجودة",
            "عذرًا، لم نتمكن من العثور على الصفحة",
            "ربما تم نقل الصفحة التي تبحث عنها أو حذفها. عد إلى الصفحة الرئيسية أو استخدم البحث.",
        ),
        maintenance=Said(
            "الموقع تحت الصيانة",
            "سنعود قريبًا",
            "نقوم حاليًا ببعض أعمال الصيانة لتحسين خدماتنا. نعتذر عن الإزعاج ونشكركم على صبركم.",
        ),
        error=Said(
            "خطأ في الخادم",
            "حدث خطأ ما",
            "تعذر على الخادم معالجة طلبك. يرجى المحاولة مرة أخرى لاحقًا.",
        ),
    ),
    Wording(
        "tr",
        login=Login(
            "Giriş Yap - Üye Paneli",
            "Hesabınıza giriş yapın",
            "Kullanıcı adı",
            "Şifre",
            "Giriş yap",
            "Şifremi unuttum",
            "Bu içeriği görmek için oturum açmanız gerekiyor.",
        ),
        challenge=Said(
            "Bir dakika lütfen...",
            "İnsan olduğunuz doğrulanıyor",
            "Devam etmeden önce bağlantınızın güvenliğini kontrol etmemiz gerekiyor. Robot "
            "olmadığınızı doğrulamak için kutuyu işaretleyin.",
        ),
        block=Said(
            "Erişim Engellendi",
            "Bu siteye erişiminiz engellendi",
            "İsteğiniz güvenlik duvarı tarafından reddedildi. Bunun bir hata olduğunu "
            "düşünüyorsanız site yöneticisiyle iletişime geçin.",
        ),
        consent=Consent(
            "Gizlilik tercihleri",
            "Gizliliğinize önem veriyoruz",
            "Biz ve iş ortaklarımız, kişiselleştirilmiş reklamlar göstermek ve trafiği ölçmek için "
            "çerezler kullanıyoruz. Tercihinizi istediğiniz zaman değiştirebilirsiniz.",
            "Tümünü kabul et",
            "Reddet",
        ),
        missing=Said(
            "Sayfa bulunamadı",
            "Aradığınız sayfa bulunamadı",
            "Sayfa kaldırılmış, adı değiştirilmiş ya da geçici olarak kullanılamıyor olabilir. Ana "
            "sayfaya dönün veya arama yapın.",
        ),
        maintenance=Said(
            "Bakım Çalışması",
            "Kısa süre sonra geri döneceğiz",
            "Sitemiz şu anda bakım nedeniyle hizmet verememektedir. Anlayışınız için teşekkür "
            "ederiz.",
        ),
        error=Said(
            "Sunucu hatası",
            "Bir şeyler ters gitti",
            "İsteğiniz işlenirken beklenmeyen bir hata oluştu. Lütfen daha sonra tekrar deneyin.",
        ),
    ),
)
