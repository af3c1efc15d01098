"""The ten questions that are asked after the course: the same ten topics as before it, in other situations."""

from __future__ import annotations

from course_utils.checks.pretest_questions import make_question

QUESTIONS = (
    make_question(
        "Words of a text are hidden, and a model learns to guess them. What kind of learning is that?",
        ("Unsupervised: nobody has labelled anything", "There is a right answer to each guess, and the loss uses it."),
        ("Supervised: every text has its label", "Nobody has given the texts a label for a task."),
        (
            "Self-supervised: the hidden word is the label",
            "The text itself supplies the answer that the loss compares.",
        ),
        ("Fine-tuning", "Fine-tuning comes later, with labels that somebody gave for a task."),
        right=2,
    ),
    make_question(
        "Of 100 words, 90 carry the tag O. A tagger for names is right on 91 words. What do you know of the names?",
        ("Hardly anything: ask for entity F1", "Always answering O is right on 90 words and finds no name at all."),
        ("It finds about nine in ten", "The 91 may be nearly all O: the figure does not say where they lie."),
        (
            "It finds one in ten",
            "One word more than always-O does not say how many names were found and how many lost.",
        ),
        ("It finds too many", "Neither misses nor false alarms can be read from one accuracy."),
        right=0,
    ),
    make_question(
        "Sentences come from 60 documents, each with names of its own. How do you split to judge new documents?",
        ("Every sentence goes to a random part", "Then train has read the names of the test's documents."),
        (
            "A third of each document in each part",
            "Then every document of the test is known from train: all names leak.",
        ),
        ("Short sentences to train, long ones to test", "This judges long sentences, and documents are on both sides."),
        (
            "All sentences of a document go to one part",
            "Then the test holds only documents that training has not seen.",
        ),
        right=3,
    ),
    make_question(
        "You have trained with five seeds and three rates. By which figures do you choose the model to hand in?",
        ("The test's, with their intervals", "An interval does not undo a choice: the best test figure is too good."),
        ("The validation part's", "It is there to choose by; the test is asked once, of the model that was chosen."),
        ("Those of train and test together", "A test that takes part in a choice is no test any more."),
        ("The lowest train losses", "The lowest train loss often belongs to the model that has learned most by heart."),
        right=1,
    ),
    make_question(
        "A place name with the tag B-LOC is cut into three pieces. Which labels are legitimate?",
        ("B-LOC, B-LOC, B-LOC", "This writes three places of one piece each where there is one place."),
        ("B-LOC, then the tags of the next two words", "This shifts all later labels by two: they are wrong."),
        ("B-LOC, I-LOC, I-LOC", "One place, continued. B-LOC and twice -100 would be right as well."),
        ("B-LOC, 0, 0", "0 is the number of some tag, so the model would learn a wrong answer."),
        right=2,
    ),
    make_question(
        "Four queries attend to six keys. What is the sum of all 24 attention weights?",
        ("1", "That is the sum of one query's weights, and there are four queries."),
        ("4", "Each query shares the amount 1 among its keys, and there are four queries."),
        ("6", "Keys do not share anything out: how much falls on one of them is not fixed."),
        ("24", "Then every weight would be 1, but a query's six weights have the sum 1."),
        right=1,
    ),
    make_question(
        "A note gets other logits as soon as a long note is in its batch; the dropout is off. What is missing?",
        ("The special tokens", "They would be missing alone and in the batch alike, so nothing would change."),
        ("The truncation", "Without it a note of more than 512 pieces fails; a shorter one keeps its logits."),
        (
            "The attention mask",
            "Without it the words attend to the padding, of which there is more beside a long note.",
        ),
        ("The labels", "Labels add a loss to the output and leave the logits as they are."),
        right=2,
    ),
    make_question(
        "A model ends in a softmax, and PyTorch's cross-entropy follows. What will you see?",
        ("An error: the shapes do not fit", "Probabilities have the shape of logits, so nothing complains."),
        ("A negative loss", "A cross-entropy is a negative logarithm of a probability, so it is never below 0."),
        ("The usual loss: softmax twice is softmax", "The second softmax takes numbers in [0, 1] and flattens them."),
        (
            "A loss well above 0 with every answer right",
            "For two classes it cannot fall below 0.313, however sure it is.",
        ),
        right=3,
    ),
    make_question(
        "A model has 100 % right in train and 71 % in validation. What can make the 71 % better?",
        (
            "Less capacity to learn by heart: decay, dropout, more data",
            "These are cures; how well they do is measured.",
        ),
        ("Cross-validation in five folds", "It measures the same gap five times and leaves the model as it is."),
        ("More epochs at the same rate", "In train there is nothing left to learn that is of use elsewhere."),
        (
            "A larger validation part",
            "Its figure becomes more certain; the model stays the same or has less to learn from.",
        ),
        right=0,
    ),
    make_question(
        "B leads A by 1 point; the 95 % interval of the paired difference is −1.5 to 3.5. What do you report?",
        ("B is better: the middle is above 0", "Zero lies in the interval, so the lead may be the sample's luck."),
        (
            "A and B are equally good",
            "B may be 3.5 points better: not to see a difference is not to show that there is none.",
        ),
        ("B is better in 95 % of all cases", "The 95 % speak of how such intervals are made, not of cases won."),
        (
            "This test cannot tell which is better",
            "Both signs are in the interval: more texts are needed, or no claim.",
        ),
        right=3,
    ),
)
