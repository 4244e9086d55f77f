"""The usual notebook of exploratory analysis: ``seaborn_eda.py JSON``.

The JSON has the paths of both tables. For every feature one histogram by class and one by table is drawn, 60 in all.
What is printed is JSON: the seconds of reading, and those of drawing.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

import matplotlib as mpl

mpl.use("Agg")

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import seaborn as sns

BINS = 50
OTHERS = ["EventId", "Weight", "Label"]


def main(train: Path | str, test: Path | str) -> dict[str, float]:
    """Seconds of reading both tables, and of drawing the histograms into memory."""
    began = time.perf_counter()
    first, second = (pd.read_csv(table).replace(-999.0, np.nan) for table in (train, test))
    read = time.perf_counter() - began
    began = time.perf_counter()
    both = pd.concat([first.assign(table="training"), second.assign(table="test")], ignore_index=True)
    for feature in first.columns.difference(OTHERS, sort=False):
        draw(first, feature, "Label")
        draw(both, feature, "table")
    return {"read": read, "draw": time.perf_counter() - began}


def draw(frame: pd.DataFrame, feature: str, hue: str) -> None:
    """One histogram, rendered as a notebook would."""
    figure, axes = plt.subplots()
    sns.histplot(frame, x=feature, hue=hue, bins=BINS, stat="density", common_norm=False, element="step", ax=axes)
    figure.canvas.draw()
    plt.close(figure)


if __name__ == "__main__":
    print(json.dumps(main(**json.loads(sys.argv[1]))))
