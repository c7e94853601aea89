"""Regional finance: budget, treasury documents, realisation and retribution bills, as SIPD keeps them."""
