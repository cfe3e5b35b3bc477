"""The sentences about a topology in Vietnamese. The English sentence is the key, as with gettext:
what finds a fault says it once, and this table alone knows the other language. Pure."""

from __future__ import annotations

import functools
import re

TABLE = {
    # the file
    "The file exceeds 1 MiB.": "Tệp lớn hơn 1 MiB.",
    "The file cannot be read: {reason}.": "Không đọc được tệp.",
    "The file is not UTF-8 (octet {octet}).": "Tệp không phải UTF-8 (từ byte {octet}).",
    "The file is empty.": "Tệp trống.",
    "This is not YAML: {reason}.": "Chỗ này không phải YAML: xem lại dấu hai chấm, dấu ngoặc, dấu "
    "nháy và khoảng trắng đầu dòng.",
    "The file has more than {count} values.": "Tệp có hơn {count} giá trị.",
    "The nesting is too deep.": "Các mục lồng nhau quá sâu.",
    "A key must be plain text.": "Tên khóa phải là chữ thường.",
    "This key stands here a second time; the first is on line {line}.": "Khóa này xuất hiện lần "
    "thứ hai; lần đầu ở dòng {line}.",
    'YAML reads {text} as {kind}. If text is meant, put it in quotes: "{again}".': (
        'YAML đọc {text} thành {kind}. Nếu muốn nói là chữ, hãy đặt trong dấu nháy: "{again}".'
    ),
    "This text takes too long to check. {limits}": "Đoạn này kiểm tra quá lâu. Một cấu hình có "
    "nhiều nhất 500 điểm cầu, và mỗi khóa chỉ ghi một lần.",
    # single values
    "This key is not known; check its spelling or remove it.": (
        "Không có khóa này; xem lại chính tả hoặc bỏ đi."
    ),
    "This is required; add it.": "Mục này bắt buộc; hãy thêm vào.",
    'Text is expected, not the number {value}; put it in quotes: "{again}".': (
        'Ở đây cần chữ, không phải số {value}; hãy đặt trong dấu nháy: "{again}".'
    ),
    "Text is expected here.": "Ở đây cần chữ.",
    "A whole number is expected here.": "Ở đây cần số nguyên.",
    "A number is expected here.": "Ở đây cần một số.",
    "A list is expected here.": "Ở đây cần một danh sách.",
    "A block of keys is expected here.": "Ở đây cần một nhóm khóa.",
    "True or false is expected here.": "Ở đây cần true hoặc false.",
    "This must be {expected}.": "Giá trị này phải là {expected}.",
    "This must have at least {count} characters.": "Mục này phải có ít nhất {count} ký tự.",
    "This may have at most {count} characters.": "Mục này dài nhất {count} ký tự.",
    "This must have at least {count} entries.": "Danh sách này phải có ít nhất {count} mục.",
    "This may have at most {count} entries.": "Danh sách này có nhiều nhất {count} mục.",
    "{value} may only hold lower-case letters, digits and single hyphens.": "{value} chỉ được gồm "
    "chữ thường không dấu, chữ số và từng dấu gạch nối.",
    "{value} makes no sense here; it must be more than {edge}.": "{value} không hợp lý ở đây; phải "
    "lớn hơn {edge}.",
    "{value} makes no sense here; it must be at least {edge}.": (
        "{value} không hợp lý ở đây; ít nhất là {edge}."
    ),
    "{value} makes no sense here; it must be at most {edge}.": "{value} không hợp lý ở đây; nhiều "
    "nhất là {edge}.",
    "{value} is not a time zone, for example Asia/Ho_Chi_Minh.": (
        "{value} không phải múi giờ, ví dụ Asia/Ho_Chi_Minh."
    ),
    "{value} is not a time like {example}.": "{value} không phải thời điểm, ví dụ {example}.",
    "{value} is not a date like {example}.": "{value} không phải ngày, ví dụ {example}.",
    "{value} is not a time of day like {example}.": "{value} không phải giờ trong ngày, ví dụ "
    "{example}.",
    "a rule repeats daily, weekly, monthly or yearly, and is one line.": "Quy tắc lặp theo ngày, "
    "tuần, tháng hoặc năm, và nằm trên một dòng.",
    "{value} is not a recurrence rule (RFC 5545), for example {example}.": "{value} không phải quy "
    "tắc lặp (RFC 5545), ví dụ {example}.",
    "{value} is not an http or https address.": "{value} không phải địa chỉ http hoặc https.",
    "{value} is not where a host's pages are, for example {example}.": (
        "{value} không phải địa chỉ trang của một máy chủ, ví dụ {example}."
    ),
    "two hosts have one id or one url.": "Hai máy chủ trùng id hoặc trùng url.",
    "this host, {host}, is not among all hosts.": (
        "Máy chủ này, {host}, không có trong danh sách all."
    ),
    "several hosts need PostgreSQL: SQLite is a file on one machine, and is lost with it. Give "
    "bridge.database a postgresql:// address, or leave bridge.hosts out.": "Nhiều máy chủ cần "
    "PostgreSQL: SQLite là tệp trên một máy và mất theo máy đó. Hãy đặt bridge.database là một địa "
    "chỉ postgresql://, hoặc bỏ bridge.hosts.",
    "{value} is not an IP address.": "{value} không phải địa chỉ IP.",
    "{value} is not a network, for example {example}.": "{value} không phải dải mạng, ví dụ "
    "{example}.",
    "metrics on {address} are open to everybody: {advice}.": (
        "Số liệu ở {address} ai cũng đọc được: "
        "hãy đặt token hoặc client_authority, hoặc chỉ nghe ở 127.0.0.1."
    ),
    # what belongs together
    "The id {id} is taken; the first is on line {line}.": "Mã {id} đã dùng; lần đầu ở dòng {line}.",
    "The id {id} is taken.": "Mã {id} đã dùng.",
    "There is no link {id} in links.": "Không có đường nối {id} trong links.",
    "These links form a cycle: {way}.": "Các đường nối này tạo thành vòng: {way}.",
    "The chair {id} is not one of the points.": "Chủ trì {id} không phải một trong các điểm cầu.",
    "The chair speaks, so it cannot be an observer.": (
        "Chủ trì phải phát biểu nên không thể là điểm chỉ theo dõi."
    ),
    "The chair meets others, so it cannot be a desk.": (
        "Chủ trì phải họp với các điểm khác nên không thể là bàn gọi."
    ),
    "{id} is a desk: it calls or is called, and is in no meeting.": (
        "{id} là bàn gọi: chỉ gọi hoặc được gọi, không tham gia cuộc họp."
    ),
    "The rid {id} is taken.": "rid {id} đã dùng.",
    "Layers go from the lowest to the highest.": "Các lớp hình xếp từ thấp nhất đến cao nhất.",
    "{address} is not the address of one machine.": "{address} không phải địa chỉ của một máy.",
    "Another relay listens at {address}, port {port}, already.": (
        "Đã có máy khác chờ ở địa chỉ {address}, cổng {port}."
    ),
    "There is no point {id}.": "Không có điểm cầu {id}.",
    "{value} is not a SIP address, for example {example}.": (
        "{value} không phải địa chỉ SIP, ví dụ {example}."
    ),
    "a codec that proves its password needs one: give password_file or password_environment.": (
        "Thiết bị hội nghị chứng minh bằng mật khẩu thì phải có mật khẩu: hãy ghi password_file "
        "hoặc password_environment."
    ),
    "first_port and last_port leave no room for a call.": (
        "first_port và last_port không đủ chỗ cho một cuộc gọi."
    ),
    "A codec needs the gateway: give bridge.sip an address to listen on.": (
        "Thiết bị hội nghị cần cổng SIP: hãy ghi bridge.sip với địa chỉ để chờ gọi."
    ),
    "A desk has a page to call with; a codec has none.": (
        "Bàn gọi phải có trang để gọi; thiết bị hội nghị không có trang."
    ),
    "The point {id} is called at {uri} already.": "Điểm cầu {id} đã được gọi ở {uri}.",
    "{id} sends nothing to meetings, so it cannot be another bridge.": (
        "{id} không gửi gì vào cuộc họp nên không thể là một cầu khác."
    ),
    "The point {id} is another peer already.": "Điểm cầu {id} đã là một cầu khác trong peers.",
    "{file} is listed twice: one bridge is one peer.": (
        "{file} được ghi hai lần: mỗi cầu chỉ là một mục trong peers."
    ),
    "It has no address and bridge.peering does not listen, so the two never meet. Give either.": (
        "Mục này không có address và bridge.peering không chờ kết nối nên hai cầu không bao giờ "
        "gặp nhau. Hãy ghi một trong hai."
    ),
    "A certificate goes with its key: give bridge.peering both, or neither.": (
        "Chứng thư đi cùng khóa: hãy ghi cả certificate và key trong bridge.peering, hoặc bỏ cả "
        "hai."
    ),
    "There is no template {id}.": "Không có mẫu {id}.",
    "The template {id} does not have the point {point}.": "Mẫu {id} không có điểm cầu {point}.",
    "The template {id} is not among this peer's templates.": (
        "Mẫu {id} không nằm trong templates của cầu này."
    ),
    "The point {id} is expected but not among this template's points.": "Điểm cầu {id} bắt buộc có "
    "mặt nhưng không nằm trong các điểm của mẫu này.",
    "The chair {id} is not one of this template's points.": "Chủ trì {id} không nằm trong các điểm "
    "của mẫu này.",
}
WORDS = {
    "a truth value": "giá trị đúng/sai",
    "a number in base 60": "số hệ 60",
    "an octal number": "số hệ bát phân",
}
"""What YAML takes a scalar for."""

_PLACE = re.compile(r"\\\{([a-z]+)\\\}")


@functools.cache
def _patterns() -> list[tuple[re.Pattern[str], str]]:
    return [
        (re.compile(_PLACE.sub(r"(?P<\1>.*)", re.escape(english)), re.DOTALL), vietnamese)
        for english, vietnamese in TABLE.items()
    ]


def vietnamese(sentence: str) -> str:
    """The sentence in Vietnamese; one that is not in the table stays as it is."""
    for pattern, text in _patterns():
        found = pattern.fullmatch(sentence)
        if found is None:
            continue
        values = {name: _word(name, value) for name, value in found.groupdict().items()}
        return text.format(**values)
    return sentence


def _word(name: str, value: str) -> str:
    if name == "kind":
        return WORDS.get(value, value.replace("a YAML", "kiểu YAML"))
    return value.replace(" or ", " hoặc ") if name == "expected" else value
