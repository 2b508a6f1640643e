"""Variants of one character, for comparison only; what a customer wrote is never replaced.

A hand-made table, dedicated to the public domain (CC0 1.0): each group begins with the form
that all others are folded to, which is the one of the jōyō or jinmeiyō lists where there is
one. Two questions decided membership: do a registry and a web form write the same person or
place with either, and is there no pair of different names that the fold would make equal?
So 斎 (サイ, abstain) and 斉 (セイ, equal) are one group although dictionaries part them: the
family name 斎藤 is written 斉藤 by the people who bear it and by those who type it for them.
"""

import re
import unicodedata
from typing import Final

_GROUPS: Final = """
高髙 崎﨑嵜碕㟢 辺邊邉 斎斉齋齊 浜濱濵 沢澤 広廣 島嶋嶌 桜櫻 国國圀 学學 竜龍 滝瀧
恵惠 真眞 蔵藏 円圓 塩鹽 桧檜 鉄鐵鐡銕 関關 実實 条條 寿壽 栄榮 薗園 淵渕渊 富冨
峰峯 館舘 曽曾 弥彌 万萬 亜亞 芸藝 検檢 県縣 黒黑 鶏鷄 剣劍劔 権權 厳嚴 晃晄 効效
砕碎 雑雜 糸絲 児兒 釈釋 収收 従從 渋澁 粛肅 緒緖 叙敍 将將 奨奬 称稱 焼燒
証證 乗乘 浄淨 剰剩 畳疊 嬢孃 譲讓 醸釀 触觸 嘱囑 穂穗 豊豐 来來 頼賴 礼禮 徳德
巌巖 槙槇 遥遙 尭堯 瑶瑤 凜凛 晋晉 巣巢 鴬鶯 鴎鷗 桑桒 柳栁 昇曻 清淸 静靜 青靑
瀬瀨 頬頰 巻卷 圏圈 勲勳 薫薰 教敎 郷鄕 与與 予豫 余餘 誉譽 応應 欧歐 仮假 価價
会會 絵繪 覚覺 観觀 帰歸 気氣 亀龜 旧舊 拠據 峡峽 挟挾 狭狹 暁曉 区區 径徑 茎莖
渓溪 経經 継繼 軽輕 献獻 験驗 顕顯 険險 戸戶 呉吳 娯娛 号號 済濟 剤劑 参參 蚕蠶
惨慘 賛贊 残殘 歯齒 辞辭 写寫 双雙 壮壯 荘莊 装裝 挿插 総總 騒騷 増增 属屬 続續
堕墮 対對 体體 台臺 択擇 担擔 単單 団團 断斷 弾彈 遅遲 昼晝 虫蟲 鋳鑄 庁廳 聴聽
鎮鎭 逓遞 転轉 点點 伝傳 当當 党黨 盗盜 灯燈 稲稻 読讀 独獨 届屆 弐貳 悩惱 脳腦
覇霸 拝拜 廃廢 売賣 麦麥 発發 髪髮 抜拔 蛮蠻 秘祕 瓶甁 払拂 仏佛 併倂 並竝 変變
弁辨瓣辯 舗舖 歩步 宝寶寳 萌萠 毎每 満滿 黙默 訳譯 薬藥 揺搖 様樣 謡謠 覧覽 乱亂
両兩 涼凉 猟獵 緑綠 隣鄰 塁壘 涙淚 励勵 戻戾 霊靈 齢齡 歴歷 暦曆 恋戀 錬鍊 炉爐
労勞 楼樓 録錄 湾灣 為爲 壱壹 隠隱 営營 衛衞 駅驛 縁緣 艶艷 奥奧 横橫 温溫 穏穩
懐懷 壊壞 拡擴 殻殼 岳嶽 楽樂 渇渴 缶罐 陥陷 勧勸 寛寬 歓歡 偽僞 戯戲 犠犧 駆驅
掲揭 携攜 撃擊 研硏 倹儉 黄黃 鉱鑛 砿礦 鎌鐮 枡桝 藪薮籔 辻𨑕 芦蘆 籠篭 諌諫 靭靱
壷壺 梼檮 涛濤 迩邇 蝿蠅 侠俠 尽盡 麹麴 祷禱 頚頸 土圡 吉𠮷 船舩 野埜 闘鬪
耕畊 莱萊 躯軀 讃讚 餅餠 飲飮 崇崈 禰祢 采釆 翆翠 儘侭 尓爾 穎頴 曹曺 撹攪 掻搔
箪簞 繍繡 醤醬 蝉蟬 騨驒 填塡 顛顚 嚢囊 溌潑 醗醱 屏屛 剥剝 叱𠮟 鹸鹼 焔焰 噛嚙
繋繫 昂昻 蒋蔣 鰺鯵 浅淺 帯帶 姫姬 恒恆 砺礪 舎舍 沖冲 場塲 厩廐廏 卯夘
留畄 彦彥 兎兔 雁鴈 柿杮 蕊蘂 桟棧 湿濕 厨廚 銭錢 枢樞 潜潛 繊纖 禅禪 滞滯 賎賤
聡聰 窓窗牕 竃竈 函凾 纏纒 蛍螢 欅櫸 磯礒 鉤鈎 略畧 裏裡 群羣 秋穐 松枩
"""

_VARIATION_SELECTORS: Final = re.compile("[\ufe00-\ufe0f\U000e0100-\U000e01ef]")
_COMPATIBILITY: Final = (
    *range(0xF900, 0xFB00),
    *range(0x2F800, 0x2FA20),
    *range(0x2F00, 0x2FE0),
)
"""Ideographs that are only another number for one (神 U+FA19), and radicals, which copied text has
in the place of the character (⼭ U+2F2D)."""


def _to_usual() -> dict[int, str]:
    groups = {other: group[0] for group in _GROUPS.split() for other in group[1:]}
    for code in _COMPATIBILITY:
        unified = unicodedata.normalize("NFKC", chr(code))
        if unified != chr(code):
            groups[chr(code)] = groups.get(unified, unified)
    return str.maketrans(groups)


_TO_USUAL: Final = _to_usual()


def fold_variants(text: str) -> str:
    """Each variant as its usual form, without the selectors of ideographic variation sequences."""
    return fold_variants_in_place(_VARIATION_SELECTORS.sub("", text))


def fold_variants_in_place(text: str) -> str:
    """Every index is kept: the selectors stay."""
    return text if text.isascii() else text.translate(_TO_USUAL)


_OTHERS: Final = frozenset(map(chr, _TO_USUAL))


def is_usual(text: str) -> bool:
    """Whether no character of the text has a more usual form."""
    return _OTHERS.isdisjoint(text)
