"""What pages say that speak about logins, errors and the like. Data, as in the files beside it."""

from __future__ import annotations

from typing import Final

TOPICS: Final[dict[str, str]] = {
    "en": "how to * / how do * / how can * / what is * / what are * / what does * / what s a * / "
    "why * / guide / guides / tutorial* / documentation / docs / reference / glossary / faq / "
    "frequently asked * / examples / design* / gallery / best practices / tips / history of * / "
    "blog / policy / policies / notice / terms / wikipedia / encyclopedia / dictionary / "
    "definition / meaning / explained / introduction / overview / help cent* / knowledge base / "
    "changelog / release notes / status codes / error codes / status / api / review / news / "
    "troubleshoot* / fix* / understanding * / customi?e * / creating * / building * / handling * / "
    "announcement* / lyrics / movie / film / book / novel / song / album",
    "de": "wie * / was ist * / was sind * / warum * / anleitung / handbuch / dokumentation / "
    "referenz / glossar / hilfe / beispiele / richtlinie* / datenschutzerklarung / ratgeber / "
    "wikipedia / worterbuch / bedeutung / erklart / cookie richtlinie* / nachrichten / status / "
    "ubersicht / einfuhrung / tipps",
    "fr": "comment * / qu est ce * / pourquoi * / guide / tutoriel / documentation / "
    "reference / glossaire / faq / aide / exemples / politique * / charte / wikipedia / "
    "definition / dictionnaire / mentions legales / actualites / conseils / statut",
    "es": "como * / que es * / que son * / por que * / guia / tutorial / documentacion / "
    "referencia / glosario / ayuda / ejemplos / politica * / wikipedia / definicion / "
    "diccionario / aviso legal / noticias / consejos / estado",
    "it": "come * / che cos * / cosa e * / perche * / guida / tutorial / documentazione / "
    "riferimento / glossario / aiuto / esempi / politica * / informativa sui * / "
    "informativa sulla * / wikipedia / definizione / dizionario / notizie / cookie policy / stato",
    "pt": "como * / o que e * / por que * / guia / tutorial / documentacao / referencia / "
    "glossario / ajuda / exemplos / politica * / wikipedia / definicao / dicionario / noticias / "
    "estado / dicas",
    "nl": "hoe * / wat is * / wat zijn * / waarom * / handleiding / documentatie / "
    "naslag / woordenlijst / hulp / voorbeelden / beleid / cookiebeleid / privacybeleid / "
    "cookieverklaring / privacyverklaring / wikipedia / betekenis / nieuws / tips / status",
    "pl": "jak * / co to * / czym jest * / dlaczego * / poradnik / przewodnik / samouczek / "
    "dokumentacja / slownik* / pomoc / przyklady / polityka * / wikipedia / definicja / "
    "aktualnosci / instrukcja / status",
    "ru": "как * / что такое * / почему * / зачем * / руководство / инструкция / документация / "
    "справочник / справка / глоссарий / примеры / политика * / википедия / определение / "
    "новости / обзор / советы / статус",
    "ja": "方法 / とは / ガイド / チュートリアル / ドキュメント / リファレンス / 用語集 / ヘルプ / "
    "ポリシー / ウィキペディア / 使い方 / 入門 / 解説 / ニュース / よくある質問 / 手順",
    "zh": "如何 / 怎么 / 怎樣 / 什么是 / 什麼是 / 为什么 / 指南 / 教程 / 文档 / 文件 / 参考 / 術語 / 术语 / "
    "帮助 / 說明 / 政策 / 维基 / 維基 / 百科 / 新闻 / 新聞 / 详解 / 介绍 / 常见问题",
    "ko": "방법 / 이란 / 무엇인가 / 가이드 / 튜토리얼 / 문서 / 참조 / 용어 / 도움말 / 정책 / 처리방침 / "
    "위키 / 뉴스 / 안내서 / 사용법 / 자주 묻는",
    "ar": "كيف * / كيفية * / ما هو * / ما هي * / لماذا * / دليل / شرح / توثيق / مرجع / مسرد / "
    "مساعدة / سياسة * / ويكيبيديا / تعريف / اخبار",
    "tr": "nasil * / nedir / neden * / rehber* / kilavuz* / belgeler / dokumantasyon / basvuru / "
    "sozluk / yardim / ornekler / politika* / vikipedi / haberler / ipuclari",
}
"""Titles of pages that speak about such things."""

SPEAKS_ABOUT: Final[dict[str, str]] = {
    "en": "status code* / http status / response code / in this article / in this guide / "
    "this article / this guide / this tutorial / for example / users who / the user / "
    "when a user / refers to / is a type of / step 1 / updated on / posted on / published on / "
    "last updated / min read / written by / read more / subscribe to our",
    "de": "statuscode* / in diesem artikel / zum beispiel / der benutzer / bezeichnet / "
    "schritt 1 / "
    "zuletzt aktualisiert / veroffentlicht am / stand *",
    "fr": "code d etat / code de statut / dans cet article / par exemple / l utilisateur / "
    "etape 1 / derniere mise a jour / publie le",
    "es": "codigo de estado / codigos de estado / en este articulo / por ejemplo / el usuario / "
    "paso 1 / ultima actualizacion / publicado el",
    "it": "codice di stato / codici di stato / in questo articolo / ad esempio / l utente / "
    "passo 1 / ultimo aggiornamento / pubblicato il",
    "pt": "codigo de status / codigo de estado / neste artigo / por exemplo / o usuario "
    "/ passo 1 / "
    "ultima atualizacao / publicado em",
    "nl": "statuscode* / in dit artikel / bijvoorbeeld / de gebruiker / stap 1 / "
    "laatst bijgewerkt / gepubliceerd op",
    "pl": "kod stanu / kody stanu / kod odpowiedzi / w tym artykule / na przyklad / uzytkownik / "
    "krok 1 / ostatnia aktualizacja / opublikowano",
    "ru": "код состояния / коды состояния / код ответа / в этой статье / например / пользователь / "
    "шаг 1 / последнее обновление / опубликовано",
    "ja": "ステータスコード / この記事 / 例えば / たとえば / ユーザーが / 手順1 / 最終更新 / 公開日",
    "zh": "状态码 / 狀態碼 / 本文 / 例如 / 用户可以 / 步骤1 / 第一步 / 最后更新 / 发布于",
    "ko": "상태 코드 / 이 글에서 / 예를 들어 / 사용자가 / 1단계 / 최종 수정 / 게시일",
    "ar": "رمز الحالة / في هذا المقال / على سبيل المثال / الخطوة 1 / اخر تحديث / نشر في",
    "tr": "durum kodu / bu makalede / bu yazida / ornegin / adim 1 / son guncelleme / yayinlanma",
}
"""What articles and manuals say, and such pages do not."""
