"""Tables as CSV."""

from __future__ import annotations

from bridge.reports.csv_table import as_csv


def test_no_cell_is_a_formula() -> None:
    text = as_csv(["a"], [["=1+1"], ["@x"], ["Khoan Dụ"]])
    assert text == "\ufeffa\r\n'=1+1\r\n'@x\r\nKhoan Dụ\r\n"
