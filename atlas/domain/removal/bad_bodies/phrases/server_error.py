"""What pages say when a server fails. Data; the notation is `bad_bodies/words.py`'s."""

from __future__ import annotations

from typing import Final

PHRASES: Final[dict[str, dict[str, str]]] = {
    "head": {
        "en": "internal server error / server error / bad gateway / gateway time out / "
        "gateway timeout / service unavailable / application error / "
        "something went wrong / something s wrong / an error occurred / "
        "an error has occurred / error occurred / unexpected error / "
        "we re sorry but something went wrong / database error / "
        "error establishing a database connection / fatal error / runtime error / "
        "server error in * application / whitelabel error page / "
        "technical difficulties / technical problem* / technical error / "
        "unable to connect ~ / web server is down / connection timed out / "
        "origin is unreachable / a timeout occurred / host error / system error / "
        "proxy error / critical error / there has been a critical error / "
        "backend fetch failed / upstream ~ error / request timeout / "
        "page isn t working / well this is awkward / unhandled exception / "
        "page expired / account suspended / website suspended / "
        "bandwidth limit exceeded / resource limit is reached / "
        "this site can t be reached",
        "de": "interner serverfehler / serverfehler / es ist ein fehler aufgetreten / "
        "ein fehler ist aufgetreten / fehler aufgetreten / dienst nicht verfugbar / "
        "etwas ist schiefgelaufen / etwas ist schief gelaufen / technischer fehler / "
        "technische storung / technische probleme / technische schwierigkeiten / "
        "unerwarteter fehler / datenbankfehler / da ist etwas schief* / "
        "verbindung zur datenbank / fehler beim * datenbankverbindung / "
        "interner fehler / interner server fehler",
        "fr": "erreur interne / erreur serveur / erreur interne du serveur / "
        "erreur du serveur / une erreur est survenue / une erreur s est produite / "
        "service indisponible / service non disponible / probleme technique / "
        "quelque chose s est mal * / erreur technique / erreur inattendue / "
        "une erreur * est produite / incident technique",
        "es": "error interno / error del servidor / error interno del servidor / "
        "se ha producido un error / ha ocurrido un error / ocurrio un error / "
        "algo salio mal / algo ha salido mal / algo ha ido mal / "
        "servicio no disponible / problemas tecnicos / error inesperado / "
        "error tecnico / error de base de datos / error al establecer * base de datos",
        "it": "errore interno / errore del server / errore interno del server / "
        "si e verificato un errore / si e verificato un problema / "
        "qualcosa e andato storto / servizio non disponibile / problema tecnico / "
        "problemi tecnici / errore imprevisto / errore tecnico / errore di sistema",
        "pt": "erro interno / erro do servidor / erro no servidor / erro interno do servidor / "
        "ocorreu um erro / algo deu errado / algo correu mal / servico indisponivel / "
        "problemas tecnicos / erro inesperado / erro tecnico / erro de sistema / "
        "algo deu mal",
        "nl": "interne serverfout / serverfout / er is een fout opgetreden / "
        "er is iets misgegaan / er ging iets mis / er is iets fout * / "
        "service niet beschikbaar / technische storing / technische problemen / "
        "onverwachte fout / er heeft zich een fout * / interne fout",
        "pl": "wewnetrzny blad serwera / blad serwera / blad wewnetrzny / wystapil blad / "
        "wystapil ~ blad / cos poszlo nie tak / usluga niedostepna / blad techniczny / "
        "problemy techniczne / problem techniczny / nieoczekiwany blad / "
        "blad polaczenia / blad bazy danych / blad aplikacji",
        "ru": "внутренняя ошибка / внутренняя ошибка сервера / ошибка сервера / "
        "произошла ошибка / что то пошло не так / сервис недоступен / "
        "сервис временно недоступен / техническая ошибка / технические неполадки / "
        "непредвиденная ошибка / возникла ошибка / ошибка базы данных / "
        "ошибка подключения * / сервер недоступен / системная ошибка",
        "ja": "サーバーエラー / サーバエラー / 内部サーバーエラー / 内部サーバエラー / エラーが発生しました / エラーが発生 / 問題が発生しました / "
        "サービスを利用できません / システムエラー / 予期しないエラー / 一時的なエラー / 内部エラー / 接続エラー / 障害が発生",
        "zh": "服务器错误 / 伺服器錯誤 / 内部服务器错误 / 服务器内部错误 / 內部伺服器錯誤 / 发生错误 / 發生錯誤 / 出错了 / 出錯了 / 出现错误 / "
        "服务不可用 / 服務無法使用 / 系统错误 / 系統錯誤 / 网关错误 / 发生了错误 / 服务器出错 / 服务异常 / 系统繁忙 / 服务器开小差 / "
        "網關錯誤",
        "ko": "서버 오류 / 내부 서버 오류 / 서버 내부 오류 / 오류가 발생 / 문제가 발생 / 서비스를 사용할 수 없 / 서비스를 이용할 수 없 / "
        "시스템 오류 / 일시적인 오류 / 일시적 오류 / 예기치 않은 오류 / 예상치 못한 오류",
        "ar": "خطا في الخادم / خطا داخلي / خطا داخلي في الخادم / حدث خطا / حدثت مشكلة / "
        "الخدمة غير متاحة / الخدمة غير متوفرة / خطا غير متوقع / خطا تقني / مشكلة تقنية / "
        "عطل فني",
        "tr": "sunucu hatasi / dahili sunucu hatasi / bir hata olustu / hata olustu / "
        "bir seyler ters gitti / bir sorun olustu / hizmet kullanilamiyor / "
        "servis kullanilamiyor / teknik bir sorun / beklenmeyen bir hata / "
        "beklenmedik bir hata / sistem hatasi / teknik ariza / ic sunucu hatasi",
        "sv": "internt serverfel / serverfel / ett fel uppstod / ett fel inträffade / "
        "ett fel har uppstått / något gick fel / tjänsten är inte tillgänglig / "
        "tekniska problem",
        "da": "intern serverfejl / serverfejl / der opstod en fejl / der er opstået en fejl / "
        "noget gik galt / tjenesten er ikke tilgængelig / tekniske problemer",
        "no": "intern serverfeil / intern tjenerfeil / serverfeil / det oppsto en feil / "
        "det oppstod en feil / det har oppstått en feil / noe gikk galt / "
        "tekniske problemer",
        "fi": "sisäinen palvelinvirhe / palvelinvirhe / tapahtui virhe / jokin meni pieleen / "
        "jotain meni vikaan / palvelu ei ole käytettävissä / tekninen virhe",
        "cs": "interní chyba serveru / vnitřní chyba serveru / chyba serveru / došlo k chybě / "
        "nastala chyba / něco se pokazilo / služba není dostupná / služba je nedostupná",
        "sk": "interná chyba servera / chyba servera / vyskytla sa chyba / nastala chyba / "
        "niečo sa pokazilo / služba nie je dostupná",
        "hu": "belső szerverhiba / belső kiszolgálóhiba / szerverhiba / kiszolgálóhiba / "
        "hiba történt / valami hiba történt / a szolgáltatás nem elérhető / "
        "valami elromlott",
        "ro": "eroare internă de server / eroare internă / eroare de server / "
        "a apărut o eroare / s a produs o eroare / ceva nu a mers * / "
        "serviciu indisponibil",
        "el": "εσωτερικό σφάλμα διακομιστή / σφάλμα διακομιστή / παρουσιάστηκε σφάλμα / "
        "προέκυψε σφάλμα / κάτι πήγε στραβά / η υπηρεσία δεν είναι διαθέσιμη",
        "uk": "внутрішня помилка сервера / помилка сервера / сталася помилка / "
        "виникла помилка / щось пішло не так / сервіс недоступний / технічні проблеми",
        "bg": "вътрешна грешка / вътрешна грешка на сървъра / грешка в сървъра / "
        "възникна грешка / нещо се обърка / услугата не е достъпна",
        "hr": "interna pogreška poslužitelja / pogreška poslužitelja / greška servera / "
        "interna greška / došlo je do pogreške / došlo je do greške / "
        "nešto je pošlo po zlu / usluga nije dostupna",
        "vi": "lỗi máy chủ / lỗi máy chủ nội bộ / đã xảy ra lỗi / đã có lỗi xảy ra / "
        "có lỗi xảy ra / dịch vụ không khả dụng",
        "th": "ข้อผิดพลาดของเซิร์ฟเวอร์ / เกิดข้อผิดพลาด / มีบางอย่างผิดพลาด / เซิร์ฟเวอร์ขัดข้อง / ระบบขัดข้อง",
        "id": "kesalahan server / kesalahan server internal / terjadi kesalahan / "
        "ada yang salah / layanan tidak tersedia",
        "he": "שגיאת שרת / שגיאת שרת פנימית / אירעה שגיאה / משהו השתבש / השירות אינו זמין / "
        "התרחשה שגיאה",
        "hi": "सर्वर त्रुटि / आंतरिक सर्वर त्रुटि / कुछ गलत हो गया / एक त्रुटि हुई / सेवा उपलब्ध नहीं",
        "fa": "خطای سرور / خطای داخلی / خطایی رخ داد / مشکلی پیش آمد / سرویس در دسترس نیست / "
        "خطایی رخ داده",
    },
    "weak": {
        "en": "error / oops / whoops / sorry / warning / exception / problem / uh oh / hmm / "
        "unavailable",
        "de": "fehler / hoppla / ups / storung / entschuldigung",
        "fr": "erreur / oups / desole",
        "es": "error / ups / vaya / lo sentimos",
        "it": "errore / ops / spiacenti",
        "pt": "erro / ops / desculpe",
        "nl": "fout / oeps / sorry / storing / helaas",
        "pl": "blad / ups / przepraszamy / awaria",
        "ru": "ошибка / упс / ой / извините / сбой",
        "ja": "エラー / 申し訳",
        "zh": "错误 / 錯誤 / 抱歉 / 异常 / 出错",
        "ko": "오류 / 죄송 / 장애",
        "ar": "خطا / عذرا",
        "tr": "hata / uzgunuz / sorun",
        "sv": "fel / hoppsan",
        "da": "fejl / ups",
        "no": "feil / oops",
        "fi": "virhe / hups",
        "cs": "chyba",
        "sk": "chyba",
        "hu": "hiba",
        "ro": "eroare",
        "el": "σφάλμα",
        "uk": "помилка",
        "bg": "грешка",
        "hr": "greška / pogreška",
        "vi": "lỗi",
        "th": "ข้อผิดพลาด",
        "id": "kesalahan",
        "he": "שגיאה",
        "hi": "त्रुटि",
        "fa": "خطا",
    },
    "body": {
        "en": "the server encountered * / encountered an ~ error / unable to complete * / "
        "could not complete * / contact the ~ administrator / try again later / "
        "please try again / try again in * / try refreshing / refresh the page / "
        "reload the page / no healthy upstream / stack trace / "
        "unable to handle this request / our team has been notified / "
        "we have been notified / we re working on * / technical difficulties / "
        "temporarily unable / overloaded / if the problem persists / logs / "
        "more information about this error / if you are the application owner",
        "de": "versuchen sie es ~ erneut / versuchen sie es ~ noch einmal / "
        "versuchen sie es spater * / bitte laden sie * / seite neu / administrator / "
        "konnte nicht verarbeitet * / konnte nicht * werden / nicht bearbeitet * / "
        "unser team * / sollte das problem * / falls das problem *",
        "fr": "reessayer / reessayez / n a pas pu * / ne peut pas * / "
        "contactez l administrateur / notre equipe * / si le probleme persiste / "
        "actualis* la page / recharg* la page / rencontre un probleme",
        "es": "intentelo de nuevo / intentalo de nuevo / vuelva* a intentar* / "
        "intente* ~ mas tarde / no se pudo * / no ha podido * / no puede * / "
        "nuestro equipo * / si el problema persiste / actuali* la pagina / "
        "recarg* la pagina",
        "it": "riprova* / non e * in grado / non e stato possibile * / contatta* ~ / "
        "se il problema persiste / ricarica* la pagina / il nostro team *",
        "pt": "tente novamente / tente de novo / nao foi possivel * / nao conseguiu * / "
        "nossa equipe * / se o problema persistir / atualiz* a pagina / "
        "recarregu* a pagina",
        "nl": "probeer het ~ opnieuw / probeer het later * / niet verwerken / "
        "kunnen ~ niet verwerken / als het probleem * / ververs de pagina / "
        "vernieuw de pagina / neem contact op *",
        "pl": "sprobuj ponownie / sprobuj pozniej / prosze sprobowac * / nie mogl* ~ / "
        "nie udalo sie * / odswiez strone / jesli problem * / jezeli problem * / "
        "nasz zespol * / administrator*",
        "ru": "попробуйте ~ позже / попробуйте ~ / повторите попытку / обновите страницу / "
        "обновить страницу / не удалось * / не смог * / если проблема * / "
        "наши специалисты * / мы уже * / администратор*",
        "ja": "もう一度お試し / 再度お試し / しばらくしてから / 時間をおいて / 処理できません / 再読み込み / 管理者 / 完了できません",
        "zh": "请稍后再试 / 請稍後再試 / 稍后重试 / 稍後重試 / 刷新页面 / 重新加载 / 无法处理 / 無法處理 / 联系管理员 / 聯絡管理員 / 请重试 / "
        "請重試 / 处理您的请求",
        "ko": "잠시 후 다시 / 다시 시도 / 나중에 다시 / 새로고침 / 처리할 수 없 / 처리하는 중 / 관리자",
        "ar": "حاول مرة اخرى / المحاولة مرة اخرى / المحاولة لاحقا / تحديث الصفحة / تعذر / "
        "معالجة طلبك / فريقنا",
        "tr": "tekrar deneyin* / tekrar dene / daha sonra / sayfayi yenile* / islenirken / "
        "islenemedi / sorun devam * / ekibimiz *",
        "sv": "försök igen / kunde inte behandla / om problemet kvarstår / ladda om sidan",
        "da": "prøv igen / kunne ikke behandle* / hvis problemet fortsætter",
        "no": "prøv igjen / kunne ikke behandle* / hvis problemet vedvarer",
        "fi": "yritä uudelleen / yritä myöhemmin / jos ongelma jatkuu",
        "cs": "zkuste to znovu / zkuste to později / nepodařilo se / pokud problém přetrvává",
        "sk": "skúste to znova / skúste to neskôr / nepodarilo sa",
        "hu": "próbálja újra / próbáld újra / próbálja meg / ha a probléma",
        "ro": "încercați din nou / încearcă din nou / dacă problema persistă",
        "el": "δοκιμάστε ξανά / προσπαθήστε ξανά / δοκιμάστε αργότερα",
        "uk": "спробуйте ще раз / спробуйте пізніше / якщо проблема / оновіть сторінку",
        "bg": "опитайте отново / опитайте по късно / ако проблемът",
        "hr": "pokušajte ponovno / pokušajte kasnije / ako se problem",
        "vi": "thử lại / thử lại sau / tải lại trang",
        "th": "ลองใหม่ / ลองอีกครั้ง / ภายหลัง",
        "id": "coba lagi / silakan coba / muat ulang",
        "he": "נסו שוב / נסה שוב / רענן",
        "hi": "पुनः प्रयास / फिर से प्रयास / बाद में",
        "fa": "دوباره تلاش / دوباره امتحان / بعدا",
    },
}
