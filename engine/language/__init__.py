"""The language of policies: JMESPath with unknowns. Its parser, interpreter and types; what an expression reads."""
