"""The simplifier's parts: rules, terms, and the way from circuits to terms and back."""
