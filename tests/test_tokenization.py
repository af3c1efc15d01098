"""Word pieces and their labels, with the real tokenizer."""

import pytest
from datasets import ClassLabel, Dataset, Features, Sequence, Value

from course_utils.models import load_tokenizer
from course_utils.tokenization import (
    IGNORE_INDEX,
    align_labels_with_tokens,
    encode_texts,
    encode_word_list,
    encode_words,
    first_pieces,
)


@pytest.fixture(scope="module")
def tokenizer():
    return load_tokenizer("minilm")


def sentences(tokens, tags=None):
    columns = {"tokens": tokens}
    features = {"tokens": Sequence(Value("string"))}
    if tags is not None:
        columns["ner_tags"] = tags
        features["ner_tags"] = Sequence(ClassLabel(names=["O", "B-PER", "I-PER"]))
    return Dataset.from_dict(columns, features=Features(features))


def test_only_the_first_piece_of_a_word_is_labelled():
    assert align_labels_with_tokens([7, 3], [None, 0, 1, 1, None]) == [-100, 7, 3, -100, -100]


def test_later_pieces_can_carry_the_inside_label():
    assert align_labels_with_tokens([1, 0], [None, 0, 0, 1, 1], inside=[0, 2, 2]) == [-100, 1, 2, 0, 0]


def test_neighbouring_words_with_the_same_label_both_count():
    assert align_labels_with_tokens([4, 4], [0, 1]) == [4, 4]


def test_a_piece_of_a_word_without_a_label_is_an_error():
    with pytest.raises(ValueError, match="piece of word 2, but there are only 2 labels"):
        align_labels_with_tokens([1, 1], [0, 1, 2])


def test_the_pieces_that_begin_a_word():
    assert first_pieces([-1, 0, 0, 1, -1]) == [1, 3]
    assert first_pieces([0, 0]) == [0]  # without special tokens
    assert first_pieces([]) == []


def test_encoding_the_sentence_of_the_course(tokenizer):
    words = ["Anna", "May", "left", "the", "May", "Queen", "at", "the", "harbour", "."]
    rows = sentences([words], [[1, 2, 0, 0, 0, 0, 0, 0, 0, 0]])
    encoded = encode_words(rows, tokenizer, label_column="ner_tags")[0]
    pieces = tokenizer.convert_ids_to_tokens(encoded["input_ids"])
    assert pieces == ["[CLS]", *["anna", "may", "left", "the", "may", "queen", "at", "the", "harbour", "."], "[SEP]"]
    assert encoded["labels"] == [-100, 1, 2, 0, 0, 0, 0, 0, 0, 0, 0, -100]
    assert encoded["word_ids"] == [-1, *range(10), -1]
    assert encoded["attention_mask"] == [1] * 12
    assert encoded["num_truncated_words"] == 0


def test_every_labelled_piece_is_the_first_of_its_word(tokenizer):
    words = ["Unfathomable", "Brannoc's", "x", "lighthousekeeping"]
    encoded = encode_words(sentences([words], [[1, 2, 0, 1]]), tokenizer, label_column="ner_tags")[0]
    labelled = [w for w, label in zip(encoded["word_ids"], encoded["labels"]) if label != IGNORE_INDEX]
    assert labelled == [0, 1, 2, 3]
    assert [label for label in encoded["labels"] if label != IGNORE_INDEX] == [1, 2, 0, 1]


@pytest.mark.parametrize(("max_length", "cut"), [(12, 0), (11, 1), (5, 7), (3, 9), (2, 10)])
def test_words_cut_by_truncation_are_counted(tokenizer, max_length, cut):
    rows = sentences([["Anna", "May", "left", "the", "May", "Queen", "at", "the", "harbour", "."]])
    encoded = encode_words(rows, tokenizer, max_length=max_length)[0]
    assert len(encoded["input_ids"]) == max_length
    assert encoded["num_truncated_words"] == cut


def test_a_sentence_without_words_has_its_special_tokens_only(tokenizer):
    encoded = encode_words(sentences([[], ["a"]], [[], [0]]), tokenizer, label_column="ner_tags")
    assert encoded["labels"][:] == [[-100, -100], [-100, 0, -100]]
    assert encoded["num_truncated_words"][:] == [0, 0]


