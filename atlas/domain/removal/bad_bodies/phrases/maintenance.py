"""What pages say while a site is worked on. Data; the notation is `bad_bodies/words.py`'s."""

from __future__ import annotations

from typing import Final

PHRASES: Final[dict[str, dict[str, str]]] = {
    "head": {
        "en": "under maintenance / down for maintenance / maintenance mode / "
        "site maintenance / website maintenance / undergoing maintenance / "
        "be right back / back soon / be back soon / be back shortly / back shortly / "
        "back online * / temporarily down / temporarily offline / site offline / "
        "we ll be back * / we will be back * / routine maintenance / site is ~ down / "
        "site is currently * / temporarily unavailable / "
        "scheduled maintenance in progress / maintenance in progress / "
        "currently unavailable / closed for maintenance / offline for maintenance / "
        "unavailable for scheduled maintenance / upgrade in progress / "
        "under construction",
        "de": "wartungsarbeiten / wartungsmodus / in wartung / wird ~ gewartet / "
        "wegen wartung * / wir sind ~ zuruck / bald zuruck / gleich zuruck / "
        "gleich wieder da / bald wieder da / voruebergehend nicht * / "
        "vorubergehend nicht * / derzeit nicht erreichbar / momentan nicht * / "
        "zurzeit nicht * / wartungspause",
        "fr": "en maintenance / maintenance en cours / site en maintenance / "
        "en cours de maintenance / de retour bientot / bientot de retour / "
        "nous revenons * / momentanement indisponible / temporairement indisponible / "
        "mode maintenance / actuellement indisponible / en travaux",
        "es": "en mantenimiento / sitio en mantenimiento / modo de mantenimiento / "
        "modo mantenimiento / mantenimiento programado / volvemos pronto / "
        "volveremos pronto / volvemos enseguida / temporalmente fuera * / "
        "temporalmente no disponible / no disponible temporalmente / "
        "estamos de mantenimiento / tareas de mantenimiento / regresamos pronto",
        "it": "in manutenzione / manutenzione in corso / sito in manutenzione / "
        "torneremo presto / torniamo * / saremo ~ online / temporaneamente * / "
        "momentaneamente non * / manutenzione programmata / torniamo subito / "
        "modalita manutenzione / lavori in corso",
        "pt": "em manutencao / site em manutencao / manutencao programada / "
        "modo de manutencao / voltamos ~ / voltaremos ~ / ja voltamos / "
        "temporariamente indisponivel / temporariamente fora * / em breve voltaremos / "
        "indisponivel no momento / estamos em manutencao",
        "nl": "in onderhoud / onderhoudsmodus / wegens onderhoud / gepland onderhoud / "
        "onderhoudswerkzaamheden / we zijn ~ terug / wij zijn ~ terug / zo weer terug / "
        "tijdelijk niet * / tijdelijk onbereikbaar / binnenkort terug / "
        "tijdelijk offline / momenteel niet *",
        "pl": "przerwa techniczna / prace konserwacyjne / prace techniczne / trwaja prace / "
        "tryb konserwacji / wracamy ~ / niedlugo wrocimy / wkrotce wrocimy / "
        "zaraz wracamy / strona tymczasowo niedostepna / tymczasowo niedostepn* / "
        "strona w przebudowie / konserwacja * / chwilowo niedostepn* / trwa konserwacja",
        "ru": "технические работы / на техническом обслуживании / сайт на обслуживании / "
        "техническое обслуживание / мы скоро вернемся / скоро вернемся / "
        "временно недоступ* / ведутся ~ работы / профилактические работы / "
        "проводятся ~ работы / сайт на реконструкции / режим обслуживания / "
        "плановые работы",
        "ja": "メンテナンス中 / ただいまメンテナンス / 現在メンテナンス / メンテナンスのお知らせ / 一時的にご利用いただけません / 一時的に利用できません / "
        "サービス停止中 / 一時停止中 / 準備中 / まもなく再開",
        "zh": "维护中 / 維護中 / 系统维护 / 系統維護 / 网站维护 / 網站維護 / 正在维护 / 正在維護 / 停机维护 / 升级维护 / 我们很快回来 / "
        "很快回来 / 暂时无法访问 / 暫時無法 / 暂停服务 / 暂停访问 / 稍后回来 / 正在升级",
        "ko": "점검 중 / 점검중 / 서비스 점검 / 시스템 점검 / 서버 점검 / 곧 돌아오겠습니다 / 유지보수 중 / 유지 보수 / 일시적으로 중단 / "
        "일시적으로 이용 / 사이트 점검 / 준비 중입니다",
        "ar": "تحت الصيانة / وضع الصيانة / اعمال الصيانة / قيد الصيانة / سنعود قريبا / "
        "سنعود ~ قريبا / غير متاح حاليا / غير متاح موقتا / صيانة مجدولة / اعمال صيانة / "
        "مغلق للصيانة",
        "tr": "bakim calismasi / bakimda / bakim modu / bakim nedeniyle / planli bakim / "
        "yakinda donecegiz / kisa sure sonra * / birazdan doneriz / gecici olarak * / "
        "hemen donecegiz / yakinda geri * / su anda bakim*",
        "sv": "underhåll pågår / under underhåll / vi är snart tillbaka / "
        "tillfälligt otillgänglig / tillfälligt stängd* / snart tillbaka / "
        "planerat underhåll",
        "da": "under vedligeholdelse / vi er snart tilbage / snart tilbage / "
        "midlertidigt utilgængelig* / midlertidigt lukket / planlagt vedligeholdelse",
        "no": "under vedlikehold / vedlikehold pågår / snart tilbake / vi er snart tilbake / "
        "midlertidig utilgjengelig / midlertidig stengt",
        "fi": "huoltokatko / huoltotauko / huoltotyöt / palaamme pian / "
        "tilapäisesti poissa * / väliaikaisesti poissa *",
        "cs": "probíhá údržba / údržba stránek / v údržbě / brzy se vrátíme / hned jsme zpět / "
        "brzy zpět / dočasně nedostupn* / mimo provoz",
        "sk": "prebieha údržba / v údržbe / čoskoro sa vrátime / dočasne nedostupn* / "
        "mimo prevádzky",
        "hu": "karbantartás alatt / karbantartás miatt / hamarosan visszatérünk / "
        "átmenetileg nem * / ideiglenesen nem * / karbantartás folyik",
        "ro": "în mentenanță / în întreținere / lucrări de mentenanță / revenim în curând / "
        "revenim imediat / temporar indisponibil* / indisponibil temporar",
        "el": "υπό συντήρηση / σε συντήρηση / επιστρέφουμε σύντομα / προσωρινά μη διαθέσιμ*",
        "uk": "технічні роботи / технічне обслуговування / ми скоро повернемося / "
        "скоро повернемось / тимчасово недоступн* / на обслуговуванні",
        "bg": "в поддръжка / профилактика / ще се върнем скоро / скоро се връщаме / "
        "временно недостъп*",
        "hr": "održavanje u tijeku / u održavanju / uskoro se vraćamo / vraćamo se uskoro / "
        "privremeno nedostup*",
        "vi": "đang bảo trì / bảo trì hệ thống / chúng tôi sẽ sớm trở lại / sẽ sớm quay lại / "
        "tạm thời không khả dụng / tạm ngưng",
        "th": "ปิดปรับปรุง / อยู่ระหว่างการปรับปรุง / กำลังปรับปรุง / บำรุงรักษา / จะกลับมาเร็ว",
        "id": "sedang dalam pemeliharaan / dalam perbaikan / sedang dalam perbaikan / "
        "pemeliharaan sistem / segera kembali / tidak tersedia sementara",
        "he": "בתחזוקה / האתר בתחזוקה / נחזור בקרוב / לא זמין זמנית / עבודות תחזוקה",
        "hi": "रखरखाव / जल्द ही वापस / अस्थायी रूप से अनुपलब्ध",
        "fa": "در حال تعمیر / در دست تعمیر / به زودی باز / به زودی برمی گردیم / "
        "موقتا در دسترس / بروزرسانی سایت / در حال به روز*",
    },
    "weak": {
        "en": "coming soon / under construction / maintenance / offline / scheduled maintenance / planned maintenance / "
        "unavailable / we are upgrading",
        "de": "wartung / offline / geplante wartung",
        "fr": "maintenance / hors ligne / indisponible",
        "es": "mantenimiento / fuera de linea / no disponible",
        "it": "manutenzione / non disponibile / offline",
        "pt": "manutencao / indisponivel / offline",
        "nl": "onderhoud / offline / niet beschikbaar",
        "pl": "konserwacja / niedostepna / przerwa",
        "ru": "обслуживание / профилактика / недоступен",
        "ja": "メンテナンス / 停止",
        "zh": "维护 / 維護 / 暂停",
        "ko": "점검 / 중단",
        "ar": "الصيانة / صيانة",
        "tr": "bakim",
        "sv": "underhåll",
        "da": "vedligeholdelse",
        "no": "vedlikehold",
        "fi": "huolto",
        "cs": "údržba",
        "sk": "údržba",
        "hu": "karbantartás",
        "ro": "mentenanță",
        "el": "συντήρηση",
        "uk": "обслуговування",
        "bg": "поддръжка",
        "hr": "održavanje",
        "vi": "bảo trì",
        "th": "ปรับปรุง",
        "id": "pemeliharaan",
        "he": "תחזוקה",
        "hi": "रखरखाव",
        "fa": "تعمیرات",
    },
    "body": {
        "en": "for scheduled maintenance / performing ~ maintenance / "
        "sorry for the inconvenience / apologi?e for * inconvenience / "
        "apologies for * inconvenience / thank you for your patience / "
        "thanks for your patience / check back * / try again ~ later / "
        "we are currently * / we re currently * / improving our * / should be back * / "
        "will be back * / in a few minutes / back ~ soon / some maintenance / "
        "making improvements / working on * / please come back later",
        "de": "wartungsarbeiten / bitte versuchen sie es spater * / bitten um ~ verstandnis / "
        "vielen dank fur ihr* * / fur ihre geduld / unannehmlichkeiten / in kurze * / "
        "schauen sie spater * / spater noch einmal / spater wieder / fuhren ~ durch",
        "fr": "merci de votre patience / merci de votre comprehension / pour la gene * / "
        "gene occasionnee / veuillez reessayer plus tard / operation de maintenance / "
        "reessay* plus tard / cause de maintenance / de nouveau disponible / "
        "des que possible",
        "es": "disculpe* las molestias / disculpas por * / lamentamos las molestias / "
        "gracias por ~ paciencia / intentelo mas tarde / vuelva* mas tarde / "
        "inten* ~ mas tarde / trabajos de mantenimiento / mejorar ~ / estaremos de vuelta",
        "it": "ci scusiamo per * / scusiamo per il disagio / grazie per la pazienza / "
        "riprova* piu tardi / lavori di manutenzione / nuovamente disponibile / "
        "di nuovo disponibile / di nuovo online / stiamo ~ lavorando / "
        "stiamo effettuando ~",
        "pt": "pedimos desculpa* / desculpe o transtorno / lamentamos o * / obrigado pela * / "
        "agradecemos a * / tente ~ mais tarde / volte mais tarde / estamos trabalhando / "
        "estamos realizando / estaremos de volta",
        "nl": "excuses voor het ongemak / onze excuses / bedankt voor uw * / "
        "probeer het later * / kom later terug / later ~ opnieuw / onderhoud aan * / "
        "voeren ~ onderhoud / werken aan *",
        "pl": "przepraszamy za utrudnienia / przepraszamy za niedogodnosc* / "
        "dziekujemy za cierpliwosc / prosimy o cierpliwosc / sprobuj ponownie pozniej / "
        "zapraszamy pozniej / zajrzyj pozniej / prosimy sprobowac pozniej / pracujemy nad",
        "ru": "приносим ~ извинения / извинения за ~ неудобства / спасибо за ~ терпение / "
        "спасибо за ~ понимание / попробуйте ~ позже / зайдите ~ позже / "
        "в ближайшее время / скоро ~ заработает / проводятся ~",
        "ja": "ご不便をおかけ / ご迷惑をおかけ / しばらくしてから / 時間をおいて / 今しばらく / 終了までお待ち / メンテナンスを",
        "zh": "带来的不便 / 帶來的不便 / 不便之处 / 不便之處 / 敬请谅解 / 敬請見諒 / 感谢您的耐心 / 稍后再试 / 稍後再試 / 稍后访问 / 请稍后 / "
        "請稍後 / 耐心等待",
        "ko": "불편을 드려 / 양해 부탁 / 잠시 후 / 나중에 다시 / 기다려 주 / 점검 시간 / 이용에 불편",
        "ar": "نعتذر عن / شكرا لصبركم / صبركم / حاول لاحقا / المحاولة لاحقا / يرجى المحاولة / "
        "سنعود / في وقت لاحق",
        "tr": "verdigimiz rahatsizlik * / rahatsizlik icin * / sabriniz icin * / "
        "anlayisiniz icin * / daha sonra tekrar / lutfen daha sonra / calismalar* / "
        "hizmet verememekte*",
        "sv": "besväret / försök igen senare / tack för ditt tålamod / kom tillbaka senare",
        "da": "ulejligheden / prøv igen senere / tak for din tålmodighed",
        "no": "ulempen* / prøv igjen senere / takk for tålmodigheten",
        "fi": "pahoittelemme / yritä myöhemmin uudelleen / kärsivällisyyd*",
        "cs": "omlouváme se / za trpělivost / zkuste to později / zkuste to prosím později",
        "sk": "ospravedlňujeme sa / za trpezlivosť / skúste to neskôr",
        "hu": "elnézést / türelm* / próbálja meg később / nézzen vissza később",
        "ro": "ne cerem scuze / mulțumim pentru răbdare / încercați mai târziu / "
        "reveniți mai târziu",
        "el": "ζητούμε συγγνώμη / υπομονή / δοκιμάστε αργότερα",
        "uk": "вибачте за незручності / перепрошуємо / спробуйте пізніше / за терпіння",
        "bg": "извиняваме се / търпение* / опитайте по късно",
        "hr": "ispričavamo se / strpljenj* / pokušajte kasnije",
        "vi": "xin lỗi / thử lại sau / quay lại sau / kiên nhẫn",
        "th": "ขออภัย / ลองใหม่ภายหลัง / ขอบคุณที่ / ในภายหลัง",
        "id": "mohon maaf / coba lagi nanti / kesabaran",
        "he": "מתנצלים / נסו שוב מאוחר / סבלנות",
        "hi": "असुविधा / बाद में पुनः",
        "fa": "پوزش / بعدا دوباره / شکیبایی / صبر",
    },
}
