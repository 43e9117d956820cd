"""What the paper's five data sets contain: class names, sizes, and digests that tell whether a copy is the same.

The digests are those of `named.content_digest`, computed from the splits that the paper used. Class names are sorted;
where the paper's repository has class numbers, a number is the place in that order.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class NamedSet:
    """One of the paper's data sets.

    Attributes:
        folder: Its folder in the paper's repository.
        class_names: Sorted class names, with blanks between them.
        documents: Documents of each split.
        digests: Content digest of each split.
    """

    folder: str
    class_names: str
    documents: dict[str, int]
    digests: dict[str, str]

    @property
    def classes(self) -> tuple[str, ...]:
        """The sorted class names."""
        return tuple(self.class_names.split())


NAMED_SETS: dict[str, NamedSet] = {
    # Movie reviews, sentiment (Pang & Lee, ACL 2005).
    "MR": NamedSet(
        folder="MR",
        class_names=("negative positive"),
        documents={"train": 6397, "validation": 711, "test": 3554},
        digests={
            "train": "e7cb1fc72f13bcd012e8f91442a0cfb6d3bc0a461827f3e8b55c26e8ed1ed225",
            "validation": "d87cd425ce7090341dac22e0e7b4fd6bf4d06cfacf7d0d25e2c45942b6108d9d",
            "test": "ab386dab5af714231bdff4ffb0fc91a68789dd36cd379cbb8212ec9f0eebcc70",
        },
    ),
    # Reuters-21578, the eight largest classes with one topic a document.
    "R8": NamedSet(
        folder="R8",
        class_names=("acq crude earn grain interest money-fx ship trade"),
        documents={"train": 4936, "validation": 549, "test": 2189},
        digests={
            "train": "18d6e7972fea35650ee367109e447c4e7fcc6e4bc368e4fe922fe115272de5a5",
            "validation": "9962d53ed0554b41ae7bd192b8b84f1b014f8ec1f90f245fc20ad9e3af4e2d7b",
            "test": "d85039ec4dbeffddb3e9dad34feb9db267da63cf8f440904e5f914914fa3ad9a",
        },
    ),
    # Reuters-21578, the 52 classes with one topic a document.
    "R52": NamedSet(
        folder="R52",
        class_names=(
            "acq alum bop carcass cocoa coffee copper cotton cpi cpu crude dlr earn fuel gas gnp gold grain heat "
            "housing income instal-debt interest ipi iron-steel jet jobs lead lei livestock lumber meal-feed "
            "money-fx money-supply nat-gas nickel orange pet-chem platinum potato reserves retail rubber ship "
            "strategic-metal sugar tea tin trade veg-oil wpi zinc"
        ),
        documents={"train": 5865, "validation": 667, "test": 2568},
        digests={
            "train": "c98e08e5c0643c006dfff1b1571029e356173b6635c54670f19018c00f9f1dd3",
            "validation": "cce2891d9fdf1130fd7aadf44feae2c7770932e53faf3083f24d413a9645c6ca",
            "test": "f557daaef8fc58b57e7de4fb3a77490813158152a5b8cf30895c24801a415103",
        },
    ),
    # MEDLINE abstracts with exactly one of 23 disease categories (Hersh et al., SIGIR 1994).
    "Ohsumed": NamedSet(
        folder="ohsumed",
        class_names=("C01 C02 C03 C04 C05 C06 C07 C08 C09 C10 C11 C12 C13 C14 C15 C16 C17 C18 C19 C20 C21 C22 C23"),
        documents={"train": 3021, "validation": 336, "test": 4043},
        digests={
            "train": "a94176d3812fde27c5c7d9f4176e01a0c9d5be57f88de727677e9e9a4ec1f639",
            "validation": "7370eb3edf0cd7ec2d44bfc4e2e069b3af7d802714adc15957639f256af88bf2",
            "test": "bbaa4dbe241b6a9f7c6f37a970ab6125c510d210152dafaab31bc3f00dd181b6",
        },
    ),
    # Twenty newsgroups, "bydate" version (Lang, ICML 1995).
    "20NG": NamedSet(
        folder="20ng",
        class_names=(
            "alt.atheism comp.graphics comp.os.ms-windows.misc comp.sys.ibm.pc.hardware comp.sys.mac.hardware "
            "comp.windows.x misc.forsale rec.autos rec.motorcycles rec.sport.baseball rec.sport.hockey sci.crypt "
            "sci.electronics sci.med sci.space soc.religion.christian talk.politics.guns talk.politics.mideast "
            "talk.politics.misc talk.religion.misc"
        ),
        documents={"train": 10182, "validation": 1132, "test": 7532},
        digests={
            "train": "2bef032f3aad41931e595a0eb084c51823322dee745431d1c2a24f5d3aaff215",
            "validation": "b828dec2f7cab9946a3129d088a0592958f8d2b97cdd795cf30db13e848abb8a",
            "test": "267acd42c0f1d477a595b6e0f3fe25fd3a9ff6d7320cb1bdfd74db64b9b36e92",
        },
    ),
}
