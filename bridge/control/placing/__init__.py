"""Which of several active workers holds which conference, and how points come over to it."""
