"""What a person sees on the terminal and in pictures: the only code that prints results."""
