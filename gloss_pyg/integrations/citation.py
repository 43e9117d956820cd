"""What to cite, as the model cards of other libraries take it."""

BIBTEX = """
@inproceedings{sharma2025gloss,
    title = "G-Loss: Graph-Guided Fine-Tuning of Language Models",
    author = "Sharma, Aditya and Agarwal, Vinti and Kumar, Rajesh",
    booktitle = "Learning on Graphs Conference",
    year = "2025",
    eprint = "2604.25853",
    archivePrefix = "arXiv",
}
"""
