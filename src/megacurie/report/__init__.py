"""What a person reads; computes nothing."""