def test_inputs_are_cut_at_256_pieces_by_default(tokenizer):
    words = encode_words(sentences([["a"] * 300]), tokenizer)[0]
    assert (len(words["input_ids"]), words["num_truncated_words"]) == (256, 46)
    text = encode_texts(Dataset.from_dict({"text": ["a " * 300]}), tokenizer)[0]
    assert (len(text["input_ids"]), text["num_truncated_pieces"]) == (256, 46)


@pytest.mark.parametrize("nothing", ["\ufe0f", "\u200b", "\u00ad", " "])
def test_a_word_that_becomes_nothing_is_read_as_unknown(tokenizer, nothing):
    for words in ([nothing, "boat"], ["boat", nothing], ["a", nothing, "boat"], [nothing]):
        word_ids = encode_word_list(words, tokenizer, 20).word_ids()
        assert sorted({w for w in word_ids if w is not None}) == list(range(len(words)))


def test_only_sentences_with_such_a_word_are_encoded_twice(tokenizer):
    calls = []

    class Counted:
        unk_token, tokenize = tokenizer.unk_token, tokenizer.tokenize

        def __call__(self, words, **options):
            calls.append(words)
            return tokenizer(words, **options)

    encode_word_list(["the", "lighthousekeeping"], Counted(), 20)
    encode_word_list(["a"] * 30, Counted(), 5)
    assert calls == [["the", "lighthousekeeping"], ["a"] * 30]
    encode_word_list(["a", "\u200b"], Counted(), 20)
    assert calls[2:] == [["a", "\u200b"], ["a", "[UNK]"]]


def test_tokens_and_labels_of_different_number_are_an_error(tokenizer):
    with pytest.raises(ValueError, match="row 1: 2 tokens but 1 labels"):
        encode_words(sentences([["a"], ["a", "b"]], [[0], [0]]), tokenizer, label_column="ner_tags")


def test_a_missing_column_is_an_error(tokenizer):
    with pytest.raises(ValueError, match='no column "pos_tags"; columns are tokens'):
        encode_words(sentences([["a"]]), tokenizer, label_column="pos_tags")


def test_texts_keep_their_label_and_count_what_was_cut(tokenizer):
    rows = Dataset.from_dict({"text": ["one two three four five six seven", "one"], "label": [1, 0]})
    encoded = encode_texts(rows, tokenizer, label_column="label", max_length=5)
    assert encoded["labels"][:] == [1, 0]
    assert [tokenizer.decode(ids) for ids in encoded["input_ids"]] == ["[CLS] one two three [SEP]", "[CLS] one [SEP]"]
    assert encoded["attention_mask"][:] == [[1] * 5, [1] * 3]
    assert encoded["num_truncated_pieces"][:] == [4, 0]  # of two further pieces of text, three and one


def test_texts_may_be_in_another_column_and_have_no_label(tokenizer):
    rows = Dataset.from_dict({"review": ["one"], "label": [1]})
    columns = encode_texts(rows, tokenizer, text_column="review").column_names
    assert columns == ["input_ids", "attention_mask", "num_truncated_pieces"]
    with pytest.raises(ValueError, match=r'^no column "text"; columns are review, label\.$'):
        encode_texts(rows, tokenizer)


def test_no_examples_are_encoded_as_none(tokenizer):
    encoded = encode_texts(Dataset.from_dict({"text": []}), tokenizer)
    assert len(encoded) == 0 and encoded.column_names == ["input_ids", "attention_mask"]


def test_the_file_of_the_tokenizer_fixes_neither_padding_nor_truncation(tokenizer):
    assert len(tokenizer("a " * 300)["input_ids"]) == 302
    assert len(tokenizer("a")["input_ids"]) == 3


def test_words_read_as_in_a_text_where_the_space_belongs_to_the_piece(tmp_path):
    from tokenizers import ByteLevelBPETokenizer
    from transformers import RobertaTokenizerFast

    trained = ByteLevelBPETokenizer()
    trained.train_from_iterator(["Anna May left"] * 5, vocab_size=300, special_tokens=["<s>", "<pad>", "</s>", "<unk>"])
    trained.save_model(str(tmp_path))
    tokenizer = RobertaTokenizerFast(vocab=str(tmp_path / "vocab.json"), merges=str(tmp_path / "merges.txt"))
    encoded = encode_words(Dataset.from_dict({"tokens": [["Anna", "May", "left"]]}), tokenizer)
    assert encoded[0]["input_ids"] == tokenizer("Anna May left")["input_ids"]
    assert encoded[0]["word_ids"] == [-1, 0, 1, 2, -1]
