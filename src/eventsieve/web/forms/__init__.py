"""Forms made of JSON Schemas, and the form of a training around them."""
