"""Words that say nothing of what a query is about: they are not looked for, not marked, and do not
choose a snippet, unless the query has no others, or puts them in quotation marks.

A common word weighs little in a ranking anyway. But a question's own words ("what", "how many") are
rare in texts that answer it, and what many texts hold takes an engine the longest. Measured by
`python -m benchmarks.ranking`: without them nDCG@10 is .387 instead of .375 on Cranfield.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterable, Mapping, Sequence, Set

from atlas.domain.search.analysis import PREFIX_MARK, PhraseWord, QueryTerm, query_terms

_COMMON = 0.1
"""The share of the best term's weight below which a term means nothing, in languages that have no
list here."""

_WORDS = {
    "en": """a about am an and any are as at be been being by can could did do does doing
        for from had has have having he her his how i if in into is it its many may me might
        most much must my not of on or our shall she should so some such than that the their
        them then there these they this those to us was we were what when where which while
        who whom whose why will with would you your""",
    "de": """aber alle als also am an auch auf aus bei bin bis bist da das dass dein dem den
        denn der des die dies diese dieser dieses doch du durch ein eine einem einen einer
        eines er es für gegen hat hatte hatten haben ich ihm ihn ihr ihre im in ist ja kann
        können man mein mit muss nach nicht noch nur ob oder ohne sehr sein seine seit sich
        sie sind so soll sollte über um und uns unter viel viele vom von vor war waren warum
        was welche welchem welchen welcher welches wem wen wenn wer werden wessen wie wieso
        wieviel wird wo wofür woher wohin worden wurde wurden zu zum zur""",
    "fr": """à ai as au aux avait avec avoir c ce ces cet cette combien comment d dans de
        des dont du elle elles en est et était étaient être eu fait il ils j je l la le les
        leur leurs lui m ma mais même mes mon n ne nos notre nous on ont ou où par pas pour
        pourquoi qu quand que quel quelle quelles quels qui quoi s sa sans se ses si son
        sont sur t ta te tes ton tu un une vos votre vous y a""",
    "es": """a al como cómo con cuál cuáles cuando cuándo cuánta cuántas cuánto cuántos de
        del donde dónde el ella ellas ellos en era eran es esa ese eso esta está están este
        esto fue fueron ha han hay la las le les lo los más me mi muy no nos o para pero por
        porque que qué quien quién quiénes se ser si sí sin sobre son su sus te tiene tu un
        una uno unos y ya""",
    "it": """a ai al alla alle anche che chi ci come con cosa cui da dal dalla dalle dei del
        della delle di dove e è ed era erano fu gli ha hanno i il in io la le lo loro ma mi
        nei nel nella nelle non o per perché più qual quale quali quando quanta quante
        quanti quanto se si sono stata stato su sua sue sui sul sulla suo un una uno""",
    "pt": """a ao aos as às com como da das de do dos e é ela ele eles em era eram essa esse
        esta está este foi foram há isso já mais mas na não nas no nos o onde os ou para
        pela pelo por porque qual quais quando quanta quantas quanto quantos que quem se sem
        ser seu seus são sobre sua suas também tem um uma""",
    "nl": """aan al als bij daar dan dat de der deze die dit door een en er geen had hadden
        heb hebben heeft het hij hoe hoeveel ik in is je kan maar meer met mijn na naar niet
        nog of om onder ook op over te tot uit van veel voor waar waarom wanneer waren was
        wat welk welke werd werden wie wordt worden zal ze zich zij zijn zo zou""",
    "sv": """alla att av de den dem denna det detta då där efter eller en ett finns för från
        ha hade han har hon hur i in inte jag kan man med men mot många mycket ni nu när och
        om på sig sin som till under upp ut vad var varför vara vem vi vid vilka vilken
        vilket är över""",
    "pl": """a ale bez był była było były być co czy czym dla do gdzie go i ich ile ilu jak
        jaka jaki jakie jako jego jej jest kiedy kim kogo komu kto która które którego
        której który których którzy lub ma na nad nie niż o od oraz po pod przed przez przy
        się są ta tak tam te tego tej ten to tym w we z za ze że""",
    "ru": """а без был была были было быть в вас вы где для до его ее если есть еще же за и
        из или им их к как какая какие каким каких какова какое какой каков какого какую ко
        кого когда кому который которая которое которые которого которой котором кто куда ли
        между мне может мы на над не него нет ни но о об он она они оно от откуда по под
        почему при про с сколько со так также то тоже только у чего чей чем чему что чтобы
        чья эта эти это этого этой этом этот я""",
    "uk": """а або але без був була були було бути в ви від він вона вони воно все де для до
        є з за зі і із й його її їх коли кого кому котрий куди між ми на над не ні о об під
        по при про скільки та так також те ти то тому у хто це цей ця чий чим чому що щоб як
        яка який яких які якого якої яку""",
    "el": """α από αυτή αυτό αυτός για δεν ένα ένας είναι είχε έχει έχουν η ήταν και κατά με
        μετά μια να ο οι όπως όταν ποια ποιες ποιο ποιοι ποιος πόσα πόσες πόσο πόσοι πότε
        που πού πως πώς σε στη στην στις στο στον στους στα τα τη την της τι τις το τον του
        τους των ως γιατί""",
    "tr": """ama ancak bir bu da daha de değil diye en gibi hangi hangisi hem her için ile
        ise kaç kadar ki kim kimdir kimin mi mı mu mü nasıl ne neden nedir nerede nereye
        niçin o olan olarak oldu olduğu onun sonra şu ve veya ya""",
    "ar": """إلى أن أو أي أين التي الذي الذين إن ب بعد بين ثم حتى ذلك على عن عند في قد كان
        كانت كل كم كما كيف لا لم لماذا لها له ما ماذا متى مع من منذ هذا هذه هل هم هو هي و""",
    "he": """א אבל או אך אל אם אני את אתה איזה איזו אילו איך איפה אין בין גם הוא היא היה היו
        היתה הם זאת זה זו יש כי כל כמה כיצד לא לו לה למה מאיפה מדוע מה מי מתי עד על עם רק של
        שלה שלו""",
    "hi": """इस उस एक ओर और कब कहाँ का कितना कितनी कितने किन किया किस किसने किसे की के को
        कौन कौनसा क्या क्यों कैसे गया जो तक तो था थी थे द्वारा ने पर भी में यह या वह से हुआ
        है हैं हो""",
    "vi": """ai bao bằng các cái cho có của cùng đã đâu để đến đó được gì hay khi không là
        làm lúc mà mấy một nào này nhiều như những nơi ở ra sao sẽ tại thế thì trong từ và
        vào về với vì""",
    "id": """ada adalah akan apa apakah atau bagaimana bagi berapa dalam dan dapat dari
        dengan di dia ini itu juga kapan ke kepada mana mengapa mereka oleh pada para saat
        siapa sebagai seperti telah tidak untuk yang""",
    "zh": """什么 多少 哪个 哪些 哪里 哪儿 哪年 哪种 哪位 哪一 为什么 怎么 怎样 怎么样 如何
        何时 何地 几个 是否 有没有 是不是 可以 因为 所以 以及 或者 但是 他们 她们 它们 我们
        你们 这个 那个 这些 那些 之间 多大 多长 多久 多远 之一 一个 名字 叫做""",
    "ja": """何 誰 何年 何人 何時 何回 何度 どの どれ どこ どんな いつ なぜ いくつ いくら
        どのくらい""",
    "ko": """무엇 무엇을 무엇이 무엇인가 어떤 어느 어디 어디에 어디에서 언제 누구 누가
        누구의 얼마 얼마나 몇 왜 어떻게 입니까 습니까 있습 였습 합니 했습 됩니 되었 인가요
        나요 하는 있는 것은 것이 에서 으로 그리고 또는 하지만""",
    "th": """อะไร เท่าไร เท่าไหร่ เท่าใด กี่ ใคร ที่ไหน ไหน เมื่อไร เมื่อไหร่ เมื่อใด ทำไม
        อย่างไร ยังไง ใด และ หรือ แต่ ที่ ของ ใน เป็น คือ ได้ ให้ ไป มา มี จะ ไม่ ว่า กับ
        จาก โดย ซึ่ง ถึง การ ความ นี้ นั้น ไปกี่ อยู่ ที่สุด หรือไม่ คนใด สิ่งใด อะไรบ้าง""",
}  # fmt: skip

_CHARACTERS = {
    "zh": "的了是在和有吗呢吧与及之这那哪些个么什多少何为谁几被把对从到于以其而也就都不年第由",
    "ja": r"\u3041-\u309f何誰",
    "ko": "은는이가을를의에로와과도만까지부터인요니다습입무엇어떤느디언제누구얼나몇왜게했었였",
}
"""Of scripts that are looked up by n-grams: an n-gram of nothing but these says nothing."""

_UNKNOWN = ("en", "zh", "ja", "ko", "th")


_NGRAMS = frozenset(("zh", "ja", "ko", "th"))
_FIRST_NGRAM = "\u0e00"
_TOLD = 2  # stop words of one language from which a query is in it: "die hard" is not German
_TOLD_NGRAMS = 1  # the same where the script tells most of it


def asked_terms(
    terms: Sequence[QueryTerm], quoted: Iterable[Sequence[PhraseWord]] = ()
) -> tuple[QueryTerm, ...]:
    """The terms of a query that are looked for: all but stop words of its language, which are kept
    where they are of a `quoted` phrase, or all that there is."""
    kept = {word.lexeme for phrase in quoted for word in phrase}
    words = {term.lexeme for term in terms if not term.lexeme.startswith(PREFIX_MARK)}
    stops = _stops(words, _WORDS.keys() - _NGRAMS, _TOLD)
    if max(words, default="") >= _FIRST_NGRAM:  # else they need not be known, nor variants of Han
        stops |= _stops(words, _NGRAMS, _TOLD_NGRAMS)
    asked = tuple(each for each in terms if each.lexeme in kept or each.lexeme not in stops)
    return asked or tuple(terms)


def _stops(words: Set[str], languages: Iterable[str], least: int) -> frozenset[str]:
    """The stop words of the language that has most of these words as such; of several that have
    as many, those that all of them have. None if there are fewer than `least`."""
    told = {lang: len(words & _lexemes(lang)) for lang in languages}
    most = max(least, *told.values())
    likely = [_lexemes(lang) for lang, count in told.items() if count == most]
    return frozenset.intersection(*likely) if likely else frozenset()


def meant_terms(
    weights: Mapping[QueryTerm, float], quoted: Iterable[Sequence[PhraseWord]], lang: str | None
) -> dict[str, float]:
    """The lexemes by which a snippet of a document in this language is chosen, each with its worth:
    all but stop words, which are kept where they are of a `quoted` phrase, or all that there is."""
    kept = {word.lexeme for phrase in quoted for word in phrase}
    languages = (lang,) if lang else _UNKNOWN
    known = lang is None or lang in _WORDS
    least = _COMMON * max(weights.values(), default=0.0)
    meant = {
        term.lexeme: worth
        for term, worth in weights.items()
        if term.lexeme in kept
        or not (
            any(is_stop_word(term.lexeme, each) for each in languages) if known else worth < least
        )
    }
    return meant or {term.lexeme: worth for term, worth in weights.items()}


def is_stop_word(lexeme: str, lang: str) -> bool:
    """Whether a lexeme of the analyser says nothing in this language."""
    if lexeme in _lexemes(lang):
        return True
    nothing = _nothing(lang)
    return nothing is not None and nothing.fullmatch(lexeme) is not None


@functools.cache
def _lexemes(lang: str) -> frozenset[str]:
    return frozenset(term.lexeme for term in query_terms(_WORDS.get(lang, "")))


@functools.cache
def _nothing(lang: str) -> re.Pattern[str] | None:
    characters = _CHARACTERS.get(lang)
    return re.compile(f"[{characters}]+") if characters else None
