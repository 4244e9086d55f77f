"""What the page of exploratory analysis is made of."""
