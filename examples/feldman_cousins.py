"""A Feldman-Cousins region in parallel, beside the one under Wilks' theorem."""

import megacurie as mci

if __name__ == "__main__":
    best = mci.gallium.datasets(only=["best"]).likelihood(mci.Sterile())
    axes = {"sin2_2theta": mci.linspace(0, 1, 51), "dm2": mci.geomspace("0.1 eV2", "30 eV2", 61)}
    fc = mci.feldman_cousins(best, axes, toys=10_000, seed=20220611, workers=2, store="fc-best.sqlite")
    mci.figures.regions(wilks=fc.wilks(sigma=2), fc=fc.region(sigma=2)).save("fc-best.pdf")
    print(fc)
