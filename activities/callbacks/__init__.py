"""How each kind of callback is carried out, one file a kind."""
