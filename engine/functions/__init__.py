"""The functions of the language: their table, and what they do. They know values, and nothing of expressions."""
