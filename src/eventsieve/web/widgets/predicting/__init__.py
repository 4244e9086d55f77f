"""What the page of predictions is made of."""
