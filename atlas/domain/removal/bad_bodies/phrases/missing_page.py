"""What pages say that are not there. Data; the notation is `bad_bodies/words.py`'s."""

from __future__ import annotations

from typing import Final

PHRASES: Final[dict[str, dict[str, str]]] = {
    "head": {
        "en": "page not found / not found / page cannot be found / page can t be found / "
        "page could not be found / page couldn t be found / page was not found / "
        "couldn t find that page / couldn t find this page / couldn t find the page / "
        "could not find the page / can t find that page / can t find the page / "
        "cannot find the page / page doesn t exist / page does not exist / "
        "nothing here / nothing to see here / nothing was found / nothing found / "
        "this page isn t available / page unavailable / page is unavailable / "
        "page no longer exists / page not available / no longer available / "
        "content not found / content unavailable / file not found / resource not found / "
        "this page has gone missing / page has moved / page missing / missing page / "
        "lost your way / you seem lost / looks like you re lost / page is missing / "
        "article not found / product not found / no such page / dead link / "
        "broken link / can t find what you re looking for / "
        "couldn t find what you were looking for / "
        "there isn t a github pages site here / error 404 / gone",
        "de": "seite nicht gefunden / nicht gefunden / seite ~ nicht gefunden / "
        "seite existiert nicht / seite ~ existiert ~ nicht / "
        "seite ist ~ nicht ~ verfugbar / seite nicht verfugbar / "
        "konnte nicht gefunden werden / konnten ~ seite nicht finden / nichts gefunden / "
        "diese seite gibt es nicht / seite gibt es ~ nicht / nicht mehr verfugbar / "
        "inhalt nicht gefunden / inhalt nicht verfugbar / fehler 404 / "
        "datei nicht gefunden",
        "fr": "page introuvable / page non trouvee / page ~ n existe * / page ~ introuvable / "
        "introuvable / contenu introuvable / page ~ n est plus disponible / erreur 404 / "
        "page indisponible / page n a pas ete trouvee / page inexistante / rien trouve / "
        "n a pas pu etre trouve* / page ~ pas disponible / non trouve",
        "es": "pagina no encontrada / no encontrada / pagina no existe / pagina ~ no existe / "
        "no se encontro ~ pagina / no se ha encontrado ~ / pagina ~ no esta disponible / "
        "pagina no disponible / error 404 / no encontramos ~ pagina / "
        "no hemos encontrado ~ / no pudimos encontrar ~ / contenido no encontrado / "
        "no se puede encontrar ~ / no se encuentra ~ / contenido no disponible / "
        "no encontrado",
        "it": "pagina non trovata / non trovata / pagina ~ non esiste / pagina inesistente / "
        "pagina ~ non e stata trovata / pagina ~ non e ~ disponibile / errore 404 / "
        "pagina non disponibile / contenuto non trovato / non abbiamo trovato ~ / "
        "impossibile trovare ~ / pagina ~ non e piu * / non trovato / ~ stata rimossa",
        "pt": "pagina nao encontrada / nao encontrada / pagina nao existe / "
        "pagina ~ nao existe / nao encontramos ~ / pagina nao disponivel / "
        "pagina ~ nao esta disponivel / erro 404 / nao foi possivel encontrar ~ / "
        "pagina ~ nao foi encontrada / conteudo nao encontrado / pagina inexistente / "
        "nao encontrado / pagina indisponivel",
        "nl": "pagina niet gevonden / niet gevonden / pagina bestaat niet / "
        "pagina ~ bestaat niet / pagina ~ niet ~ beschikbaar / "
        "kunnen ~ pagina niet vinden / pagina kon niet worden gevonden / fout 404 / "
        "pagina ~ niet ~ gevonden / niets gevonden / inhoud niet gevonden / "
        "bestaat niet meer",
        "pl": "nie znaleziono strony / strona nie zostala znaleziona / nie znaleziono / "
        "strona nie istnieje / strona ~ nie istnieje / nie ma takiej strony / blad 404 / "
        "strona niedostepna / strona jest niedostepna / nie mozna znalezc ~ / "
        "nie moglismy znalezc ~ / nie mozemy znalezc ~ / nie odnaleziono strony / "
        "strona ~ nie * odnaleziona / brak strony",
        "ru": "страница не найдена / не найдено / не найдена / страница не существует / "
        "страниц* ~ не существует / такой страницы ~ нет / нет такой страницы / "
        "страница недоступна / ошибка 404 / не удалось найти ~ / ничего не найдено / "
        "страница удалена / страница ~ была удалена / мы не нашли ~ страниц* / "
        "не можем найти ~ страниц* / материал не найден",
        "ja": "ページが見つかりません / ページが見つかりませんでした / 見つかりません / 見つかりませんでした / ページは存在しません / ページが存在しません / "
        "お探しのページ / 存在しないページ / ページは削除され / 404エラー / ご指定のページ / ページがありません / 該当するページ",
        "zh": "页面未找到 / 找不到页面 / 页面不存在 / 找不到網頁 / 找不到頁面 / 頁面不存在 / 未找到页面 / 网页不存在 / 您访问的页面不存在 / "
        "您访问的页面 / 页面找不到 / 找不到您 / 内容不存在 / 無法找到 / 无法找到 / 页面走丢 / 页面已删除 / 頁面已刪除 / 未找到 / 找不到",
        "ko": "페이지를 찾을 수 없 / 찾을 수 없습니다 / 존재하지 않는 페이지 / 페이지가 존재하지 / 없는 페이지 / 페이지가 없습니다 / "
        "요청하신 페이지 / 삭제된 페이지 / 404 오류",
        "ar": "الصفحة غير موجودة / لم يتم العثور على / لم نعثر على / الصفحة غير متوفرة / "
        "الصفحة غير متاحة / خطا 404 / الصفحة المطلوبة / تعذر العثور / غير موجود* / "
        "لم نتمكن من العثور / لا توجد صفحة",
        "tr": "sayfa bulunamadi / bulunamadi / sayfa mevcut degil / boyle bir sayfa yok / "
        "aradiginiz sayfa* / sayfa bulunamiyor / 404 hatasi / hata 404 / "
        "sayfayi bulamadik / sayfa yok / sayfa kaldirilmis* / icerik bulunamadi",
        "sv": "sidan hittades inte / sidan kunde inte hittas / sidan finns inte / "
        "hittades inte / vi kan inte hitta sidan / sidan du söker / sidan saknas",
        "da": "siden blev ikke fundet / siden findes ikke / siden kunne ikke findes / "
        "ikke fundet / vi kan ikke finde siden",
        "no": "siden ble ikke funnet / fant ikke siden / siden finnes ikke / "
        "siden eksisterer ikke / finner ikke siden / ikke funnet",
        "fi": "sivua ei löydy / sivua ei löytynyt / sivua ei ole / ei löytynyt / ei löydy / "
        "hakemaasi sivua",
        "cs": "stránka nenalezena / stránka nebyla nalezena / stránka neexistuje / "
        "nenalezeno / stránku se nepodařilo najít / stránka nebyla",
        "sk": "stránka nenájdená / stránka sa nenašla / stránka nebola nájdená / "
        "stránka neexistuje / nenájdené",
        "hu": "az oldal nem található / oldal nem található / nem található / "
        "a keresett oldal / nincs ilyen oldal",
        "ro": "pagina nu a fost găsită / pagină negăsită / pagina nu există / "
        "pagina nu a putut * / nu am găsit *",
        "el": "η σελίδα δεν βρέθηκε / δεν βρέθηκε / η σελίδα δεν υπάρχει / σελίδα δεν βρέθηκε",
        "uk": "сторінку не знайдено / сторінка не знайдена / не знайдено / сторінка не існує / "
        "такої сторінки не існує",
        "bg": "страницата не е намерена / страницата не беше намерена / не е намерена / "
        "страницата не съществува / не е намерено",
        "hr": "stranica nije pronađena / stranica ne postoji / nije pronađena / "
        "nije pronađeno / strana nije pronađena",
        "vi": "không tìm thấy trang / trang không tồn tại / không tìm thấy / trang bạn tìm",
        "th": "ไม่พบหน้า / ไม่พบหน้าที่คุณ / ไม่พบเพจ / ไม่มีหน้านี้",
        "id": "halaman tidak ditemukan / tidak ditemukan / halaman tidak ada / "
        "halaman yang anda cari",
        "he": "הדף לא נמצא / העמוד לא נמצא / לא נמצא / העמוד אינו קיים / הדף אינו קיים",
        "hi": "पृष्ठ नहीं मिला / पेज नहीं मिला / नहीं मिला",
        "fa": "صفحه یافت نشد / صفحه پیدا نشد / یافت نشد / صفحه مورد نظر / پیدا نشد",
    },
    "weak": {
        "en": "oops / whoops / uh oh / error / sorry / lost / page error / page moved",
        "de": "hoppla / ups / fehler / huch",
        "fr": "oups / erreur / desole / perdu",
        "es": "vaya / ups / error / lo sentimos / oops",
        "it": "ops / errore / spiacenti / oops",
        "pt": "ops / oops / erro / desculpe / lamentamos",
        "nl": "oeps / fout / helaas / sorry",
        "pl": "ups / blad / przepraszamy / ojej",
        "ru": "упс / ой / ошибка / извините",
        "ja": "エラー / 申し訳",
        "zh": "错误 / 錯誤 / 抱歉 / 出错",
        "ko": "오류 / 죄송",
        "ar": "خطا / عذرا",
        "tr": "hata / uzgunuz / eyvah",
        "sv": "hoppsan / fel",
        "da": "ups / fejl",
        "no": "oops / feil",
        "fi": "hups / virhe",
        "cs": "chyba / jejda",
        "sk": "chyba",
        "hu": "hiba / hoppá",
        "ro": "eroare",
        "el": "σφάλμα / ωχ",
        "uk": "помилка",
        "bg": "грешка",
        "hr": "greška",
        "vi": "lỗi",
        "th": "ข้อผิดพลาด",
        "id": "kesalahan",
        "he": "שגיאה / אופס",
        "hi": "त्रुटि",
        "fa": "خطا",
    },
    "body": {
        "en": "may have been * moved / may have been * removed / may have been * deleted / "
        "have been moved or * / might have been * / has been removed / has been moved / "
        "has been deleted / no longer exist* / doesn t exist / does not exist / "
        "you re looking for / you are looking for / you were looking for / "
        "you requested / you have requested / mistyped / typed incorrectly / "
        "check the url / check the address / check the spelling / back to ~ home* / "
        "go home / go to ~ home* / return home / take me home / return to ~ home* / "
        "requested url / try searching / broken link / page you tried * / "
        "outdated link / it looks like nothing was found",
        "de": "verschoben oder geloscht / verschoben / wurde entfernt / wurde geloscht / "
        "die von ihnen gesuchte / gesuchte seite / angeforderte seite / vertippt / "
        "existiert nicht / zur startseite / zuruck zur startseite / adresse uberprufen / "
        "uberprufen sie die ~ / nicht mehr vorhanden / aufgerufene seite / "
        "falsch eingegeben",
        "fr": "deplacee ou supprimee / a ete deplacee / a ete supprimee / que vous cherchez / "
        "que vous recherchez / que vous demandez / demandee / retour a l accueil / "
        "revenir a l accueil / page d accueil / verifiez l adresse / verifier l url / "
        "n existe plus / n existe pas / a peut etre ete *",
        "es": "ha sido movida / ha sido eliminada / fue eliminada / movido o eliminado / "
        "que buscas / que busca / estas buscando / esta buscando / que intentas / "
        "solicitada / volver al inicio / volver a la pagina * / ir al inicio / "
        "pagina principal / compruebe la * / comprueba la * / ya no existe / no existe / "
        "haber sido *",
        "it": "e stata spostata / e stata rimossa / spostata o * / eliminata / "
        "che stai cercando / che cerchi / che cercavi / richiesta / richiesto / "
        "torna alla home* / torna all inizio / vai alla home* / pagina iniziale / "
        "controlla l indirizzo / verifica l indirizzo / non esiste",
        "pt": "foi movida / foi removida / foi excluida / movida ou * / que voce procura* / "
        "que procura / esta procurando / que tentou / solicitada / voltar ~ inicio / "
        "voltar ~ inicial / pagina inicial / ir para ~ inici* / verifique o * / "
        "nao existe mais / nao existe / ter sido *",
        "nl": "is verplaatst / is verwijderd / verplaatst of * / die u zoekt / die je zoekt / "
        "u zocht / opgevraagde / terug naar ~ home* / naar de homepage / "
        "naar de startpagina / controleer het adres / controleer de url / bestaat niet / "
        "zoekfunctie",
        "pl": "zostala przeniesiona / zostala usunieta / przeniesiona lub * / ktorej szukasz / "
        "szukasz / szukana strona / zadan* stron* / strony glownej / strona glowna / "
        "strone glowna / sprawdz ~ adres / nie istnieje / mogla zostac *",
        "ru": "была удалена / была перемещена / удалена или * / возможно она * / "
        "которую вы ищете / которую вы искали / вы искали / запрашиваем* / запрошенн* / "
        "на главную / на главной / главную страницу / проверьте ~ адрес* / "
        "неправильн* адрес / ошиблись / не существует / устарел*",
        "ja": "移動または削除 / 削除された / 移動した / 変更された / お探しの / 指定された / トップページ / トップへ戻る / ホームに戻る / "
        "urlをご確認 / アドレスが / 可能性があります",
        "zh": "已被删除 / 已被移除 / 已删除 / 已被移動 / 被移走 / 您要查找的 / 您要找的 / 您请求的 / 返回首页 / 返回主页 / 回到首頁 / "
        "返回首頁 / 检查网址 / 輸入的網址 / 不存在 / 输入的网址",
        "ko": "삭제되었거나 / 변경되었거나 / 이동되었 / 삭제되었 / 찾으시는 / 요청하신 / 홈으로 / 메인으로 / 메인 페이지 / 주소를 확인 / "
        "주소가 잘못 / 잘못 입력",
        "ar": "تم نقل / تم حذف / حذفها / نقلها / التي تبحث عنها / المطلوبة / الصفحة الرييسية / "
        "الرييسية / العودة الى / تحقق من / لم تعد موجودة",
        "tr": "kaldirilmis olabilir / silinmis olabilir / tasinmis olabilir / tasinmis veya / "
        "aradiginiz / ulasmaya calistiginiz / istediginiz / ana sayfa* / anasayfa* / "
        "adresi kontrol * / artik mevcut degil / bulunmamaktadir",
        "sv": "flyttats / tagits bort / till startsidan / finns inte längre",
        "da": "flyttet / slettet / til forsiden / findes ikke længere",
        "no": "flyttet / slettet / til forsiden / finnes ikke lenger",
        "fi": "siirretty / poistettu / etusivulle",
        "cs": "přesunuta / odstraněna / smazána / na úvodní stránku / na hlavní stránku / "
        "hledaná stránka",
        "sk": "presunutá / odstránená / na úvodnú stránku / na hlavnú stránku",
        "hu": "áthelyez* / eltávolít* / törölt* / főoldal* / kezdőlap*",
        "ro": "mutată / ștearsă / pagina principală / pagina căutată",
        "el": "μετακινηθεί / διαγραφεί / αρχική σελίδα",
        "uk": "видалено / переміщено / на головну / головну сторінку",
        "bg": "преместена / изтрита / начална* страница / към началото",
        "hr": "premještena / uklonjena / na početnu / početnu stranicu",
        "vi": "đã bị xóa / di chuyển / trang chủ",
        "th": "ถูกลบ / ถูกย้าย / หน้าแรก / หน้าหลัก",
        "id": "dihapus / dipindahkan / beranda / halaman utama",
        "he": "הוסר / הועבר / לדף הבית / לעמוד הבית",
        "hi": "हटा दिया / मुखपृष्ठ / होम",
        "fa": "حذف شده / منتقل شده / صفحه اصلی / صفحه اصلي",
    },
}
