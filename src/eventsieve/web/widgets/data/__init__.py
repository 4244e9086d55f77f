"""What the page of data sets is made of."""
