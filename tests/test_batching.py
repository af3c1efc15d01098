"""Padding and length grouping."""

import pytest
import torch

from course_utils.batching import LengthGroupedBatchSampler, PaddingCollator


def test_a_batch_is_padded_to_its_longest_example():
    batch = PaddingCollator(pad_token_id=9)(
        [
            {"input_ids": [1, 2, 3], "attention_mask": [1, 1, 1], "labels": [-100, 5, -100], "word_ids": [-1, 0, -1]},
            {"input_ids": [1], "attention_mask": [1], "labels": [-100], "word_ids": [-1]},
        ]
    )
    assert batch["input_ids"].tolist() == [[1, 2, 3], [1, 9, 9]]
    assert batch["attention_mask"].tolist() == [[1, 1, 1], [1, 0, 0]]
    assert batch["labels"].tolist() == [[-100, 5, -100], [-100, -100, -100]]
    assert set(batch) == {"input_ids", "attention_mask", "labels"}


def test_lengths_are_rounded_up_and_single_labels_stay_single():
    rows = [{"input_ids": [1] * 5, "attention_mask": [1] * 5, "token_type_ids": [0] * 5, "labels": 2.5}] * 2
    batch = PaddingCollator(0, pad_to_multiple_of=4)(rows)
    assert batch["input_ids"].shape == batch["token_type_ids"].shape == (2, 8)
    assert batch["labels"].tolist() == [2.5, 2.5] and batch["labels"].dtype == torch.float32


def test_an_empty_batch_is_refused():
    with pytest.raises(ValueError, match="at least one example"):
        PaddingCollator(0)([])


@pytest.mark.parametrize("count", [1, 7, 8, 100])
@pytest.mark.parametrize("shuffle", [True, False])
def test_every_example_comes_once(count, shuffle):
    sampler = LengthGroupedBatchSampler(list(range(count)), 8, shuffle=shuffle, seed=3, pool=2)
    batches = list(sampler)
    assert len(batches) == len(sampler) == -(-count // 8)
    assert sorted(i for batch in batches for i in batch) == list(range(count))
    assert sum(len(batch) < 8 for batch in batches) <= 1


def test_batches_are_made_of_similar_lengths_and_change_with_the_epoch():
    lengths = [1 + (i * 37) % 100 for i in range(400)]
    sampler = LengthGroupedBatchSampler(lengths, 10, seed=0)
    first = list(sampler)
    assert first == list(sampler)
    spread = [max(lengths[i] for i in b) - min(lengths[i] for i in b) for b in first]
    assert sum(spread) / len(spread) < 5  # 400 examples of 100 lengths, sorted: ten neighbours span about 2.5
    sampler.epoch = 1
    assert first != list(sampler)
    assert sorted(map(sorted, first)) != sorted(map(sorted, sampler))
    assert first != list(LengthGroupedBatchSampler(lengths, 10, seed=1))


def test_without_shuffling_the_longest_come_first():
    batches = list(LengthGroupedBatchSampler([3, 9, 5], 2, shuffle=False))
    assert batches == [[1, 2], [0]]


def test_a_batch_size_of_zero_is_refused():
    with pytest.raises(ValueError, match="batch_size must be at least 1, got 0"):
        LengthGroupedBatchSampler([1], 0)
