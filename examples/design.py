"""Design an experiment: is a deficit of 20 % seen, what does each explanation of the gallium deficit predict, what would be excluded?"""

import megacurie as mci

experiment = mci.load("jne-500t-cr51-outside")  # or a card of your own: megacurie show --template scintillator > my-scintillator.toml
print(mci.report.summary(experiment))  # radius, mean path, targets, decays, counts, backgrounds
print(mci.design.deficit(experiment, deficit=0.20))  # significance (find it if there, exclude it if not), required activity, days

for why in mci.explanations(mci.gallium.datasets(), [mci.CrossSectionScale(), mci.ActivityScale(), mci.Sterile()]):  # each fitted to the gallium data
    print(f"{why.name:24s} {experiment.ratio(why.hypothesis, why.best):.3f}")  # what this experiment would see

curve = mci.design.exclusion(experiment, mci.Sterile())
mci.figures.sensitivity({"JNE outside": curve}).save("jne.pdf")
