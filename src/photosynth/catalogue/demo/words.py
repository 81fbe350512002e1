"""Invented words and numbers for random labels."""

from __future__ import annotations

import numpy as np

_STARTS = "b br c cl cr d dr f fl fr g gl gr h j k kl l m n p pl pr qu r s sk sl sm sn sp st t tr v w y z".split()
_VOWELS = "a e i o u a e i o ai ee oo ou ia io".split()
_ENDS = "n r l s t x m nd rt ll ss lo ra na ni ta co va".split()
_GOODS = (
    "Juice Nectar Soda Tea Coffee Cocoa Milk Kefir Yoghurt Butter Cheese Cream Soup Broth Sauce Pesto Salsa Relish "
    "Mustard "
    "Pickles Olives Beans Lentils Peas Corn Rice Pasta Noodles Flour Oats Muesli Flakes Crisps Nuts Seeds Honey Jam "
    "Syrup "
    "Biscuits Wafers Toffee Fudge Mints Tuna Herring Spread Tofu Soap Shampoo Balm Cleaner Detergent Starch Yeast Salt"
).split()
_KINDS = (
    "Classic Original Crispy Creamy Smooth Extra Light Golden Roasted Smoked Spicy Mild Sweet Salted Wild Fresh "
    "Pure Double "
    "Whole Fine Organic Mountain Garden Farmhouse Family Premium Zero Instant Quick Soft Dark Ruby Silver Royal Summer"
).split()
_PROSE = (
    "keep cool and dry once open use within days best before see base contains may contain traces of nuts milk "
    "wheat soya "
    "ingredients water sugar salt oil starch natural flavouring acid shake well serve chilled for allergens see "
    "words in bold "
    "made with care by our friends in the valley packed in a protective atmosphere produce of more than one country "
    "store away "
    "from sunlight do not freeze recycle this pack suitable for everyone"
).split()
UNWANTED = (
    "anal anus arse bich butt clit coc coon cul cum cun dago dik dild dyk fag fart fek fuk gay gook hoe "
    "homo hore jap jew kak kik klan kok kuk lolit merd nazi neg nig nippl paki pede pedo pee pen pik pis "
    "poo porn prik pus puta rap sad sem sex shi slav slut spic suk tard tit twat vag wank wop"
).split()
"""Letters that random syllables must not spell."""


def invented_word(rng: np.random.Generator) -> str:
    """A pronounceable word of two or three syllables that is (almost surely) no brand and no rude word."""
    while True:
        n = int(rng.integers(2, 4))
        body = "".join(pick(rng, _STARTS) + pick(rng, _VOWELS) for _ in range(n))
        word = (body + (pick(rng, _ENDS) if rng.random() < 0.6 else ""))[:11]
        if not any(fragment in word for fragment in UNWANTED):
            return word.capitalize()


def product_words(rng: np.random.Generator) -> str:
    """What is in the package: one or two words."""
    return f"{pick(rng, _KINDS)} {pick(rng, _GOODS)}" if rng.random() < 0.7 else pick(rng, _GOODS)


def kind_word(rng: np.random.Generator) -> str:
    """One adjective of the trade."""
    return pick(rng, _KINDS)


def prose(rng: np.random.Generator, n_words: int) -> str:
    """Words as in small print."""
    words = [pick(rng, _PROSE) for _ in range(n_words)]
    text = " ".join(words).capitalize()
    return f"{text}, {int(rng.integers(2, 99))} g."


def amount(rng: np.random.Generator) -> str:
    """A net content."""
    if rng.random() < 0.5:
        return f"{int(rng.choice([75, 100, 125, 150, 200, 250, 300, 375, 400, 450, 500, 750]))} g"
    return f"{int(rng.choice([200, 250, 330, 400, 500, 700, 750]))} ml"


def pick(rng: np.random.Generator, options):
    """One of a sequence."""
    return options[int(rng.integers(len(options)))]
