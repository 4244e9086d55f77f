"""What the pages of models are made of."""
