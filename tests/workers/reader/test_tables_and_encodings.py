"""CSV and TSV as people really export them, and text in whatever encoding it comes."""

import codecs
import csv
import io

import pytest

GERMAN = (
    "Frage;Antwort\r\n"
    "Können Sie mein Fahrrad prüfen?;Ja, natürlich – kommen Sie früh.\r\n"
    "Was kostet das Öffnen größerer Schlösser?;Zwölf „Euro“, also 12 €.\r\n"
)
GERMAN_ROWS = {
    1: [("user", "Können Sie mein Fahrrad prüfen?"), ("assistant", "Ja, natürlich – kommen Sie früh.")],
    2: [("user", "Was kostet das Öffnen größerer Schlösser?"), ("assistant", "Zwölf „Euro“, also 12 €.")],
}


@pytest.mark.row("D2")
def test_windows_1252_is_found_out_read_right_and_said(read):
    done = read(GERMAN.encode("cp1252"), "fragen.csv")
    assert done.rows == GERMAN_ROWS
    assert done.report["encoding"] == "windows-1252"
    note = done.notes("encoding")[0]
    assert note.data == {"encoding": "windows-1252", "found_by": "content"}
    assert note.is_warning


@pytest.mark.row("D2")
@pytest.mark.parametrize(
    ("text", "codec", "name"),
    [
        ("question,réponse\nOù êtes-vous situé ?,Près de l’église à côté du marché\n", "cp1252", "windows-1252"),
        ("pregunta,respuesta\n¿Cuánto cuesta?,Ochenta años más tarde en España\n", "cp1252", "windows-1252"),
        ("prompt,response\ncafé,naïve\n", "cp1252", "windows-1252"),
        ("prompt,response\nvoilà,déjà vu\n", "latin-1", "windows-1252"),
        ("prompt;response\nGdzie kupić chleb?;W sklepie obok kościoła, żeby było łatwiej\n", "cp1250", "windows-1250"),
        ("вопрос;ответ\nКак дела сегодня у вас?;Спасибо, всё хорошо, приходите\n", "cp1251", "windows-1251"),
        ("質問,答え\n自転車を修理できますか,はい、できます。明日来てください\n", "shift_jis", "shift-jis"),
        ("问题,答案\n你能修理我的自行车吗,可以的，请明天早上来\n", "gb18030", "gb18030"),
    ],
)
def test_older_encodings_are_told_apart(read, text, codec, name):
    done = read(text.encode(codec), "rows.csv")
    _header, first = csv.reader(io.StringIO(text), delimiter=";" if ";" in text else ",")
    assert done.report["encoding"] == name
    assert [content for _role, content in done.rows[1]] == first


@pytest.mark.row("D2")
@pytest.mark.parametrize("codec", ["utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-8-sig", "utf-8"])
def test_unicode_is_read_with_and_without_a_mark(read, codec):
    assert read(GERMAN.encode(codec), "fragen.csv").rows == GERMAN_ROWS


@pytest.mark.row("D2")
def test_jsonl_in_utf_16_is_read(read, chat):
    done = read(codecs.BOM_UTF16_BE + (chat("Straße 🚲?") + chat()).encode("utf-16-be"))
    assert done.rows[1][0] == ("user", "Straße 🚲?")
    assert done.report["encoding"] == "utf-16-be"


@pytest.mark.row("D2")
def test_a_late_umlaut_still_decides_the_encoding(read):
    plain = "prompt,response\n" + "a plain question,a plain answer\n" * 20_000
    done = read((plain + "Grüße aus Köln,schöne Grüße zurück\n").encode("cp1252"), "rows.csv")
    assert done.rows[20_001][0] == ("user", "Grüße aus Köln")
    assert done.report["encoding"] == "windows-1252"


@pytest.mark.row("D2")
@pytest.mark.parametrize("name", ["rows.csv", "rows.jsonl"])
def test_in_a_mixed_file_the_odd_row_is_listed(read, chat, name):
    row = (lambda text: f"{text},yes\n") if name == "rows.csv" else chat
    good = "".join(row(f"Grüße {number}") for number in range(5))
    start = "prompt,response\n" if name == "rows.csv" else ""
    done = read((start + good).encode() + row("Grüße").encode("cp1252") + row("ok").encode(), name)
    assert list(done.rows) == [1, 2, 3, 4, 5, 7]
    assert done.verdicts == [(6, "bad_encoding")]
    assert done.report["encoding"] == "utf-8"


@pytest.mark.row("D2")
def test_half_a_character_in_utf_16_costs_only_its_row(read, chat):
    data = chat("one?").encode("utf-16-le") + chat("tw\ud83do?").encode("utf-16-le", "surrogatepass")
    done = read(codecs.BOM_UTF16_LE + data + chat("three?").encode("utf-16-le"))
    assert list(done.rows) == [1, 3]
    assert done.verdicts[0][0] == 2


@pytest.mark.row("D2")
def test_nul_in_a_cell_is_listed(read):
    done = read("prompt,response\na,b\nc,d\0e\n", "rows.csv")
    assert list(done.rows) == [1]
    assert done.verdicts == [(2, "nul_character")]


