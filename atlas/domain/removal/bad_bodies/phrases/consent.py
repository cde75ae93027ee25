"""What pages say that want consent to cookies first. Data, in the notation of
`bad_bodies/words.py`."""

from __future__ import annotations

from typing import Final

PHRASES: Final[dict[str, dict[str, str]]] = {
    "head": {
        "en": "before you continue / we value your privacy / your privacy matters / "
        "your privacy is important * / we care about your privacy / "
        "your privacy choices / we respect your privacy / cookie consent / "
        "cookies consent / accept cookies / your data your choice / we use cookies / "
        "this site uses cookies / this website uses cookies / consent required / "
        "manage your consent / continue with ads / continue with advertising / "
        "accept and continue / your consent / your cookie choices / "
        "help us ~ with your consent",
        "de": "bevor sie * fortfahren / bevor sie weiter* / bevor du fortfahrst / "
        "ihre privatsphare / deine privatsphare / wir schatzen ihre privatsphare / "
        "wir respektieren ihre privatsphare / wir benotigen ihre zustimmung / "
        "zustimmung erforderlich / ihre einwilligung / mit werbung weiterlesen / "
        "weiter mit werbung / mit werbung / wir verwenden cookies / wir nutzen cookies / "
        "diese website verwendet cookies / ihre zustimmung / ihre datenschutz auswahl / "
        "willkommen bei * / cookie einstellungen / cookie zustimmung",
        "fr": "avant de continuer / votre vie privee / respect* ~ vie privee / "
        "respect de votre vie privee / votre consentement / gestion des cookies / "
        "nous utilisons des cookies / ce site utilise des cookies / "
        "vos choix ~ cookies / continuer avec publicite / vos donnees / "
        "consentement requis",
        "es": "antes de continuar / tu privacidad / su privacidad / valoramos ~ privacidad / "
        "respetamos ~ privacidad / nos importa ~ privacidad / tu consentimiento / "
        "su consentimiento / utilizamos cookies / usamos cookies / "
        "este sitio utiliza cookies / este sitio web utiliza cookies / "
        "configuracion de cookies / continuar con publicidad",
        "it": "prima di continuare / la tua privacy / rispettiamo ~ privacy / "
        "teniamo alla tua privacy / il tuo consenso / utilizziamo i cookie / "
        "usiamo i cookie / questo sito utilizza * cookie / preferenze sui cookie / "
        "consenso ai cookie / continua con la pubblicita",
        "pt": "antes de continuar / a sua privacidade / sua privacidade / "
        "valorizamos ~ privacidade / respeitamos ~ privacidade / seu consentimento / "
        "o seu consentimento / utilizamos cookies / usamos cookies / "
        "este site utiliza cookies / este site usa cookies / definicoes de cookies / "
        "preferencias de cookies",
        "nl": "voordat je verdergaat / voordat u verdergaat / voordat u doorgaat / "
        "uw privacy / jouw privacy / je privacy / wij respecteren uw privacy / "
        "wij waarderen ~ privacy / wij gebruiken cookies / we gebruiken cookies / "
        "deze website gebruikt cookies / toestemming voor cookies / "
        "cookie instellingen / cookievoorkeuren / uw toestemming",
        "pl": "zanim przejdziesz / zanim przejdziemy / twoja prywatnosc / "
        "cenimy ~ prywatnosc / szanujemy ~ prywatnosc / dbamy o ~ prywatnosc / "
        "twoja zgoda / uzywamy plikow cookie* / wykorzystujemy pliki cookie* / "
        "ta strona uzywa * cookie* / ustawienia plikow cookie / zgoda na pliki cookie / "
        "ta witryna ~ plikow cookie",
        "ru": "прежде чем продолжить / ваша конфиденциальность / вашей конфиденциальност* / "
        "ценим вашу конфиденциальность / ваше согласие / мы используем файлы cookie / "
        "мы используем cookie / мы используем куки / сайт использует ~ cookie / "
        "настройки cookie / настройки файлов cookie / согласие на использование",
        "ja": "続行する前に / 続ける前に / プライバシーを尊重 / プライバシーを大切に / お客様のプライバシー / cookieの同意 / クッキーの同意 / "
        "cookieを使用しています / クッキーを使用しています / cookie を使用しています / 同意が必要 / cookieの使用 / クッキーの使用 / "
        "cookie設定 / プライバシー設定",
        "zh": "在您继续之前 / 继续之前 / 繼續前 / 重视您的隐私 / 重視您的隱私 / 尊重您的隐私 / 尊重您的隱私 / 您的隐私 / 您的隱私 / 您的同意 / "
        "我们使用cookie / 我们使用 cookie / 我們使用cookie / 我們使用 cookie / 本网站使用 / 本網站使用 / "
        "cookie设置 / cookie 設定 / cookie 设置 / 同意使用",
        "ko": "계속하기 전에 / 개인정보를 소중 / 개인정보 보호를 소중 / 개인 정보를 소중 / 귀하의 동의 / 쿠키를 사용합니다 / 쿠키를 사용하고 / "
        "쿠키 동의 / 쿠키 설정 / 쿠키 사용에 / 동의가 필요",
        "ar": "قبل المتابعة / نقدر خصوصيتك / نحترم خصوصيتك / نهتم بخصوصيتك / خصوصيتك / "
        "موافقتك / نستخدم ملفات تعريف الارتباط / يستخدم هذا الموقع / "
        "اعدادات ملفات تعريف الارتباط",
        "tr": "devam etmeden once / gizliliginiz* / gizliliginize ~ / onayiniz / "
        "cerez kullaniyoruz / cerezleri kullaniyoruz / bu site cerez* / "
        "bu web sitesi cerez* / cerez tercih* / cerez ayarlari / rizaniz",
        "sv": "innan du fortsätter / vi värnar om din integritet / din integritet / "
        "vi använder cookies / vi använder kakor / ditt samtycke / cookieinställningar",
        "da": "før du fortsætter / vi værner om dit privatliv / dit privatliv / "
        "vi bruger cookies / dit samtykke / cookieindstillinger",
        "no": "før du fortsetter / ditt personvern / vi bryr oss om personvernet * / "
        "vi bruker informasjonskapsler / vi bruker cookies / ditt samtykke",
        "fi": "ennen kuin jatkat / yksityisyytesi / arvostamme yksityisyyttäsi / "
        "käytämme evästeitä / suostumuksesi / evästeasetukset",
        "cs": "než budete pokračovat / vaše soukromí / vážíme si vašeho soukromí / "
        "používáme cookies / používáme soubory cookie / váš souhlas / nastavení cookies",
        "sk": "skôr než budete pokračovať / vaše súkromie / vážime si vaše súkromie / "
        "používame cookies / používame súbory cookie / váš súhlas",
        "hu": "mielőtt továbblép* / az ön adatvédelme / fontos számunkra * / "
        "sütiket használunk / cookie kat használunk / hozzájárulása* / süti beállítások",
        "ro": "înainte de a continua / confidențialitatea dvs * / confidențialitatea ta / "
        "ne pasă de confidențialitatea * / folosim cookie uri / utilizăm cookie uri / "
        "consimțământul",
        "el": "πριν συνεχίσετε / το απόρρητό σας / σεβόμαστε την ιδιωτικότητά * / "
        "χρησιμοποιούμε cookies / η συγκατάθεσή σας",
        "uk": "перш ніж продовжити / ваша конфіденційність / "
        "ми цінуємо вашу конфіденційність / ми використовуємо файли cookie / "
        "ми використовуємо cookie / ваша згода",
        "bg": "преди да продължите / вашата поверителност / ценим вашата поверителност / "
        "използваме бисквитки / вашето съгласие",
        "hr": "prije nego što nastavite / vaša privatnost / cijenimo vašu privatnost / "
        "koristimo kolačiće / vaša privola",
        "vi": "trước khi tiếp tục / quyền riêng tư của bạn / chúng tôi sử dụng cookie / "
        "sự đồng ý của bạn",
        "th": "ก่อนดำเนินการต่อ / ความเป็นส่วนตัวของคุณ / เราใช้คุกกี้ / ความยินยอมของคุณ",
        "id": "sebelum melanjutkan / privasi anda / kami menghargai privasi * / "
        "kami menggunakan cookie / persetujuan anda",
        "he": "לפני שתמשיך / הפרטיות שלך / אנו משתמשים בעוגיות / אנחנו משתמשים בעוגיות / הסכמתך",
        "hi": "जारी रखने से पहले / आपकी गोपनीयता / हम कुकी / आपकी सहमति",
        "fa": "قبل از ادامه / حریم خصوصی شما / ما از کوکی / رضایت شما",
    },
    "weak": {
        "en": "privacy / cookies / consent / privacy settings / privacy preferences / "
        "cookie settings / cookie preferences / welcome / your choice",
        "de": "datenschutz / cookies / einwilligung / privatsphare einstellungen / "
        "datenschutzeinstellungen / herzlich willkommen",
        "fr": "confidentialite / cookies / consentement / vie privee / bienvenue",
        "es": "privacidad / cookies / consentimiento / preferencias de privacidad",
        "it": "privacy / cookie / consenso / informativa / preferenze privacy",
        "pt": "privacidade / cookies / consentimento / preferencias de privacidade",
        "nl": "privacy / cookies / toestemming / privacy instellingen / privacyinstellingen / "
        "privacyvoorkeuren",
        "pl": "prywatnosc / pliki cookie / ciasteczka / zgoda / ustawienia prywatnosci",
        "ru": "конфиденциальность / cookie / куки / согласие / настройки конфиденциальности",
        "ja": "プライバシー / クッキー / cookie / 同意",
        "zh": "隐私 / 隱私 / cookie / 同意 / 隐私设置 / 隱私設定",
        "ko": "개인정보 / 쿠키 / 동의 / 개인정보 설정",
        "ar": "الخصوصية / ملفات تعريف الارتباط / اعدادات الخصوصية / الموافقة",
        "tr": "gizlilik / cerezler / cerez / gizlilik ayarlari / gizlilik tercihleri",
        "sv": "integritet / cookies / samtycke",
        "da": "privatliv / cookies / samtykke",
        "no": "personvern / informasjonskapsler",
        "fi": "yksityisyys / evästeet",
        "cs": "soukromí / cookies",
        "sk": "súkromie / cookies",
        "hu": "adatvédelem / sütik",
        "ro": "confidențialitate / cookie uri",
        "el": "απόρρητο / cookies",
        "uk": "конфіденційність",
        "bg": "поверителност / бисквитки",
        "hr": "privatnost / kolačići",
        "vi": "quyền riêng tư",
        "th": "ความเป็นส่วนตัว / คุกกี้",
        "id": "privasi",
        "he": "פרטיות / עוגיות",
        "hi": "गोपनीयता / कुकी",
        "fa": "حریم خصوصی / کوکی ها",
    },
    "body": {
        "en": "our partners / our * partners / we and our * / store and or access / "
        "personali?ed ad* / personalized content / with your consent / "
        "withdraw ~ consent / cookies ~ to * / use cookies / legitimate interest / "
        "similar technologies",
        "de": "unsere partner / unsere * partner / wir und unsere * / "
        "personalisierte anzeigen / personalisierte werbung / einwilligung / "
        "cookies und ~ / jederzeit widerrufen / berechtigtes interesse",
        "fr": "nos partenaires / nos * partenaires / publicites personnalisees / "
        "publicite personnalisee / deposons des cookies / consentement / a tout moment / "
        "cookies ~ pour",
        "es": "nuestros socios / nuestros * socios / anuncios personalizados / "
        "publicidad personalizada / consentimiento / cookies ~ para / "
        "en cualquier momento / tecnologias similares",
        "it": "i nostri partner / nostri * partner / terze parti selezionate / "
        "pubblicita personalizzata / annunci personalizzati / consenso / "
        "in qualsiasi momento / cookie ~ tecnologie",
        "pt": "nossos parceiros / nossos * parceiros / anuncios personalizados / "
        "publicidade personalizada / consentimento / a qualquer momento / "
        "cookies ~ para / tecnologias semelhantes",
        "nl": "onze partners / onze * partners / gepersonaliseerde advertenties / "
        "plaatsen cookies / cookies ~ om / toestemming / op elk moment",
        "pl": "nasi partnerzy / naszymi partnerami / nasi * partnerzy / "
        "spersonalizowan* reklam* / plikow cookie / pliki cookie / zgod* / "
        "w dowolnym momencie",
        "ru": "наши партнеры / нашими партнерами / файлы cookie / персонализированн* реклам* / "
        "согласие / согласны / в любое время",
        "ja": "パートナー / パーソナライズ / 広告を表示 / 同意 / いつでも / cookie",
        "zh": "合作伙伴 / 合作夥伴 / 个性化广告 / 個人化廣告 / 同意 / 随时 / 隨時 / cookie",
        "ko": "파트너 / 맞춤형 광고 / 맞춤 광고 / 쿠키 / 동의 / 언제든지",
        "ar": "شركاؤنا / شركائنا / اعلانات مخصصة / ملفات تعريف الارتباط / موافقتك / في اي وقت",
        "tr": "is ortaklarimiz / ortaklarimiz / kisisellestirilmis reklam* / cerez* / riza* / "
        "istediginiz zaman",
        "sv": "våra partner* / personanpassad* / samtycke",
        "da": "vores partnere / personlige annoncer / samtykke",
        "no": "våre partnere / personlig tilpass* / samtykke",
        "fi": "kumppanimme / kohdennet* / suostumu*",
        "cs": "naši partneři / personalizovan* / souhlas*",
        "sk": "naši partneri / personalizovan* / súhlas*",
        "hu": "partnereink / személyre szabott / hozzájárul*",
        "ro": "partenerii noștri / personalizat* / consimțământ*",
        "el": "συνεργάτες μας / εξατομικευμέν* / συγκατάθεσ*",
        "uk": "наші партнери / персоналізован* / згод*",
        "bg": "нашите партньори / персонализиран* / съгласи*",
        "hr": "naši partneri / personaliziran* / privol*",
        "vi": "đối tác / quảng cáo được cá nhân hóa / đồng ý",
        "th": "พันธมิตร / โฆษณา / ยินยอม",
        "id": "mitra kami / iklan yang dipersonalisasi / persetujuan",
        "he": "השותפים שלנו / מותאמות אישית / הסכמה",
        "hi": "भागीदार / विज्ञापन / सहमति",
        "fa": "شرکای ما / تبلیغات / رضایت",
    },
    "accept": {
        "en": "accept / accept all / accept cookies / accept all cookies / agree / i agree / "
        "agree and continue / accept and continue / accept and close / allow all / "
        "allow all cookies / allow cookies / i accept / consent / ok / got it / "
        "agree to all / continue with ads / yes i agree / i consent / yes / continue",
        "de": "akzeptieren / alle akzeptieren / alles akzeptieren / zustimmen / "
        "alle cookies akzeptieren / akzeptieren und weiter / zustimmen und weiter / "
        "einverstanden / ich stimme zu / alle zulassen / allen zustimmen / "
        "mit werbung weiterlesen / akzeptieren und schliessen / ok / einwilligen / "
        "annehmen / alle cookies zulassen",
        "fr": "accepter / tout accepter / j accepte / accepter et continuer / "
        "accepter et fermer / accepter les cookies / autoriser / tout autoriser / ok / "
        "ok tout accepter / accepter tous les cookies / je suis d accord",
        "es": "aceptar / aceptar todo / aceptar todas / acepto / aceptar y continuar / "
        "aceptar cookies / permitir todas / aceptar todas las cookies / de acuerdo / "
        "ok / aceptar y cerrar",
        "it": "accetta / accetta tutto / accetta tutti / accetto / accetta e continua / "
        "accetta i cookie / accetta tutti i cookie / consenti tutti / ok / acconsento / "
        "accetta e chiudi",
        "pt": "aceitar / aceitar tudo / aceitar todos / aceito / aceitar e continuar / "
        "concordo / aceitar cookies / permitir todos / aceitar todos os cookies / ok / "
        "concordar e continuar / aceitar e fechar",
        "nl": "accepteren / alles accepteren / alle accepteren / akkoord / ik ga akkoord / "
        "akkoord en doorgaan / accepteer / accepteer alles / alle cookies accepteren / "
        "toestaan / alles toestaan / accepteren en doorgaan / ok / ja ik accepteer / "
        "cookies accepteren",
        "pl": "akceptuje / zaakceptuj / zaakceptuj wszystkie / zaakceptuj wszystko / "
        "akceptuj wszystkie / akceptuj / zgadzam sie / przejdz do serwisu / "
        "akceptuj wszystko / zezwol na wszystkie / akceptuje wszystkie / wyrazam zgode / "
        "ok",
        "ru": "принять / принять все / согласен / согласиться / я согласен / "
        "принять и продолжить / принимаю / разрешить все / ок / хорошо / "
        "принять все cookie / соглашаюсь / согласен на все",
        "ja": "同意する / すべて同意 / すべて受け入れる / 同意して続ける / すべて許可 / 許可する / 受け入れる / 承諾する / 承認 / すべて承認 / "
        "同意します / すべてに同意する / すべてのcookieを受け入れる / 同意して続行 / ok",
        "zh": "接受 / 全部接受 / 接受全部 / 同意 / 同意并继续 / 同意並繼續 / 接受所有cookie / 接受所有 cookie / 接受所有 / "
        "允许全部 / 我同意 / 全部同意 / 允許全部 / 接受並繼續 / 接受并继续",
        "ko": "동의 / 모두 동의 / 동의함 / 동의합니다 / 모두 수락 / 수락 / 허용 / 모두 허용 / 동의하고 계속 / 전체 동의 / 동의하고 계속하기",
        "ar": "قبول / قبول الكل / اوافق / موافق / قبول ومتابعة / السماح للجميع / قبول الجميع / "
        "قبول جميع ملفات تعريف الارتباط / السماح بالكل",
        "tr": "kabul et / tumunu kabul et / kabul ediyorum / kabul et ve devam et / onayla / "
        "izin ver / tumune izin ver / hepsini kabul et / onayliyorum / tamam",
        "sv": "acceptera / acceptera alla / godkänn / godkänn alla / jag godkänner / tillåt alla",
        "da": "accepter / accepter alle / tillad alle / jeg accepterer",
        "no": "godta / godta alle / aksepter / godkjenn alle",
        "fi": "hyväksy / hyväksy kaikki / salli kaikki",
        "cs": "přijmout / přijmout vše / souhlasím / přijmout všechny / povolit vše",
        "sk": "prijať / prijať všetko / súhlasím / povoliť všetko",
        "hu": "elfogadom / összes elfogadása / elfogadás / mindet elfogadom",
        "ro": "accept / acceptă tot / accept toate / acceptă toate / sunt de acord",
        "el": "αποδοχή / αποδοχή όλων / συμφωνώ",
        "uk": "прийняти / прийняти всі / прийняти все / погоджуюсь",
        "bg": "приемам / приемане на всички / приеми всички / съгласен съм",
        "hr": "prihvati / prihvati sve / prihvaćam / slažem se",
        "vi": "chấp nhận / chấp nhận tất cả / đồng ý",
        "th": "ยอมรับ / ยอมรับทั้งหมด",
        "id": "terima / terima semua / setuju",
        "he": "אישור / אשר הכל / קבל הכל / אני מסכים",
        "hi": "स्वीकार करें / सभी स्वीकार करें",
        "fa": "پذیرش / پذیرش همه / قبول / موافقم",
    },
    "words": {
        "en": "cookie* / privacy / consent* / partners / advertis* / personal data / tracking",
        "de": "cookie* / datenschutz* / einwilligung* / zustimm* / partner / werbung / "
        "privatsphare",
        "fr": "cookie* / vie privee / consentement / partenaires / publicit* / traceurs / "
        "confidentialite",
        "es": "cookie* / privacidad / consentimiento / socios / publicid* / anuncios",
        "it": "cookie / privacy / consenso / partner / pubblicit* / informativa",
        "pt": "cookie* / privacidade / consentimento / parceiros / publicid* / anuncios",
        "nl": "cookie* / privacy* / toestemming / partners / advertenti*",
        "pl": "cookie* / ciasteczk* / prywatnos* / zgod* / partner* / reklam*",
        "ru": "cookie* / куки / конфиденциальност* / соглас* / партнер* / реклам*",
        "ja": "cookie / クッキー / プライバシー / 同意 / パートナー / 広告",
        "zh": "cookie / 隐私 / 隱私 / 同意 / 合作伙伴 / 合作夥伴 / 广告 / 廣告",
        "ko": "쿠키 / 개인정보 / 동의 / 파트너 / 광고",
        "ar": "ملفات تعريف الارتباط / خصوصي* / موافق* / شركا* / اعلان*",
        "tr": "cerez* / gizlilik* / gizliligin* / riza* / ortak* / reklam*",
        "sv": "cookie* / kak* / integritet* / samtyck* / partner* / annons*",
        "da": "cookie* / privatliv* / samtykke* / partner* / annonc*",
        "no": "informasjonskaps* / cookie* / personvern* / samtykk* / partner*",
        "fi": "eväst* / yksityisy* / suostumu* / kumppani*",
        "cs": "cookie* / soukrom* / souhlas* / partner* / reklam*",
        "sk": "cookie* / súkrom* / súhlas* / partner* / reklam*",
        "hu": "süti* / cookie* / adatvéd* / hozzájárul* / partner*",
        "ro": "cookie* / confidențialit* / consimț* / partener*",
        "el": "cookie* / απόρρητ* / ιδιωτικότητ* / συγκατάθεσ* / συνεργάτ*",
        "uk": "cookie* / конфіденційн* / згод* / партнер* / реклам*",
        "bg": "бисквитк* / поверителн* / съглас* / партньор* / реклам*",
        "hr": "kolačić* / privatnost* / privol* / partner* / oglas*",
        "vi": "cookie / riêng tư / đồng ý / đối tác / quảng cáo",
        "th": "คุกกี้ / ความเป็นส่วนตัว / ยินยอม / โฆษณา",
        "id": "cookie / privasi / persetujuan / mitra / iklan",
        "he": "עוגיות / פרטיות* / הסכמה / שותפים",
        "hi": "कुकी / गोपनीयता / सहमति / विज्ञापन",
        "fa": "کوکی / حریم خصوصی / رضایت / شرکا / تبلیغات",
    },
}
