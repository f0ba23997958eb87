"""What all other packages share: names, seeds, policies, variables, symbols, programs, argument checks."""
