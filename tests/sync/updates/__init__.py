"""Changes of a profile after sign-up, from every side, and what each channel is given of them."""
