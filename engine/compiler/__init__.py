"""Policies compiled to Python: two functions a policy, over records of which only the fields they read are decoded.

They decide what is plain: records whose values are all known, lookups that are complete. Whatever is not plain goes to
the exact path, one record and policy at a time: docs/adr/0005-two-paths-one-meaning.md.
"""
