"""What is to be expected: what is known of a day in advance, what is usual, and the forecast made of both."""
