"""Why a loss is off by more than four ulp somewhere."""

REASONS: dict[str, str] = {
    "asymmetric_loss": (
        "The fourth power of the shifted probability makes four of any error in it; and close to the clip, "
        "where it is next to 0, it has few of the digits of the probability. There the loss is 0 for all "
        "purposes, and the last digit of the logit changes it as much."
    ),
    "balanced_l1_loss": (
        "Its logarithm is of 1 + 19 r, and (1 + u) log(1 + u) - u is twice as large before a half of it "
        "cancels; a slope that is subnormal is nine times the residual, whose last digit it has."
    ),
    "cauchy_loss": "Five roundings and those of the logarithm, which for two of all numbers go the same way.",
    "charbonnier_loss": (
        "Shifted, it is for small residuals half the square of r/ε times ε, where every factor is rounded, "
        "and ε itself as well; so are the factors of the slope, of which there are six."
    ),
    "general_robust_loss": (
        "A residual above 1 goes through the square of its reciprocal and two logarithms, and what these add "
        "up to is in the result twice."
    ),
    "geman_mcclure_loss": "Seven roundings of the slope, which now and then all go the same way.",
    "log_cosh_loss": "A square of NumPy's hyperbolic sine, which is off by more than one ulp itself.",
    "quality_focal_loss": "A square of the probability and a logarithm, whose errors add up.",
    "sigmoid_focal_loss": "A square of the probability and a logarithm, whose errors add up.",
    "tukey_biweight_loss": (
        "Where the value is hardly a normal number, r²/c² is subnormal, of which it is a multiple; and the "
        "cube of 1 - r²/c² takes the error of it three times."
    ),
    "varifocal_loss": (
        "A square of the probability and a logarithm, whose errors add up; both begin with an exponential, "
        "and NumPy's alone is off by up to 2.2 ulp where the loss is worst."
    ),
    "welsch_loss": (
        "In the tail the slope is an exponential, which takes the rounding of its argument as many times as "
        "that is large, up to 88."
    ),
    "wing_loss": "The logarithm of a subnormal residual is a fifth of it, and then multiplied by ten.",
}
