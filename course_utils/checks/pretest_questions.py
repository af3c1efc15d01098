"""The ten questions that are asked before the course, and what each is about; those after it have the same topics."""

from __future__ import annotations

from course_utils.checks.quizzes import Option, Question


def make_question(text: str, *options: tuple[str, str], right: int) -> Question:
    """A question from pairs of option and explanation; ``right`` counts from 0."""
    return Question(text, tuple(Option(option, i == right, why) for i, (option, why) in enumerate(options)))


TOPICS = (
    "where labels come from",
    "accuracy and rare labels",
    "splitting by group",
    "choosing on validation",
    "labels of word pieces",
    "attention weights",
    "padding and mask",
    "logits and loss",
    "overfitting",
    "luck and intervals",
)
"""What the questions are about, by number, before the course and after it."""

QUESTIONS = (
    make_question(
        "A pretrained encoder is fine-tuned to tell praise from complaint. What does it learn from in fine-tuning?",
        ("Texts from which words were removed", "That is pretraining: the text itself supplies the answer."),
        ("Texts with a label each", "Fine-tuning is supervised: somebody has given each text its label."),
        ("Texts alone, grouped by likeness", "Grouping without labels is clustering, which is unsupervised."),
        ("Its own earlier predictions", "That is self-training, an extension that needs a fine-tuned model first."),
        right=1,
    ),
    make_question(
        "95 of 100 test messages are harmless. A model has 95 % accuracy. What do you know?",
        ("It finds nearly all harmful messages", "It may find none: always answering harmless gives 95 % too."),
        ("It has learned the difference well", "A model that ignores its input reaches the same figure."),
        ("It overfits the majority", "Overfitting shows in the gap between train and test, not in this figure."),
        ("No more than of a model that always says harmless", "That baseline reaches 95 %: compare, and look at F1."),
        right=3,
    ),
    make_question(
        "Your data holds several notes by each of 50 writers. How do you split it to judge notes by new writers?",
        ("All notes of a writer go to one part", "Then the test holds only writers that training has not seen."),
        ("Every note goes to a random part", "Then writers occur on both sides, and their habits give answers away."),
        ("Each writer has notes in every part", "This shows the model every writer in training: the leak is complete."),
        ("By date, whoever wrote", "This tests for later notes, not for new writers, who may be on both sides."),
        right=0,
    ),
    make_question(
        "Which part of the data may you look at when you choose the learning rate?",
        ("Only train", "Train loss falls also while a model learns by heart, so it would choose wrongly."),
        ("Test, if you look only once", "Choosing by the test makes its figure too good, even in one look."),
        ("Validation", "That is what it is for. The test stays closed until everything is chosen."),
        ("Validation and test together", "As soon as the test takes part in a choice, it is no test any more."),
        right=2,
    ),
    make_question(
        "A word with one tag is cut into three pieces. What labels may the pieces get?",
        ("The tag on the first, and -100 on the others", "-100 leaves a piece out of the loss: the word counts once."),
        ("A third of the tag each", "A label is a class, not an amount. It cannot be divided."),
        (
            "The tags of the next two words on the others",
            "This shifts every later label by two: all of them are wrong.",
        ),
        ("0 on the others", "0 is the number of some real tag, so the model would learn a wrong answer."),
        right=0,
    ),
    make_question(
        "In softmax(QKᵀ/√d)V, which numbers sum to one?",
        (
            "The weights of one key",
            "A key is one column. A column may sum to more than one if many queries look there.",
        ),
        ("The weights of one query", "A query is one row: it shares its attention out among the keys."),
        (
            "All weights of the sequence",
            "Every query has an attention of its own, so the total is the number of queries.",
        ),
        ("The numbers of one output vector", "It is a weighted mean of value vectors; nothing fixes its sum."),
        right=1,
    ),
    make_question(
        "A batch of texts is padded to one length, and the attention mask is forgotten. What happens?",
        ("The call fails", "Nothing complains: the pad token is a token like any other."),
        (
            "Nothing, since pad tokens have the vector zero",
            "They have vectors that are not zero, and attention uses them.",
        ),
        ("Only the pad positions come out wrong", "Their own output is unused, but they change those of the others."),
        ("The logits of a text depend on its neighbours' lengths", "More padding takes more attention from the words."),
        right=3,
    ),
    make_question(
        "What does the cross-entropy loss of PyTorch expect from the model?",
        ("Probabilities that sum to one", "It takes the softmax itself; on top of one, the loss can hardly fall."),
        ("The number of the predicted class", "Taking the maximum leaves no gradient to learn from."),
        ("Logits", "It turns them into log-probabilities itself, which is also numerically safer."),
        ("A sigmoid for each class", "That belongs to the binary loss, where several classes may hold at once."),
        right=2,
    ),
    make_question(
        "From epoch 3 on, train loss goes on falling and validation loss rises. What is that?",
        ("Too low a learning rate", "With too low a rate, both losses fall slowly."),
        (
            "Overfitting: train notes are learned by heart",
            "What helps in train no longer helps elsewhere: stop earlier.",
        ),
        ("A leak between train and validation", "A leak would pull the validation loss down together with the other."),
        ("Chance, since dropout is random", "Dropout is off in validation, and chance does not go one way for epochs."),
        right=1,
    ),
    make_question(
        "On 100 test texts, model A has 86 right and model B 84. What may you say?",
        (
            "A is better, since the test was the same",
            "The same test helps, yet two texts may be luck: test the difference.",
        ),
        ("A is better by 2 %", "It is two points, and the interval of such a difference may well contain zero."),
        (
            "Nothing can ever be said from 100 texts",
            "A large difference can be seen with 100 texts, only not such a small one.",
        ),
        (
            "Not which is better, without an interval",
            "An interval of the paired difference tells whether zero is excluded.",
        ),
        right=3,
    ),
)
