"""The verbs: each parses its flags with tyro, calls one function of the library, and prints what came of it."""
