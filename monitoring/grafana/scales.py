"""Colours of the dashboards: of the values of enumerations, and from which limit on of figures."""

from __future__ import annotations

from monitoring.grafana.panels import T, Values

GREEN, YELLOW, ORANGE, RED, GREY, BLUE = "green", "yellow", "orange", "red", "#8e8e8e", "blue"

STATES: Values = {
    0: (T("Ngoại tuyến", "Offline"), GREY),
    1: (T("Mất kết nối", "Lost"), RED),
    2: (T("Sẵn sàng", "Ready"), BLUE),
    3: (T("Đang kết nối", "Connecting"), YELLOW),
    4: (T("Trong phiên", "In session"), GREEN),
}
QUALITY: Values = {
    0: (T("Không rõ", "Unknown"), GREY),
    1: (T("Rất kém", "Bad"), RED),
    2: (T("Kém", "Poor"), ORANGE),
    3: (T("Khá", "Fair"), YELLOW),
    4: (T("Tốt", "Good"), GREEN),
}
YES: Values = {0: (T("Không", "No"), RED), 1: (T("Có", "Yes"), GREEN)}
NO: Values = {0: (T("Không", "No"), GREEN), 1: (T("Có", "Yes"), ORANGE)}
ON_AIR: Values = {0: (T("–", "–"), "transparent"), 1: (T("Có", "Yes"), RED)}

# Upwards: from which value on (None: from below all) a figure has the colour.
LOSS = ((None, GREEN), (0.01, ORANGE), (0.05, RED))
RTT = ((None, GREEN), (0.1, ORANGE), (0.3, RED))
VARIATION = ((None, GREEN), (0.03, ORANGE))
ZERO_IS_GOOD = ((None, GREEN), (1.0, RED))
AVAILABILITY = ((None, RED), (0.99, ORANGE), (0.999, GREEN))
SHARE = ((None, RED), (0.9, ORANGE), (0.98, GREEN))
