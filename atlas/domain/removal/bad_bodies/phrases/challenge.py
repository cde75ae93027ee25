"""What pages say that want to see a human first. Data; the notation is `bad_bodies/words.py`'s."""

from __future__ import annotations

from typing import Final

PHRASES: Final[dict[str, dict[str, str]]] = {
    "head": {
        "en": "just a moment / verify you are human / verify that you are human / "
        "verify you re human / are you human / are you a robot / are you a human / "
        "prove you re human / prove you are human / prove you re not a robot / "
        "confirm you are human / human verification / security check / "
        "bot verification / checking your browser / making sure you re not a bot / "
        "making sure you re human / robot check / bot check / captcha challenge / "
        "please complete the security check / complete the "
        "one more step / press ~ hold / pardon our interruption / unusual traffic / "
        "please verify you are a human / browser check / "
        "checking if the site connection is secure / verifying you are human / "
        "verifying your browser / ddos protection by * / security verification / "
        "let s confirm you are human / vercel security checkpoint / client challenge / "
        "verifying your connection / not a bot / not a robot / making sure * bot",
        "de": "nur einen moment / einen moment bitte / bestatigen sie dass sie * mensch sind / "
        "mensch ~ bestatigen / sind sie ein mensch / sind sie ein roboter / "
        "uberprufung ihres browsers / ihr browser wird * / browser wird uberpruft / "
        "sicherheitsuberpruf* / sicherheitscheck / kein* robot* / roboterprufung / "
        "ungewohnlicher datenverkehr / ob sie ~ mensch sind / kein bot / "
        "keine maschine / dass du kein * / dein browser ~ geprüft / browser wird geprüft",
        "fr": "un instant / un moment s il vous plait / verifie* que vous etes * humain* / "
        "verification que vous etes * / etes vous un robot / etes vous * humain / "
        "verification de votre navigateur / verification de securite / "
        "controle de securite / pas un robot / verification humaine / "
        "trafic inhabituel / trafic exceptionnel / pas un bot / que vous n êtes pas *",
        "es": "un momento / verifi* que eres * humano / verifi* que es * humano / "
        "eres ~ humano / eres un robot / es usted un robot / comprobando su navegador / "
        "comprobando tu navegador / verificando su navegador / "
        "comprobacion de seguridad / verificacion de seguridad / control de seguridad / "
        "no soy un robot / no eres un robot / verificacion humana / "
        "trafico inusual / no eres un bot / no es un bot / no seas un bot",
        "it": "un attimo / un momento / verifica* di essere * / verifica che tu sia * / "
        "verificando ~ uman* / sei un robot / sei umano / verifica del browser / "
        "controllo del browser / controllo di sicurezza / verifica di sicurezza / "
        "non sono un robot / non sei un robot / traffico insolito / "
        "traffico anomalo / attendere prego / non sei un bot / che tu non sia *",
        "pt": "um momento / so um momento / verifi* se ~ e humano / verifi* que ~ e humano / "
        "confirme que ~ humano / voce e ~ robo / voce e humano / "
        "verificando seu navegador / a verificar o seu navegador / "
        "verificacao de seguranca / nao sou um robo / nao e um robo / "
        "verificacao humana / trafego incomum / não é um bot / não ser um bot",
        "nl": "een ogenblik geduld / een moment geduld / even geduld / "
        "bevestig dat u ~ mens bent / verifieer dat u ~ mens / ben je een robot / "
        "bent u een robot / bent u een mens / controleren ~ mens bent / "
        "uw browser ~ gecontroleerd / browser controleren / beveiligingscontrole / "
        "veiligheidscontrole / geen robot / ongebruikelijk verkeer / "
        "geen bot / een bot bent",
        "pl": "chwileczke / jedna chwila / prosze czekac / potwierdz ze jestes * / "
        "zweryfikuj ze jestes * / czy jestes robotem / czy jestes czlowiekiem / "
        "sprawdzanie ~ przegladarki / sprawdzamy ~ przegladarke / "
        "weryfikacja bezpieczenstwa / kontrola bezpieczenstwa / nie jestem robotem / "
        "nie jestes robotem / weryfikacja ~ czlowiek* / nietypowy ruch / "
        "nie jesteś botem / czy nie jesteś *",
        "ru": "один момент / одну минуту / минутку / подтвердите что вы ~ / вы не робот / "
        "вы робот / вы человек / я не робот / проверка браузера / проверяем ~ браузер / "
        "проверка безопасности / проверка подключения / капча / "
        "необычный трафик / что вы ~ человек / защита от роботов / "
        "проверка что вы не робот / вы не бот / не бот",
        "ja": "しばらくお待ちください / 少々お待ちください / 人間であることを確認 / あなたが人間である / ロボットではありません / ロボットではないこと / "
        "ロボットでないこと / ブラウザを確認 / ブラウザーを確認 / セキュリティチェック / セキュリティ確認 / 画像認証 / "
        "通常と異なるトラフィック / ボットでないこと / ボットではないこと / ボットではありません",
        "zh": "请稍候 / 請稍候 / 请稍等 / 請稍等 / 确认您是真人 / 確認您是真人 / 验证您是真人 / 驗證您是真人 / 验证你是 / 您是真人 / "
        "不是机器人 / 不是機器人 / 人机验证 / 人機驗證 / 安全验证 / 安全驗證 / 安全检查 / 安全檢查 / 正在检查您的浏览器 / 正在检查 / "
        "正在验证 / 滑动验证 / 拖动滑块 / 验证码 / 異常流量 / 异常流量",
        "ko": "잠시만 기다려 / 잠시만요 / 사람인지 확인 / 사람임을 확인 / 로봇이 아닙니다 / 로봇이 아님 / 로봇이 아닌지 / 브라우저를 확인 / "
        "브라우저 확인 / 보안 확인 / 보안 검사 / 자동입력 방지 / 캡차 / 비정상적인 트래픽 / 봇이 아닌 / 봇이 아님",
        "ar": "لحظة من فضلك / لحظة واحدة / تحقق من انك انسان / التحقق من انك * / انك انسان / "
        "انك لست روبوت / لست روبوتا / لست برنامج روبوت / فحص المتصفح / "
        "التحقق من متصفحك / التحقق الامني / فحص الامان / حركة مرور غير * / اثبات انك / "
        "لست روبوت",
        "tr": "bir dakika / bir saniye / lutfen bekleyin / insan oldugunuz* / "
        "robot olmadigin* / robot degilim / robot musunuz / tarayiciniz kontrol * / "
        "tarayiciniz ~ denetleniyor / guvenlik kontrolu / guvenlik dogrulamasi / "
        "guvenlik denetimi / olagan disi trafik / insan misiniz / "
        "bot olmadığınız*",
        "sv": "ett ögonblick / inte är en robot / inte är en bot / inte en robot / "
        "verifiera att du är * / säkerhetskontroll / kontrollerar din webbläsare / "
        "är du en människa / bekräfta att du är *",
        "da": "et øjeblik / ikke er en robot / ikke en robot / bekræft at du er * / "
        "sikkerhedstjek / kontrollerer din browser / er du et menneske",
        "no": "et øyeblikk / vent litt / ikke er en robot / ikke er en bot / ikke er bot / "
        "ikkje er bot / bekreft at du er * / sikkerhetskontroll / sjekker nettleseren",
        "fi": "hetkinen / ettet ole robotti / et ole robotti / vahvista että olet ihminen / "
        "turvatarkistus / selaintasi tarkistetaan",
        "cs": "okamžik prosím / nejste robot / ověřte že jste člověk / bezpečnostní kontrola / "
        "kontrola prohlížeče / kontrolujeme váš prohlížeč / že jste člověk",
        "sk": "okamih prosím / nie ste robot / overte že ste človek / bezpečnostná kontrola / "
        "že ste človek",
        "hu": "egy pillanat / nem robot / ellenőrizze hogy ember / biztonsági ellenőrzés / "
        "böngésző ellenőrzése / hogy ön ember",
        "ro": "un moment / nu sunteți robot / nu ești robot / verificați că sunteți om / "
        "verificare de securitate / verificăm browserul",
        "el": "μια στιγμή / δεν είστε ρομπότ / επαληθεύστε ότι είστε άνθρωπος / "
        "έλεγχος ασφαλείας / είστε άνθρωπος",
        "uk": "зачекайте / хвилинку / ви не робот / ви не бот / підтвердіть що ви * / "
        "перевірка безпеки / перевірка браузера / що ви людина",
        "bg": "момент / не сте робот / не си бот / потвърдете че сте човек / "
        "проверка за сигурност / че сте човек",
        "hr": "samo trenutak / niste robot / niste bot / potvrdite da ste čovjek / "
        "sigurnosna provjera",
        "vi": "vui lòng đợi / xác minh bạn là con người / không phải là robot / "
        "không phải là bot / kiểm tra bảo mật / xác minh bảo mật",
        "th": "โปรดรอสักครู่ / ยืนยันว่าคุณเป็นมนุษย์ / ไม่ใช่หุ่นยนต์ / ไม่ใช่บอท / "
        "ตรวจสอบความปลอดภัย / ไม่ใช่โปรแกรมอัตโนมัติ",
        "id": "tunggu sebentar / verifikasi bahwa anda manusia / bukan robot / bukan bot / "
        "pemeriksaan keamanan",
        "he": "רק רגע / אינך רובוט / לא רובוט / אמת שאתה אנושי / בדיקת אבטחה",
        "hi": "एक क्षण / सत्यापित करें कि आप मानव / रोबोट नहीं / सुरक्षा जाँच / सुरक्षा जांच",
        "fa": "یک لحظه / ربات نیستید / تایید کنید که انسان / بررسی امنیتی / انسان هستید",
    },
    "weak": {
        "en": "captcha / please wait / attention required / access to this page / loading / security / "
        "verification / verifying / one moment please / redirecting / checking / bot / "
        "robot",
        "de": "bitte warten / sicherheit / uberprufung / achtung",
        "fr": "veuillez patienter / securite / verification / attention",
        "es": "espere por favor / por favor espere / seguridad / verificacion",
        "it": "attendere / sicurezza / verifica",
        "pt": "aguarde / por favor aguarde / seguranca / verificacao",
        "nl": "geduld / beveiliging / verificatie / controle",
        "pl": "czekaj / bezpieczenstwo / weryfikacja",
        "ru": "подождите / пожалуйста подождите / проверка / безопасность / ой",
        "ja": "お待ちください / 確認 / セキュリティ",
        "zh": "验证 / 驗證 / 安全 / 稍候",
        "ko": "확인 / 보안 / 기다려",
        "ar": "انتظر / يرجى الانتظار / الامان / التحقق",
        "tr": "bekleyin / dogrulama / guvenlik",
        "sv": "vänta / robot / kontroll",
        "da": "vent / robot",
        "no": "vent / robot",
        "fi": "odota / robotti",
        "cs": "čekejte / robot",
        "sk": "čakajte",
        "hu": "várjon / robot",
        "ro": "așteptați / robot",
        "el": "περιμένετε",
        "uk": "перевірка / робот",
        "bg": "изчакайте / бот",
        "hr": "pričekajte / robot",
        "vi": "đợi / bot",
        "th": "รอ / บอท",
        "id": "tunggu",
        "he": "המתן",
        "hi": "प्रतीक्षा",
        "fa": "صبر کنید",
    },
    "body": {
        "en": "ray id / enable javascript and cookies / please enable javascript / "
        "enable cookies / review the security of your connection / not a robot / "
        "not a bot / you are not a robot / you re not a robot / automated requests / "
        "automated traffic / automated access / complete the challenge / "
        "solve the challenge / solve ~ before proceeding / "
        "before you proceed / this process is automatic / redirected ~ automatically / "
        "may take a few seconds / requires javascript / to continue please / "
        "needs to review the security / protect * against * scraping / proof of work / "
        "bots",
        "de": "javascript und cookies / aktivieren sie javascript / aktivieren sie cookies / "
        "sicherheit ihrer verbindung / automatisierte anfragen / "
        "automatisch weitergeleitet / bevor sie fortfahren / einige sekunden dauern / "
        "kein bot / keine maschine",
        "fr": "activez javascript / activer javascript / activer les cookies / "
        "securite de votre connexion / requetes automati* / quelques secondes / "
        "avant de continuer / redirige ~ automatiquement / relev* le defi",
        "es": "habilit* javascript / active javascript / activ* las cookies / "
        "seguridad de su conexion / seguridad de tu conexion / unos segundos / "
        "antes de continuar / solicitudes automat* / redirigid* automaticamente / desafio",
        "it": "abilita* javascript / attiva* javascript / attiva* i cookie / "
        "sicurezza della connessione / alcuni secondi / prima di proseguire / "
        "prima di continuare / richieste automat* / per proseguire",
        "pt": "habilite o javascript / ative o javascript / ativar javascript / "
        "seguranca da sua conexao / seguranca da sua ligacao / alguns segundos / "
        "antes de continuar / solicitacoes automat* / pedidos automat*",
        "nl": "schakel javascript in / javascript en cookies / beveiliging van uw verbinding / "
        "enkele seconden / voordat u verder / geautomatiseerde verzoeken / "
        "automatisch doorgestuurd",
        "pl": "wlacz javascript / wlacz obsluge / obsluge plikow cookie / "
        "bezpieczenstwo polaczenia / kilka sekund / zanim przejdziesz / "
        "automatyczne zapytania / automatycznie przekierowan*",
        "ru": "включите javascript / включить javascript / безопасность ~ подключения / "
        "безопасность ~ соединения / несколько секунд / чтобы продолжить / "
        "автоматические запросы / похожи на автоматические / автоматически перенаправ*",
        "ja": "javascript と cookie を有効 / javascriptを有効 / 接続の安全性 / 接続のセキュリティ / 数秒かかる / 続行する前に / "
        "自動的に / 自動化された",
        "zh": "启用 javascript / 启用javascript / 啟用 javascript / 连接的安全性 / 連線的安全性 / 几秒钟 / 几秒 / "
        "幾秒 / 继续之前 / 自动跳转 / 自動跳轉 / 自动化 / 完成验证 / 完成以下",
        "ko": "자바스크립트를 활성 / javascript를 / 연결의 보안 / 연결 보안 / 몇 초 / 계속하려면 / 자동화된 / 자동으로 이동",
        "ar": "تمكين جافا / تفعيل جافا / امان اتصالك / بضع ثوان / قبل المتابعة / "
        "طلبات الية / اكمل التحدي",
        "tr": "javascript ~ etkinlestirin / cerezleri etkinlestirin / "
        "baglantinizin guvenligi* / birkac saniye / devam etmeden once / "
        "otomatik istek* / otomatik olarak yonlendiril*",
        "sv": "automatiserad* / säkerhet* / anslutning*",
        "da": "automatisk* / forbindelse*",
        "no": "automatisert* / tilkobling*",
        "fi": "automatisoi* / yhteytesi turvallisuus",
        "cs": "automatick* / zabezpečení * připojení",
        "sk": "automatick* / zabezpečenie",
        "hu": "automatizált / kapcsolat* biztonság*",
        "ro": "automat* / securitatea conexiunii",
        "el": "αυτόματ* / ασφάλεια",
        "uk": "автоматичн* / безпеку",
        "bg": "автоматич* / сигурността",
        "hr": "automatsk* / sigurnost",
        "vi": "tự động / bảo mật của kết nối",
        "th": "อัตโนมัติ / ความปลอดภัย",
        "id": "otomatis / keamanan koneksi",
        "he": "אוטומטי* / אבטחת",
        "hi": "जावास्क्रिप्ट / कनेक्शन",
        "fa": "جاوا اسکریپت / خودکار / امنیت اتصال",
    },
}
