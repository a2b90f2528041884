"""Packs: the controls of a framework, in order, and the policies that answer them."""
