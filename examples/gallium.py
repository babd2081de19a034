"""Analyse the gallium data: the table, the fit, the allowed region and what to cite."""

import megacurie as mci

gallium = mci.gallium.datasets(cross_section="bahcall-1997")  # GALLEX-1, GALLEX-2, SAGE-Cr, SAGE-Ar, BEST inner, BEST outer
print(mci.report.table(gallium))  # measured, predicted, ratio, distance from 1, source of each

sterile = gallium.likelihood(mci.Sterile())
fit = mci.fit(sterile)
print(fit)  # best fit in eV2, chi2, dof, p, the other minima

scan = mci.scan(sterile, {"sin2_2theta": mci.linspace(0, 1, 101), "dm2": mci.geomspace("0.05 eV2", "30 eV2", 201)})
mci.figures.regions(bahcall=scan.region(sigma=2)).save("gallium.pdf")  # figure, CSV of what is drawn, caption with citations
print(mci.cite(scan))  # BibTeX of everything that entered
