"""What is shown, as plain values: from the model to rows, text and points. Nothing here knows Textual."""
