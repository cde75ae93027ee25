"""What pages say that refuse the visitor. Data; the notation is `bad_bodies/words.py`'s."""

from __future__ import annotations

from typing import Final

PHRASES: Final[dict[str, dict[str, str]]] = {
    "head": {
        "en": "access denied / permission denied / you have been blocked / you are blocked / "
        "you were blocked / request blocked / access blocked / blocked / forbidden / "
        "access forbidden / request rejected / request denied / unauthorized / "
        "not authorized / access restricted / access is restricted / "
        "access to this page has been denied / access to this site has been * / "
        "your access ~ has been * / your ip ~ blocked / ip ~ banned / "
        "you have been banned / too many requests / rate limit exceeded / rate limited / "
        "not available in your * / unavailable in your * / "
        "unavailable for legal reasons / website ~ security service / "
        "the requested url was rejected / this request has been blocked / "
        "web application firewall / bad request / access temporarily * / "
        "geo restricted / site blocked / request could not be satisfied",
        "de": "zugriff verweigert / zugriff gesperrt / zugang verweigert / zugang gesperrt / "
        "sie wurden blockiert / sie wurden gesperrt / anfrage blockiert / "
        "anfrage abgelehnt / nicht berechtigt / keine berechtigung / zugriff nicht * / "
        "zu viele anfragen / zugriff ~ blockiert / verboten",
        "fr": "acces refuse / acces interdit / acces bloque / vous avez ete bloque* / "
        "requete bloquee / requete rejetee / requete refusee / interdit / non autorise / "
        "trop de requetes / acces non autorise / acces limite",
        "es": "acceso denegado / acceso prohibido / acceso bloqueado / ha sido bloquead* / "
        "has sido bloquead* / solicitud bloqueada / solicitud rechazada / prohibido / "
        "no autorizado / demasiadas solicitudes / demasiadas peticiones / "
        "acceso no autorizado",
        "it": "accesso negato / accesso bloccato / accesso vietato / accesso non consentito / "
        "sei stato bloccato / ~ stato bloccato / richiesta bloccata / "
        "richiesta rifiutata / vietato / non autorizzato / troppe richieste / "
        "accesso non autorizzato",
        "pt": "acesso negado / acesso bloqueado / acesso proibido / foi bloquead* / "
        "pedido bloqueado / solicitacao bloqueada / requisicao bloqueada / proibido / "
        "nao autorizado / muitas solicitacoes / demasiados pedidos / acesso recusado",
        "nl": "toegang geweigerd / toegang geblokkeerd / toegang verboden / geen toegang / "
        "u bent geblokkeerd / je bent geblokkeerd / verzoek geblokkeerd / "
        "verzoek geweigerd / verboden / niet toegestaan / te veel verzoeken",
        "pl": "odmowa dostepu / dostep zabroniony / brak dostepu / dostep zablokowany / "
        "zostales zablokowany / zostala* zablokowan* / zostalo zablokowane / "
        "zadanie zablokowane / zadanie odrzucone / zabronione / brak uprawnien / "
        "zbyt wiele zadan / nieautoryzowany",
        "ru": "доступ запрещен / доступ ограничен / доступ заблокирован / доступ закрыт / "
        "вы заблокированы / вы были заблокированы / запрос заблокирован / "
        "запрос отклонен / запрещено / слишком много запросов / отказано в доступе / "
        "нет доступа / доступ ~ ограничен",
        "ja": "アクセスが拒否 / アクセス拒否 / アクセスできません / アクセスがブロック / ブロックされました / アクセスが制限 / アクセス制限 / "
        "アクセスが禁止 / 権限がありません / リクエストが多すぎ / 閲覧できません / アクセスが遮断",
        "zh": "拒绝访问 / 存取被拒 / 拒絕存取 / 访问被拒绝 / 访问被拦截 / 访问被阻断 / 您已被阻止 / 您已被封鎖 / 请求被拦截 / 请求已被拦截 / "
        "禁止访问 / 禁止存取 / 没有权限 / 沒有權限 / 访问受限 / 请求过于频繁 / 访问过于频繁 / 無權存取 / 无权访问 / 已被拦截",
        "ko": "접근이 거부 / 접근 거부 / 액세스가 거부 / 액세스 거부 / 차단되었습니다 / 차단되었 / 접속이 차단 / 접근이 차단 / "
        "접근 권한이 없 / 권한이 없습니다 / 접근이 제한 / 요청이 너무 많 / 접근 금지",
        "ar": "تم رفض الوصول / رفض الوصول / الوصول مرفوض / تم حظرك / تم حظر * / ممنوع / "
        "غير مصرح / الوصول ممنوع / محظور / طلبات كثيرة / غير مسموح",
        "tr": "erisim engellendi / erisim reddedildi / erisim yasak* / erisiminiz engellen* / "
        "engellendiniz / istek engellendi / istek reddedildi / isteginiz engellen* / "
        "yasak / yetkisiz erisim / cok fazla istek / erisim kisitl*",
        "sv": "åtkomst nekad / tillgång nekad / du har blockerats / du är blockerad / "
        "förbjuden / tillträde nekat / begäran blockerad / tillstånd nekat",
        "da": "adgang nægtet / du er blevet blokeret / du er blokeret / forbudt / "
        "anmodning blokeret",
        "no": "ingen tilgang / tilgang nektet / adgang nektet / du er blokkert / "
        "du har blitt blokkert / forbudt / forespørsel blokkert",
        "fi": "pääsy estetty / pääsy kielletty / käyttö estetty / sinut on estetty / "
        "pyyntö estetty / kielletty",
        "cs": "přístup odepřen / přístup zamítnut / přístup zakázán / byli jste zablokováni / "
        "požadavek byl zablokován / zakázáno",
        "sk": "prístup odmietnutý / prístup zamietnutý / prístup zakázaný / boli ste zablokovaní",
        "hu": "hozzáférés megtagadva / a hozzáférés megtagadva / tiltott / önt letiltottuk / "
        "hozzáférés letiltva / kérés blokkolva",
        "ro": "acces interzis / accesul interzis / acces refuzat / ați fost blocat / "
        "cerere blocată",
        "el": "απαγορεύεται η πρόσβαση / δεν επιτρέπεται η πρόσβαση / η πρόσβαση απορρίφθηκε / "
        "άρνηση πρόσβασης / έχετε αποκλειστεί",
        "uk": "доступ заборонено / доступ обмежено / вас заблоковано / запит заблоковано / "
        "у доступі відмовлено",
        "bg": "достъпът е отказан / отказан достъп / достъпът е забранен / блокиран* сте / "
        "заявката е блокирана",
        "hr": "pristup odbijen / pristup zabranjen / blokirani ste / pristup je odbijen / "
        "zahtjev je blokiran",
        "vi": "truy cập bị từ chối / bị từ chối truy cập / bạn đã bị chặn / truy cập bị chặn / "
        "không có quyền truy cập",
        "th": "ปฏิเสธการเข้าถึง / การเข้าถึงถูกปฏิเสธ / คุณถูกบล็อก / ไม่มีสิทธิ์เข้าถึง",
        "id": "akses ditolak / anda telah diblokir / akses diblokir / permintaan diblokir / "
        "dilarang",
        "he": "הגישה נדחתה / גישה נדחתה / הגישה נחסמה / נחסמת / אין גישה",
        "hi": "पहुँच अस्वीकृत / प्रवेश निषेध / आपको अवरुद्ध / अनुमति नहीं",
        "fa": "دسترسی غیرمجاز / دسترسی رد شد / دسترسی مسدود / مسدود شده اید / دسترسی ممنوع",
    },
    "weak": {
        "en": "attention required / sorry / denied / restricted / security alert / notice",
        "de": "gesperrt / blockiert / hinweis",
        "fr": "bloque / refuse",
        "es": "bloqueado / denegado",
        "it": "bloccato / negato",
        "pt": "bloqueado / negado",
        "nl": "geblokkeerd / geweigerd",
        "pl": "zablokowano / blokada",
        "ru": "заблокировано / блокировка",
        "ja": "ブロック / 拒否",
        "zh": "拦截 / 封鎖",
        "ko": "차단 / 거부",
        "ar": "حظر / مرفوض",
        "tr": "engellendi / reddedildi",
        "sv": "blockerad",
        "da": "blokeret",
        "no": "blokkert",
        "fi": "estetty",
        "cs": "zablokováno",
        "sk": "zablokované",
        "hu": "letiltva",
        "ro": "blocat",
        "el": "αποκλεισμός",
        "uk": "заблоковано",
        "bg": "блокиран",
        "hr": "blokirano",
        "vi": "bị chặn",
        "th": "ถูกบล็อก",
        "id": "diblokir",
        "he": "חסום",
        "hi": "अवरुद्ध",
        "fa": "مسدود",
    },
    "body": {
        "en": "you don t have permission to * / you do not have permission to * / "
        "blocked by * / using a security service / security solution / "
        "triggered the security / online attacks / malicious / contact the site owner / "
        "contact the ~ administrator / support id / incident id / request id / "
        "reference id / reference / event id / suspicious activity / unusual activity / "
        "your ip address / firewall / waf / from your region / from your country / "
        "in your country / not allowed to access / block reference / error code 10* / "
        "ip address",
        "de": "keine berechtigung / keine rechte / sicherheitssystem* / sicherheitsdienst / "
        "verdachtige aktivitat* / ungewohnliche aktivitat* / ihre ip adresse / "
        "firewall / wenden sie sich an * / kontaktieren sie ~ / vorgangsnummer / "
        "referenznummer / sicherheitsgrunden",
        "fr": "n avez pas ~ autorisation / n avez pas ~ droits / n etes pas autorise* / "
        "systeme de securite / activite inhabituelle / activite suspecte / "
        "votre adresse ip / pare feu / contactez ~ / raisons de securite / "
        "identifiant de la requete",
        "es": "no tiene* permiso / no esta* autorizad* / sistema de seguridad / "
        "servicio de seguridad / actividad sospechosa / actividad inusual / "
        "direccion ip / cortafuegos / contact* con * / motivos de seguridad / "
        "identificador de * / firewall",
        "it": "non hai i permessi / non disponi * / non sei autorizzat* / "
        "sistema di sicurezza / servizio di sicurezza / attivita sospett* / "
        "attivita insolit* / indirizzo ip / firewall / contatta* ~ / motivi di sicurezza",
        "pt": "nao tem permissao / nao tem autorizacao / nao esta autorizad* / "
        "sistema de seguranca / servico de seguranca / atividade suspeita / "
        "atividade incomum / endereco ip / firewall / entre em contato / contacte ~ / "
        "motivos de seguranca / razoes de seguranca",
        "nl": "geen toestemming / niet gemachtigd / beveiligingssysteem / "
        "verdachte activiteit* / ongebruikelijke activiteit* / ip adres / firewall / "
        "neem contact op / veiligheidsredenen",
        "pl": "nie masz uprawnien / nie masz dostepu / system* bezpieczenstwa / "
        "system* zabezpiecz* / podejrzan* aktywnos* / podejrzan* ruch* / adres ip / "
        "adresu ip / zapora / firewall / skontaktuj sie / wzgledow bezpieczenstwa / "
        "identyfikator zadania",
        "ru": "нет прав / нет разрешения / системой защиты / системой безопасности / "
        "подозрительн* активност* / подозрительн* запрос* / ваш ip / ip адрес* / "
        "файрвол* / обратитесь к / свяжитесь с / идентификатор запроса / "
        "целях безопасности",
        "ja": "権限がありません / 許可されていません / セキュリティ上の理由 / 不審な / 異常な / ipアドレス / ip アドレス / ファイアウォール / "
        "管理者にお問い合わせ / 管理者に連絡 / お問い合わせ番号",
        "zh": "没有权限 / 沒有權限 / 安全策略 / 安全系统 / 安全防护 / 可疑 / 异常 / 異常 / 您的ip / 您的 ip / 防火墙 / 防火牆 / "
        "联系管理员 / 聯絡管理員 / 联系网站 / 请求id / 事件id / 恶意",
        "ko": "권한이 없 / 보안 정책 / 보안 시스템 / 의심스러운 / 비정상적인 / ip 주소 / 방화벽 / 관리자에게 / 요청 id",
        "ar": "ليس لديك اذن / ليس لديك صلاحية / نظام الامان / نشاط مشبوه / نشاط غير / "
        "عنوان ip / جدار الحماية / اتصل ب / معرف الطلب / لاسباب امنية",
        "tr": "izniniz yok / yetkiniz yok / yetkiniz bulunm* / guvenlik sistemi* / supheli ~ / "
        "olagan disi * / ip adres* / guvenlik duvari / iletisime gecin / "
        "guvenlik nedeni* / talep numarasi",
        "sv": "inte behörighet / säkerhetssystem* / ip adress* / misstänkt* / administratör*",
        "da": "ikke tilladelse / sikkerhedssystem* / ip adresse* / mistænkelig*",
        "no": "ikke tillatelse / sikkerhetssystem* / ip adresse* / mistenkelig*",
        "fi": "ei ole oikeutta / turvallisuus* / ip osoit* / epäilyttävä*",
        "cs": "nemáte oprávnění / bezpečnostní* / ip adres* / podezřel*",
        "sk": "nemáte oprávnenie / bezpečnostn* / ip adres*",
        "hu": "nincs jogosultság* / biztonsági / ip cím* / gyanús",
        "ro": "nu aveți permisiunea / securitate / adresa ip / suspect*",
        "el": "δεν έχετε άδεια / ασφάλεια* / διεύθυνση ip",
        "uk": "немає дозволу / немає прав / системою захисту / ip адрес* / підозріл*",
        "bg": "нямате права / нямате разрешение / сигурност* / ip адрес*",
        "hr": "nemate dozvolu / sigurnosn* / ip adres*",
        "vi": "không có quyền / bảo mật / địa chỉ ip",
        "th": "ไม่ได้รับอนุญาต / ความปลอดภัย / ที่อยู่ ip",
        "id": "tidak memiliki izin / keamanan / alamat ip",
        "he": "אין לך הרשאה / מערכת האבטחה / כתובת ip",
        "hi": "सुरक्षा / आईपी पता",
        "fa": "مجوز / امنیتی / آدرس ip",
    },
}
