"""What the page of trainings is made of."""