@pytest.mark.row("D9")
@pytest.mark.parametrize(("delimiter", "name"), [(",", "a.csv"), (";", "a.csv"), ("\t", "a.tsv"), ("|", "a.txt")])
def test_the_delimiter_is_found_out_and_said(read, delimiter, name):
    lines = [["prompt", "response"], ["Red, green; or blue?", "Blue, surely; or\tred"], ["Two\nlines?", 'A "quote".']]
    out = io.StringIO()
    csv.writer(out, delimiter=delimiter).writerows(lines)
    done = read(out.getvalue(), name)
    assert [[content for _role, content in turns] for turns in done.rows.values()] == lines[1:]
    assert done.report["delimiter"] == delimiter
    assert done.notes("format")[0].data["delimiter"] == delimiter


@pytest.mark.row("D9")
def test_a_cell_above_the_csv_modules_own_limit_is_read(read):
    long = "x" * 500_000
    assert read(f"prompt,response\n{long},yes\n", "rows.csv").rows[1][0] == ("user", long)


@pytest.mark.row("D9")
def test_an_unbalanced_quote_costs_only_its_row(read):
    rows = "".join(f"question {number},answer {number}\n" for number in range(40))
    done = read("prompt,response\n" + rows + '"oops,yes\n' + rows, "rows.csv")
    assert len(done.rows) == 80
    assert done.verdicts == [(41, "unbalanced_quote")]


@pytest.mark.row("D9")
def test_ten_thousand_columns_are_shown_in_part(read):
    done = read(",".join(f"c{number}" for number in range(10_000)) + "\n" + "1," * 9_999 + "1\n", "wide.csv")
    assert done.ended.fault == "unknown_format"
    assert len(done.document("sample.json")["columns"]) == 200
    assert (done.folder / "events.jsonl").stat().st_size < 100_000


@pytest.mark.row("D9")
def test_a_missing_header_is_noticed_and_its_columns_are_numbered(read):
    data = "Can you mend my bicycle before the weekend?,Yes. Bring it on Friday.\nWhen do you close?,At six.\n"
    ended = read(data, "rows.csv").ended
    assert ended.fault == "unknown_format"
    assert ended.data["columns"] == ["column 1", "column 2"]
    done = read(data, "rows.csv", mapping={"prompt": "column 1", "response": "column 2"})
    assert done.rows[2] == [("user", "When do you close?"), ("assistant", "At six.")]
    assert done.notes("header_missing")


@pytest.mark.row("D9")
def test_columns_that_say_nothing_lead_to_a_question_with_a_sample(read):
    done = read("wert a;wert b;wert c\nx;y;z\n", "rows.csv")
    assert done.ended.fault == "unknown_format"
    assert done.ended.data["columns"] == ["wert a", "wert b", "wert c"]
    assert done.ended.data["sample"] == [["x", "y", "z"]]
    assert done.ended.data["guess"] == {"prompt": "wert a", "response": "wert b"}
    assert done.ended.data["doubts"] == ["unknown_names"]
    assert done.document("sample.json")["rows"] == [{"row": 1, "values": ["x", "y", "z"]}]
    assert done.manifest_is_true()


def test_a_given_mapping_is_used_exactly(read):
    data = "prompt,response,wert\nwrong,wrong,right?\nwrong,yes,also right?\n"
    done = read(data, "rows.csv", mapping={"prompt": "wert", "response": "prompt"}, system_prompt="Be brief.")
    assert done.rows[1] == [("system", "Be brief."), ("user", "right?"), ("assistant", "wrong")]
    assert done.report["mapping_is_given"]
    assert done.report["unused_columns"] == ["response"]


def test_a_mapping_to_a_column_that_is_not_there_is_refused(read):
    ended = read("prompt,response\na,b\n", "rows.csv", mapping={"prompt": "prompt", "response": "gone"}).ended
    assert (ended.fault, ended.data["missing_columns"]) == ("unknown_format", ["gone"])


def test_a_table_may_hold_whole_conversations_as_json(read):
    cell = '[{""role"": ""user"", ""content"": ""a""}, {""role"": ""assistant"", ""content"": ""b""}]'
    done = read(f'id,messages\n1,"{cell}"\n2,nonsense\n', "rows.csv")
    assert done.rows == {1: [("user", "a"), ("assistant", "b")]}
    assert done.verdicts == [(2, "not_json")]


def test_blank_rows_are_no_rows_and_short_ones_lack_an_answer(read):
    done = read("prompt,response\n\na,b\n,\n  \nc\nd,e,f\ng,h,\n", "rows.csv")
    assert list(done.rows) == [1, 4]
    assert done.verdicts == [(2, "no_answer"), (3, "wrong_column_count")]
    assert done.problems[0]["line"] == 6


@pytest.mark.parametrize("name", ["<script>", "__class__", " spaced ", "a.b[0]", "=1+1", "🚲"])
def test_a_column_may_have_any_name(read, name):
    done = read(f"{name},answer\na,b\n", "rows.csv", mapping={"prompt": name.strip(), "response": "answer"})
    assert done.rows == {1: [("user", "a"), ("assistant", "b")]}


def test_equal_and_empty_header_names_stay_apart(read):
    done = read("text,text,\na,b,c\n", "rows.csv", mapping={"prompt": "text", "response": "text (2)"})
    assert done.rows == {1: [("user", "a"), ("assistant", "b")]}
    assert done.report["columns"] == ["text", "text (2)", "column 3"]


def test_lines_that_end_as_on_old_macintoshes_are_read(read):
    assert len(read("prompt,response\ra,b\rc,d\r", "rows.csv").rows) == 2


def test_line_ends_inside_a_cell_are_kept_as_one_kind(read):
    done = read('prompt,response\r\n"two\r\nlines",yes\r\n', "rows.csv")
    assert done.rows[1][0] == ("user", "two\nlines")
