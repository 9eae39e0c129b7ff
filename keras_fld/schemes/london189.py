"""iBUG-68 out of the 189 points of the Face Research Lab London Set (DeBruine and Jones, 2017).

Its template follows the outlines of brows, lids, irises, nose, lips, ears and jaw. Where iBUG-68
has no point of its own there, a landmark is placed between two, an index that comes twice pulling
it nearer: the jaw's and the brows' landmarks evenly along them, as iBUG-68 spaces them, those of
the lids at a third and two thirds. Approximate are the tip of the nose, which the template leaves
out, and the inner corners of the mouth, whose lips are closed.
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
