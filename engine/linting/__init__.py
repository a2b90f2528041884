"""What is wrong with a policy, told without running it."""
