"""Export of a trained network to a model folder that the product loads."""
