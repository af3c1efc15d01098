"""What a model must beat: the majority, a unigram tagger, n-grams, TF-IDF, an LSTM, a frozen encoder."""

from course_utils.baselines.embeddings import NearestLabels, frozen_features, nearest_label
from course_utils.baselines.lstm import LSTMClassifier
from course_utils.baselines.ngrams import NgramLanguageModel
from course_utils.baselines.simple import (
    MajorityClassifier,
    UnigramTagger,
    can_fit_tfidf,
    tfidf_logistic_regression,
    tfidf_ridge,
)

__all__ = [
    "LSTMClassifier",
    "MajorityClassifier",
    "NearestLabels",
    "NgramLanguageModel",
    "UnigramTagger",
    "can_fit_tfidf",
    "frozen_features",
    "nearest_label",
    "tfidf_logistic_regression",
    "tfidf_ridge",
]
