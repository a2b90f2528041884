"""The language of policies: JMESPath with unknowns, its functions, texts, and what an expression reads."""
