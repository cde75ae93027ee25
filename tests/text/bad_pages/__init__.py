"""Bad bodies of our own making: wordings in many languages × the looks of widespread products."""
