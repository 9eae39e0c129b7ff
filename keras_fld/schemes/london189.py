"""iBUG-68 from the 189 points of the Face Research Lab London Set (DeBruine and Jones, 2017).

The template of the set follows the outlines of brows, lids, irises, nose, lips, ears and jaw. Where
it has no point for a landmark of iBUG-68, the landmark is the weighted mean of nearby points; an
index that is repeated has more weight. The landmarks of the brows are spaced about evenly, as in
iBUG-68, those of the jaw exactly (`schemes.jaw`), and those of the lids are at one third and two
thirds. Two places are approximate: the tip of the nose, where the template has no point, and the
inner corners of the mouth, because the lips are closed.
"""

LONDON189 = "london189"
LONDON189_LANDMARKS = (189,)

IBUG68_FROM_LONDON189 = (
    *(109, (185, 110, 110), (186, 186, 186, 111), (111, 125), (125, 126, 126), (126, 127)),
    *((127, 127, 128), (128, 128, 128, 129), 129, (130, 130, 130, 129), (131, 131, 130)),
    *((132, 131), (133, 132, 132), (114, 133), (188, 188, 188, 114), (187, 113, 113), 112),
    *(71, 72, (73, 73, 73, 74), (74, 74, 74, 75), (75, 75, 76)),
    *((77, 78, 78), (79, 79, 79, 78), (80, 80, 80, 79), 81, 82),
    *((50, 51, 56, 57), (52, 58), (53, 59), (54, 54, 55, 60, 60)),
    *(64, (64, 180), 55, (69, 181), 69),
    *(18, (19, 20), (20, 21, 21), 22, (29, 30, 30), (28, 29)),
    *(23, (24, 24, 25), (25, 26), 27, (32, 33), (31, 31, 32)),
    *(87, 88, 89, 90, 91, 92, 93, 108, 107, 106, 105, 104),
    *((87, 87, 94, 99), 95, 96, 97, (93, 93, 98, 103), 102, 101, 100),
)
