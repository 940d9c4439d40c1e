"""What is drawn: each takes values and draws them. Nothing here knows the model."""
