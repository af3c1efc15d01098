"""Tiny random models and datasets: enough to test logic, quick enough to train in a test."""

import torch
from datasets import Dataset
from transformers import BertConfig, BertForSequenceClassification, BertForTokenClassification


def tiny_config(**options):
    settings = {"vocab_size": 60, "hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2}
    return BertConfig(**settings | {"intermediate_size": 32, "max_position_embeddings": 64} | options)


def tiny_tagger(num_labels=3, seed=0, **options):
    torch.manual_seed(seed)
    return BertForTokenClassification(tiny_config(num_labels=num_labels, **options))


def tiny_classifier(num_labels=2, seed=0, **options):
    torch.manual_seed(seed)
    return BertForSequenceClassification(tiny_config(num_labels=num_labels, **options))


def no_dropout():
    return {"hidden_dropout_prob": 0.0, "attention_probs_dropout_prob": 0.0}


def tagged(lengths, num_labels=3, seed=0):
    """Encoded sentences whose label is the token's id modulo ``num_labels``; first and last are not labelled."""
    generator = torch.Generator().manual_seed(seed)
    rows = []
    for length in lengths:
        ids = torch.randint(5, 60, (length,), generator=generator).tolist()
        labels = [-100, *(i % num_labels for i in ids[1:-1]), -100]
        rows.append({"input_ids": ids, "attention_mask": [1] * length, "labels": labels})
    return Dataset.from_list(rows)


def classified(lengths, seed=0):
    """Encoded texts whose label says whether the token 7 occurs."""
    generator = torch.Generator().manual_seed(seed)
    rows = []
    for k, length in enumerate(lengths):
        ids = torch.randint(8, 60, (length,), generator=generator).tolist()
        if k % 2:
            ids[1] = 7
        rows.append({"input_ids": ids, "attention_mask": [1] * length, "labels": k % 2})
    return Dataset.from_list(rows)
