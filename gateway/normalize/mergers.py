"""Municipalities that are no more, where the new one's towns do not bear the old name.

Facts: 総務省, 市町村合併資料集 (https://www.soumu.go.jp/gapei/), and for the wards of Hamamatsu
the city's reorganisation of 2024-01-01. Where the towns do bear it (古川市 became 大崎市 with
the town 古川大崎) the postal data itself tells, and no line is needed here.
"""

from typing import Final

_TABLE: Final = """
埼玉県 浦和市 さいたま市 大宮市 さいたま市 与野市 さいたま市 岩槻市 さいたま市岩槻区
埼玉県 鳩ケ谷市 川口市 上福岡市 ふじみ野市
茨城県 勝田市 ひたちなか市 那珂湊市 ひたちなか市 下館市 筑西市 岩井市 坂東市
東京都 田無市 西東京市 保谷市 西東京市 秋川市 あきる野市 西多摩郡五日市町 あきる野市
神奈川県 津久井郡津久井町 相模原市緑区 津久井郡城山町 相模原市緑区
神奈川県 津久井郡相模湖町 相模原市緑区 津久井郡藤野町 相模原市緑区
新潟県 新津市 新潟市秋葉区 白根市 新潟市南区 豊栄市 新潟市北区
新潟県 両津市 佐渡市 西蒲原郡巻町 新潟市西蒲区
静岡県 清水市 静岡市清水区 浜北市 浜松市浜名区 天竜市 浜松市天竜区
静岡県 浜松市中区 浜松市中央区 浜松市東区 浜松市中央区 浜松市西区 浜松市中央区
静岡県 浜松市南区 浜松市中央区 浜松市北区 浜松市 浜松市浜北区 浜松市浜名区
静岡県 庵原郡蒲原町 静岡市清水区 庵原郡由比町 静岡市清水区
愛知県 西春日井郡西春町 北名古屋市 西春日井郡師勝町 北名古屋市
兵庫県 篠山市 丹波篠山市
山口県 徳山市 周南市 新南陽市 周南市
愛媛県 北条市 松山市 伊予三島市 四国中央市 川之江市 四国中央市 東予市 西条市
福岡県 前原市 糸島市 筑紫郡那珂川町 那珂川市
鹿児島県 川内市 薩摩川内市
宮城県 黒川郡富谷町 富谷市
千葉県 山武郡大網白里町 大網白里市
岩手県 岩手郡滝沢村 滝沢市
栃木県 今市市 日光市 下都賀郡岩舟町 栃木市
熊本県 下益城郡城南町 熊本市南区 下益城郡富合町 熊本市南区 鹿本郡植木町 熊本市北区
熊本県 飽託郡北部町 熊本市北区 本渡市 天草市 牛深市 天草市
大阪府 南河内郡美原町 堺市美原区
秋田県 本荘市 由利本荘市
栃木県 黒磯市 那須塩原市
新潟県 栃尾市 長岡市 新井市 妙高市
富山県 新湊市 射水市
石川県 松任市 白山市
福井県 武生市 越前市
長野県 更埴市 千曲市
愛知県 尾西市 一宮市
滋賀県 八日市市 東近江市
兵庫県 龍野市 たつの市
福岡県 山田市 嘉麻市 甘木市 朝倉市
鹿児島県 国分市 霧島市
沖縄県 具志川市 うるま市
山梨県 中巨摩郡竜王町 甲斐市 中巨摩郡敷島町 甲斐市
"""


_SPELLED_OTHERWISE: Final = """
塩釜市 塩竈市 埼玉市 さいたま市 磐城市 いわき市 筑波市 つくば市 陸奥市 むつ市 津軽市 つがる市
常陸那珂市 ひたちなか市 霞ケ浦市 かすみがうら市 夷隅市 いすみ市 芦原市 あわら市 員弁市 いなべ市
南淡路市 南あわじ市 東香川市 東かがわ市 讃岐市 さぬき市
浮羽市 うきは市 秋留野市 あきる野市 市来串木野市 いちき串木野市
伊豆ノ国市 伊豆の国市 筑波未来市 つくばみらい市 富士見野市 ふじみ野市
"""
"""In kanji what is written in kana, or with the common character for a rare one."""


def _read() -> tuple[tuple[str, str, str], ...]:
    rows: list[tuple[str, str, str]] = []
    for line in _TABLE.split("\n"):
        prefecture, *names = line.split() or [""]
        rows.extend(
            (prefecture, old, new) for old, new in zip(names[::2], names[1::2], strict=True)
        )
    return tuple(rows)


_PAIRS: Final = _SPELLED_OTHERWISE.split()
SPELLINGS: Final = tuple(zip(_PAIRS[::2], _PAIRS[1::2], strict=True))
"""How else the name of a municipality is written, and its official form."""

MERGERS: Final = _read()
"""Prefecture, old municipality, and the new one or the beginning of its wards' names."""
