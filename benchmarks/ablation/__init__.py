"""Ablation: which parts of a recipe make a better classifier on real photos. The command is ../ablation.py."""
