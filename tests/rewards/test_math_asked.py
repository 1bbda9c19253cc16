"""Units that the question asks for: its own is paid beside a bare ground truth, and no other one."""

import pytest

from vlaa_helpers.rewards.mathematics import math_reward


@pytest.mark.parametrize(
    ("question", "gt", "right", "wrong"),
    [
        ("What is the speed in m/s?", "10", ["10", "10 m/s"], ["10 kg", "10 s/m", "10 m", "10 km/h"]),
        ("How far in m?", "10", ["10 m", "10 metres"], ["10 kg", "10 cm", "10 m^2"]),
        ("How far is it in metres?", "10", ["10 m"], ["10 km", "10 s"]),
        ("What is the mass in grams?", "10", ["10 g"], ["10 kg", "10 m"]),
        (
            "What is the area (in cm²)?",
            "10",
            ["10 cm²", "10 cm^2", "10 square centimeters"],
            ["10 cm", "10 cm^3", "10 m^2", "10 s"],
        ),
        ("What is the area in square centimetres?", "10", ["10 cm^2", "10 square centimeters"], ["10 cm", "10 m^2"]),
        ("What is the width (cm)?", "10", ["10 cm"], ["10 m", "10 mm"]),
        ("What is the temperature in °C?", "10", ["10 °C", "10°", "10 degrees Celsius"], ["10 °F", "10 m"]),
        ("Answer in s.", "10", ["10 s", "10 seconds"], ["10 min", "10 km"]),
        ("What percentage passed?", "10", ["10%", "10 percent", r"10\%", "10"], ["1000%", "0.1%", "10 km"]),
        ("What percentage passed?", "30%", ["30", "30 percent", "0.3"], ["3%", "0.03", "300"]),
        ("Find the probability.", r"\frac{3}{4}", ["75%", "75 percent"], ["75", "7.5 percent"]),
        ("Find the force.", "10 N", ["10", "10 N", "10 newtons", r"10 \text{ N}"], ["10 J", "N", "20 N"]),
        ("Find the voltage.", "10 V", ["10", "10 volts", "10 V"], ["10 A"]),
        ("Find the current.", "2 A", ["2", "2 amperes", "2 A"], ["2 V", "A"]),
        ("Find the resistance.", r"100 \Omega", ["100", "100 ohms", "100 Ω", r"R = 100 \, \Omega"], ["100 V"]),
        ("How many points lie in A?", "10", ["10", "10 points"], ["10 km"]),
    ],
)
def test_a_unit_that_is_asked_for(question, gt, right, wrong):
    paid = {answer: math_reward(f"<answer>{answer}</answer>", gt, question=question).value for answer in right + wrong}
    assert paid == dict.fromkeys(right, 1.0) | dict.fromkeys(wrong, 0.0)


def test_a_tail_of_blanks_costs_no_more_than_its_length():
    assert math_reward(f"<answer>5{' ' * 480}x</answer>", "5").value == 0
