"""Why a loss is off by more than four ulp somewhere."""

REASONS: dict[str, str] = {
    "asymmetric_loss": "The fourth power of the shifted probability makes four of any error in it.",
    "balanced_l1_loss": (
        "Its logarithm is of 1 + 19 r, and (1 + u) log(1 + u) - u is twice as large before a half of it "
        "cancels; a slope that is subnormal is nine times the residual, whose last digit it has."
    ),
    "charbonnier_loss": (
        "Shifted, it is for small residuals half the square of r/ε times ε, where every factor is rounded, "
        "and ε itself as well."
    ),
    "gaussian_nll": (
        "A value in the last binade of the dtype is infinite, because the square of the residual over the "
        "variance is halved at the end."
    ),
    "geman_mcclure_loss": "Seven roundings of the slope, which now and then all go the same way.",
    "log_cosh_loss": "A square of NumPy's hyperbolic sine, which is off by more than one ulp itself.",
    "poisson_nll": (
        "With `full='exact'`, log t! of a target far below 1, which no count is, is the difference of "
        "numbers of about 1, in float64 too."
    ),
    "quality_focal_loss": "A square of the probability and a logarithm, whose errors add up.",
    "sigmoid_focal_loss": "A square of the probability and a logarithm, whose errors add up.",
    "tukey_biweight_loss": (
        "Where the value is subnormal, so is the square of the residual, of which it is a multiple; and the "
        "cube of 1 - r²/c² takes the error of it three times."
    ),
    "tweedie_deviance": (
        "With a power of 3, the form that is not taken around μ = t has a slope of μ⁻³ on its way, which "
        "overflows for the smallest predictions, and makes NaN of the gradient."
    ),
    "varifocal_loss": "A square of the probability and a logarithm, whose errors add up.",
    "wing_loss": "The logarithm of a subnormal residual is a fifth of it, and then multiplied by ten.",
}
