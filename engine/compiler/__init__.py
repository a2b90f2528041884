"""The fast path: policies compiled to Python, over records of which only the fields they read are decoded.

It decides what is plain: records whose values are all known, lookups that are complete. Whatever is not plain (a
`$missing` marker, a value of an unexpected kind, an expression without a value) goes to the exact path, one record
and policy at a time. So the two give the same bytes, and the exact path stays the only place that knows unknowns.

    needs        what of a record the policies read, and the msgspec type that decodes it
    code         Python's syntax tree, in short
    emit, nodes  an expression → Python
    calls        functions of the language → Python
    plain        what the compiled code calls
    program      all policies on one resource type, each as a rule: a function that decides, and one that words
    writer       policies → the rules of a program
    judgement    the functions of one rule
    memo         what an outcome depends on, as a key
    lookups      the policy's variables
    texts        its evidence, messages and commands
    near, far    lookups within an account, and across a snapshot
    offers       which account has what for lookups across a snapshot
    rows         a file → its records, some at a time: those that are plain, and others
    stretch      plain records → what each rule finds, remembered or new
    judge        one account → its findings
"""
