"""Numbers from predictions: counts by scikit-learn and SciPy, intervals by resampling."""

from course_utils.metrics.agreement import cohen_kappa, span_f1
from course_utils.metrics.calibration import (
    ReliabilityBin,
    calibration_null_band,
    expected_calibration_error,
    fit_temperature,
    log_loss,
    reliability_bins,
)
from course_utils.metrics.classification import (
    NO_PREDICTION,
    AverageScore,
    ClassificationReport,
    LabelScore,
    PrecisionRecallCurve,
    classification_report,
    confusion_matrix,
    macro_f1,
    precision_recall_curve,
)
from course_utils.metrics.comparison import (
    McNemarResult,
    PairedDifference,
    examples_needed,
    mcnemar_power,
    mcnemar_test,
    paired_bootstrap,
)
from course_utils.metrics.entities import EntityScores, entity_counts, entity_f1, precision_recall_f1, spans_from_bio
from course_utils.metrics.intervals import Interval, bootstrap_distribution, bootstrap_interval, percentile_interval
from course_utils.metrics.regression import (
    RegressionReport,
    mean_absolute_error,
    regression_report,
    root_mean_squared_error,
    spearman,
)

__all__ = [
    "NO_PREDICTION",
    "AverageScore",
    "ClassificationReport",
    "EntityScores",
    "Interval",
    "LabelScore",
    "McNemarResult",
    "PairedDifference",
    "PrecisionRecallCurve",
    "RegressionReport",
    "ReliabilityBin",
    "bootstrap_distribution",
    "bootstrap_interval",
    "calibration_null_band",
    "classification_report",
    "cohen_kappa",
    "confusion_matrix",
    "entity_counts",
    "entity_f1",
    "examples_needed",
    "expected_calibration_error",
    "fit_temperature",
    "log_loss",
    "macro_f1",
    "mcnemar_power",
    "mcnemar_test",
    "mean_absolute_error",
    "paired_bootstrap",
    "percentile_interval",
    "precision_recall_curve",
    "precision_recall_f1",
    "regression_report",
    "reliability_bins",
    "root_mean_squared_error",
    "span_f1",
    "spans_from_bio",
    "spearman",
]
