"""The records of Zengin files 01 (振込入金通知) and 03 (入出金取引明細) (business-formats §1.2, §1.3)."""

from contract_gate.formats.layout import Field, Layout

ACCOUNT_KINDS = ("1", "2", "4")  # time deposits (5, 6, 7) have another data layout

HEADER_01 = Layout(
    Field("データ区分", 1, 1, "number", ("1",)),
    Field("種別コード", 2, 3, "number", ("01",)),
    Field("コード区分", 4, 4, "number", ("0",)),
    Field("作成日", 5, 10, "number"),
    Field("勘定日（自）", 11, 16, "number"),
    Field("勘定日（至）", 17, 22, "number"),
    Field("銀行コード", 23, 26, "number"),
    Field("銀行名", 27, 41, "bank"),
    Field("支店コード", 42, 44, "number"),
    Field("支店名", 45, 59, "bank"),
    Field("預金種目", 60, 60, "number", ACCOUNT_KINDS),
    Field("口座番号", 61, 67, "number"),
    Field("口座名", 68, 107, "name"),
    Field("ダミー", 108, 200, "filler"),
)
_DATA_01 = (
    Field("データ区分", 1, 1, "number", ("2",)),
    Field("照会番号", 2, 7, "optional"),
    Field("勘定日", 8, 13, "number"),
    Field("起算日", 14, 19, "optional"),
    Field("金額", 20, 29, "number"),
    Field("うち他店券金額", 30, 39, "optional"),
    Field("振込依頼人コード", 40, 49, "optional"),
    Field("振込依頼人名", 50, 97, "name"),
    Field("仕向銀行名", 98, 112, "bank"),
    Field("仕向店名", 113, 127, "bank"),
    Field("取消区分", 128, 128, "number", ("0", "1", " ")),
)
DATA_01_A = Layout(*_DATA_01, Field("EDI情報", 129, 148, "edi"), Field("ダミー", 149, 200, "filler"))
DATA_01_B = Layout(
    *_DATA_01,
    Field("金額(2)", 129, 140, "number"),
    Field("うち他店券金額(2)", 141, 152, "number"),
    Field("EDI情報", 153, 172, "edi"),
    Field("ダミー", 173, 200, "filler"),
)
TRAILER_01 = Layout(
    Field("データ区分", 1, 1, "number", ("8",)),
    Field("振込合計件数", 2, 7, "number"),
    Field("振込合計金額", 8, 19, "number"),
    Field("取消合計件数", 20, 25, "optional"),
    Field("取消合計金額", 26, 37, "optional"),
    Field("ダミー", 38, 200, "filler"),
)
END_01 = Layout(Field("データ区分", 1, 1, "number", ("9",)), Field("ダミー", 2, 200, "filler"))

HEADER_03 = Layout(
    Field("データ区分", 1, 1, "number", ("1",)),
    Field("種別コード", 2, 3, "number", ("03",)),
    Field("コード区分", 4, 4, "number", ("0",)),
    Field("作成日", 5, 10, "number"),
    Field("勘定日（自）", 11, 16, "number"),
    Field("勘定日（至）", 17, 22, "number"),
    Field("銀行コード", 23, 26, "number"),
    Field("銀行名", 27, 41, "bank"),
    Field("支店コード", 42, 44, "number"),
    Field("支店名", 45, 59, "bank"),
    Field("ダミー0", 60, 62, "number", ("000",)),
    Field("預金種目", 63, 63, "number", ACCOUNT_KINDS),
    Field("口座番号", 64, 73, "number"),
    Field("口座名", 74, 113, "name"),
    Field("貸越区分", 114, 114, "number", ("1", "2")),
    Field("通帳・証書区分", 115, 115, "optional"),
    Field("取引前残高", 116, 129, "number"),
    Field("ダミー", 130, 200, "filler"),
)
DATA_03 = Layout(
    Field("データ区分", 1, 1, "number", ("2",)),
    Field("照会番号", 2, 9, "optional"),
    Field("勘定日", 10, 15, "number"),
    Field("預入・払出日", 16, 21, "optional"),
    Field("入払区分", 22, 22, "number", ("1", "2")),
    Field("取引区分", 23, 24, "number", ("10", "11", "12", "13", "14", "18", "19")),
    Field("取引金額", 25, 36, "number"),
    Field("うち他店券金額", 37, 48, "optional"),
    Field("交換呈示日", 49, 54, "optional"),
    Field("不渡返還日", 55, 60, "optional"),
    Field("手形・小切手区分", 61, 61, "optional"),
    Field("手形・小切手番号", 62, 68, "optional"),
    Field("僚店番号", 69, 71, "optional"),
    Field("振込依頼人コード", 72, 81, "optional"),
    Field("振込依頼人名・契約者番号", 82, 129, "name"),
    Field("仕向銀行名", 130, 144, "bank"),
    Field("仕向店名", 145, 159, "bank"),
    Field("摘要内容", 160, 179, "edi"),
    Field("EDI情報", 180, 199, "edi"),
    Field("ダミー", 200, 200, "filler"),
)
TRAILER_03 = Layout(
    Field("データ区分", 1, 1, "number", ("8",)),
    Field("入金件数", 2, 7, "number"),
    Field("入金額合計", 8, 20, "number"),
    Field("出金件数", 21, 26, "number"),
    Field("出金額合計", 27, 39, "number"),
    Field("貸越区分", 40, 40, "number", ("1", "2")),
    Field("取引後残高", 41, 54, "number"),
    Field("データ・レコード件数", 55, 61, "number"),
    Field("ダミー", 62, 200, "filler"),
)
END_03 = Layout(
    Field("データ区分", 1, 1, "number", ("9",)),
    Field("レコード総件数", 2, 11, "optional"),
    Field("口座数", 12, 16, "optional"),
    Field("ダミー", 17, 200, "filler"),
)
