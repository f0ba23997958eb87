"""The functions of `keras.ops` that need no kernel of a network's layer, and what they are made of.

A function computes with symbols, with the `Value`s of a graph that grows, or with arrays. Axes are counted
with the batch axis, which only sums and means go over; `batching` has the rules. Where it is joined with
others, or moves, `rows` says what a function does.
"""
